"""`manage.py psql`: the database's own shell, out of the wheel where the machine has none."""

import os
import shutil
import subprocess
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from skillora import servers


class Command(BaseCommand):
    """Opens psql on the product's database; further words go to psql, for example `-c 'SELECT 1'`."""

    help = "Open psql on the product's database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs="*", help="arguments for psql, after --")

    def handle(self, *args: Any, **options: Any) -> None:
        program = shutil.which("psql") or str(servers.postgres_bin(None) / "psql")
        sys.exit(
            subprocess.run([program, os.environ["DATABASE_URL"], *options["words"]], check=False).returncode
        )
