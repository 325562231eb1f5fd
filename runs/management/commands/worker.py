"""`manage.py worker`: answer rings, fork a work-horse per run, sweep."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from runs.execution import execute
from runs.worker import die_with_parent, work


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # `prepare` makes them; one that was killed is to be back at once
    help = "Does queued runs until it is stopped (SIGTERM, Ctrl-C); its run is rolled back and resumed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--burst", action="store_true", help="end when nothing is waiting")
        parser.add_argument("--run", type=int, nargs="+", metavar="ID", help="do these here, now")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["run"]:
            die_with_parent()
            for run_id in options["run"]:
                execute(run_id)
            return
        work(burst=options["burst"])
