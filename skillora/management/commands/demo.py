"""`manage.py demo`: the demo's sign-ins and its sample, made once."""

import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from accounts.demo import ACCOUNTS, FILE
from accounts.models import User
from ingest.models import Import

HIRING = (  # in the shape of the public files: dataset, file, rows, share of lines that do not load
    ("departments", "sample_departments.csv", 12, 0.0),
    ("jobs", "sample_jobs.csv", 183, 0.0),
    ("hired_employees", "sample_hired_employees.csv", 1_999, 0.035),
)
WORDS = (
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "ivory",
    "juniper",
    "kelp",
    "linden",
)


class Command(BaseCommand):
    """Makes what is missing and prints the sign-ins; their random passwords lie in the home, its owner's."""

    help = "Create the demo's users and load a sample with faults, once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rows", type=int, default=20_000, help="rows of the sample (default 20000; 0: none)"
        )
        parser.add_argument("--seed", type=int, default=7, help="seed of the sample (default 7)")

    def handle(self, *args: Any, rows: int, seed: int, **options: Any) -> None:
        file = Path(settings.HOME) / FILE
        passwords: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        with transaction.atomic():
            for email, _name, role in ACCOUNTS:
                passwords.setdefault(email, _password())
                if not User.objects.filter(email=email).exists():
                    User.objects.create_user(email, passwords[email], role=role)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(passwords, out)
        if rows and not Import.objects.exists():
            self._load(rows, seed)
        self.stdout.write("\nsign in as")
        for email, _name, role in ACCOUNTS:
            self.stdout.write(f"  {role.value:<8} {email:<22} password  {passwords[email]}")

    def _load(self, rows: int, seed: int) -> None:
        """The sample goes through the same door as every file; a failure costs the sample, not the start."""
        if not {"sample_data", "import_file"} <= set(get_commands()):
            return
        with tempfile.TemporaryDirectory(prefix="skillora-sample-") as folder:
            made = [("salary_records", "sample_salaries.csv", rows, 0.02), *HIRING]
            for slug, name, size, faults in made:
                file = str(Path(folder) / name)
                try:
                    call_command(
                        "sample_data", slug, rows=size, seed=seed, faults=faults, out=file, stdout=self.stderr
                    )
                    call_command("import_file", slug, file, wait=True, stdout=self.stderr)
                except (Exception, SystemExit) as error:
                    if not (isinstance(error, SystemExit) and error.code in {0, 3}):
                        self.stdout.write(f"the sample was not loaded: {error or type(error).__name__}")


def _password() -> str:
    """Two words and four digits: easy to copy by eye, behind a lock-out after five failures."""
    return f"{secrets.choice(WORDS)}-{secrets.choice(WORDS)}-{secrets.randbelow(10_000):04d}"
