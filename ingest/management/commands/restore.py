"""`manage.py restore BACKUP [--into-empty | --rehearse]`: a backup back, or proof that it would come."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ingest.backups.services import backup_rehearse, backup_restore
from skillora.lib.errors import DomainError


class Command(BaseCommand):
    help = "Restore a backup: into the configured empty database, or in rehearsal into a scratch schema."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("backup", help='its name, "latest", its folder, or s3://bucket/prefix/name')
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--into-empty", action="store_true", help="into the configured database (the default)"
        )
        how.add_argument(
            "--rehearse", action="store_true", help="into a scratch schema that is dropped again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        start = time.monotonic()
        work = backup_rehearse if options["rehearse"] else backup_restore
        try:
            found = work(name=options["backup"])
        except DomainError as error:
            raise CommandError(error.message) from None
        word = (
            "came back whole in rehearsal" if options["rehearse"] else "restored; counts and checksums agree"
        )
        self.stdout.write(
            f"{found.name}: {found.rows:,} rows of {len(found.tables)} tables {word},"
            f" {time.monotonic() - start:.1f} s"
        )
