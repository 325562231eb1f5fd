"""`import_file DATASET FILE`: one file from the command line, through the same engine as pages and API."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from ingest import declarations, services
from ingest.facts import Facts
from ingest.mapping import Suggestion
from ingest.models import Import
from runs.models import Run, State
from runs.waiting import run_waited
from skillora.lib.errors import DomainError

EXIT = {State.DONE: 0, State.DONE_WITH_REJECTS: 3}


class Command(BaseCommand):
    help = "Load one CSV or XLSX file. Exit status: 0 done, 3 done with rejects, 1 failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("dataset", metavar="DATASET", help="e.g. salary_records")
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--map", metavar="canonical=Header", action="append", default=[])
        parser.add_argument("--lenient", action="store_true", help="leave refused optional values empty")
        parser.add_argument(
            "--wait", action="store_true", help="until it ends; loads it here where no worker does"
        )
        parser.add_argument("--by", metavar="EMAIL", help="whose import it is")
        parser.add_argument("--force", action="store_true", help="also what was imported before")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints what happens, and as its last line one JSON object."""
        try:
            source = self._mapped(options)
            services.import_submit(source=source, by=source.by, force=options["force"])
        except DomainError as error:
            raise CommandError(error.message) from None
        source.refresh_from_db()
        assert source.load is not None  # noqa: S101 (submitted above)
        run = run_waited(source.load) if options["wait"] else source.load
        source.refresh_from_db()
        self.stdout.write(json.dumps(outcome(source, run)))
        if run.state == State.FAILED or (options["wait"] and run.state not in EXIT):
            raise CommandError(run.error_message or f"The load was {run.get_state_display()}.")
        if status := EXIT.get(State(run.state), 0):
            raise SystemExit(status)

    def _mapped(self, options: dict[str, Any]) -> Import:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        by = user_of(options["by"])
        source = services.import_create(by=by, dataset=options["dataset"], upload=path, name=path.name)
        chosen = dict(self._pairs(options["map"]))
        self._tell(source, chosen)
        return services.import_map(
            source=source, by=by, column_map=chosen, fill=True, lenient=options["lenient"]
        )

    def _pairs(self, texts: list[str]) -> list[tuple[str, str]]:
        pairs = []
        for text in texts:
            name, sign, header = text.partition("=")
            if not (name and sign and header):
                raise CommandError(f"--map {text}: write it as canonical=Header, e.g. --map salary=Pay")
            pairs.append((name.strip(), header.strip()))
        return pairs

    def _tell(self, source: Import, chosen: dict[str, str]) -> None:
        """One line per column of the file: what it becomes, and how sure that is."""
        suggestion, facts = Suggestion.from_json(source.suggestion), Facts.from_json(source.facts)
        labels = {c.name: str(c.label) for c in declarations.dataset(source.dataset).columns}
        by_header = {header: name for name, header in chosen.items()}
        for guess in suggestion.guesses:
            header = facts.headers[guess.column]
            name, sure = by_header.get(header), "as you say"
            if name is None and guess.canonical not in chosen:
                name, sure = guess.canonical, f"{guess.word}: {guess.why}" if guess.why else guess.word
            shown = f"{name} ({labels.get(name, '?')}), {sure}" if name else "left out"
            self.stdout.write(f"{header} → {shown}")


def user_of(email: str | None) -> User | None:
    """Whom `--by` names; None where it was not given. Raises CommandError for an address that nobody has."""
    user = User.objects.filter(email__iexact=email).first() if email else None
    if email and user is None:
        raise CommandError(f"There is no user {email}.")
    return user


def outcome(source: Import, run: Run) -> dict[str, Any]:
    """How a load ended, as commands print it."""
    return {
        "import": source.pk,
        "state": run.state,
        "read": source.rows_read,
        "inserted": source.inserted,
        "updated": source.updated,
        "unchanged": source.unchanged,
        "rejected": source.rejected,
        "skipped": source.skipped,
        "seconds": run.result.get("seconds"),
    }
