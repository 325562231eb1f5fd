"""`manage.py prepare`: what `make run` does before pages are served, in one process: each start takes a second."""

import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from ingest.models import Import
from skillora.launch import SAMPLE_WANTED


class Command(BaseCommand):
    """Migrates; in a demo makes its sign-ins and prints them.

    Ends with status 3 where the demo's sample is still to be loaded, by `manage.py demo` beside running workers.
    """

    help = "Bring the database up to date and make the demo's users."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, stdout=self.stderr)
        if settings.DEMO:
            call_command("demo", rows=0, stdout=self.stdout)
            if not Import.objects.exists():
                sys.exit(SAMPLE_WANTED)
