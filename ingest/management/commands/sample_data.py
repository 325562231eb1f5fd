"""`sample_data DATASET`: a synthetic file, the same bytes for the same seed; needs no database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ingest import declarations, samples
from skillora.lib.errors import DomainError


class Command(BaseCommand):
    help = "Write a synthetic file with planted faults; the same seed gives the same bytes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dataset", metavar="DATASET", help="e.g. salary_records")
        parser.add_argument("--rows", type=int, default=2_000)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--out", type=Path, required=True, metavar="FILE")
        parser.add_argument("--faults", type=float, default=0.02, help="share of lines that do not load")
        parser.add_argument("--dialect", choices=sorted(samples.DIALECTS), default="comma")

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes the file whole or not at all."""
        if options["rows"] < 1 or not 0 <= options["faults"] <= 1 or options["seed"] < 0:
            raise CommandError("Use --rows 1 or more, --seed 0 or more, and --faults from 0 to 1.")
        out = Path(options["out"])
        try:
            pieces = samples.sample(
                declarations.dataset(options["dataset"]),
                rows=options["rows"],
                seed=options["seed"],
                faults=options["faults"],
                dialect=options["dialect"],
            )
            part = out.with_name(out.name + ".part")
            with part.open("wb") as file:
                file.writelines(pieces)
            part.rename(out)
        except (DomainError, LookupError, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{out}: {options['rows']} synthetic rows")
