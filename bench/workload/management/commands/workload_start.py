"""`manage.py workload_start TASK --runs N --rows N --seconds S`: start runs; prints their ids, one line."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from bench.workload.tasks import TABLE
from runs.services import run_start


class Command(BaseCommand):
    requires_system_checks: list[str] = []
    help = "Start runs of a workload task."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("task")
        parser.add_argument("--runs", type=int, default=1)
        parser.add_argument("--rows", type=int, default=100_000)
        parser.add_argument("--seconds", type=float, default=2.0)

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(TABLE)
        payload = {"rows": options["rows"], "seconds": options["seconds"]}
        runs = [run_start(task=options["task"], by=None, payload=payload) for _ in range(options["runs"])]
        print(*[run.pk for run in runs])
