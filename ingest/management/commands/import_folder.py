"""`import_folder FOLDER`: every CSV and XLSX of a folder into the table that its shape says, in the right order."""

import json
import logging
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ingest import declarations, together
from ingest.management.commands.import_file import outcome, user_of
from ingest.models import Import
from runs.models import Run, State
from runs.waiting import run_waited
from skillora.lib.errors import DomainError

log = logging.getLogger(__name__)

SUFFIXES = {".csv", ".tsv", ".txt", ".xlsx", ".gz", ".zip"}
ENDED = {State.DONE, State.DONE_WITH_REJECTS}


class Command(BaseCommand):
    help = "Load all files of a folder, those first that others refer to. Exit status: 0 done, 3 rejects, 1 failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="FOLDER", type=Path)
        parser.add_argument("--lenient", action="store_true", help="let rows in that lack optional values")
        parser.add_argument("--by", metavar="EMAIL", help="whose imports they are")
        parser.add_argument("--force", action="store_true", help="also what was imported before")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints one JSON object a file; each reject is kept with its line, and logged by reason."""
        folder: Path = options["folder"]
        files = [
            path for path in sorted(folder.glob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()
        ]
        if not files:
            raise CommandError(f"There is no CSV or XLSX file in {folder}.")
        by = user_of(options["by"])
        try:
            sources = together.imports_create_together(
                by=by, files=[(path, path.name) for path in files], fallback=declarations.datasets()[0].slug
            )
            runs = together.imports_submit_together(
                by=by, sources=sources, lenient=options["lenient"], force=options["force"]
            )
        except DomainError as error:
            raise CommandError(error.message) from None
        ended = [self._told(source, run_waited(run)) for source, run in zip(sources, runs, strict=True)]
        if failed := [run for run in ended if run.state not in ENDED]:
            raise CommandError(failed[0].error_message or f"A load was {failed[0].get_state_display()}.")
        if any(run.state == State.DONE_WITH_REJECTS for run in ended):
            raise SystemExit(3)

    def _told(self, source: Import, run: Run) -> Run:
        source.refresh_from_db()
        self.stdout.write(
            json.dumps({"file": source.name, "dataset": source.dataset, **outcome(source, run)})
        )
        for group in run.result.get("groups", []):
            said = f"{source.name}: {group['rows']} rejected, {group['field']}: {group['code']}"
            log.warning(said)
            self.stdout.write(f"  {said}")
        return run
