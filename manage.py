#!/usr/bin/env python
"""Skillora's command line: every command finds the embedded servers, or starts them for its own time."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillora.settings")
    from skillora import embedded

    with embedded.for_command(sys.argv):
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
