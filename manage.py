#!/usr/bin/env python
"""Skillora's command line: every command finds the embedded servers, or starts them for its own time."""

import os
import sys

from skillora import embedded, launch


def main() -> None:
    """Run one command: the launcher's own need no Django, all others are Django's."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillora.settings")
    if own := launch.COMMANDS.get(" ".join(sys.argv[1:])):
        sys.exit(own())
    with embedded.for_command(sys.argv):
        from django.core.management import execute_from_command_line  # noqa: PLC0415 - after the servers

        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
