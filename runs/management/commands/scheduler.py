"""`manage.py scheduler`: start what is due; any number of them may run."""

from typing import Any

from django.core.management.base import BaseCommand

from runs.scheduling import schedule


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # `prepare` makes them; one that was killed is to be back at once
    help = "Starts scheduled tasks when they are due, and sweeps, until it is stopped (SIGTERM, Ctrl-C)."

    def handle(self, *args: Any, **options: Any) -> None:
        schedule()
