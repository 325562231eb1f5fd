"""`manage.py backup [--to PLACE]`: every table into the configured storage, or into another one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ingest.backups.services import backup_create
from skillora.lib.errors import DomainError


class Command(BaseCommand):
    help = "Back every table up: an Avro file each, from one snapshot, and a manifest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", default="", metavar="PLACE", help="a folder, or s3://bucket/prefix")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = backup_create(by=None, to=options["to"])
        except DomainError as error:
            raise CommandError(error.message) from None
        self.stdout.write(
            f"{made.name}: {made.rows:,} rows of {len(made.tables)} tables,"
            f" {made.size:,} bytes, {made.seconds:.1f} s"
        )
