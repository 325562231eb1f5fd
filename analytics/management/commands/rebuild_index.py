"""`manage.py rebuild_index [DATASET…]`: build percentile indexes again from their tables."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics.index import indexes, rebuild
from skillora.lib.errors import DomainError


class Command(BaseCommand):
    help = "Build percentile indexes again from their tables; all of them where none is named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("datasets", nargs="*", metavar="DATASET")

    def handle(self, *args: Any, **options: Any) -> None:
        for dataset in options["datasets"] or [index.dataset for index in indexes()]:
            try:
                count = rebuild(dataset)
            except DomainError as error:
                raise CommandError(error.message) from error
            self.stdout.write(f"{dataset}: {count} segment{'' if count == 1 else 's'}")
