"""`report SLUG [name=value …]`: a report's answer on the command line, as its page and API give it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics.api import encoded
from analytics.declarations import report
from analytics.renderers import as_json, csv_lines
from skillora.lib.errors import DomainError


class Command(BaseCommand):
    help = "Print a report, e.g. report hires-by-quarter year=2021 --format csv"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("params", metavar="name=value", nargs="*", help="as in the page's address")
        parser.add_argument("--format", choices=["csv", "json"], default="csv")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = {}
        for text in options["params"]:
            name, sign, value = text.partition("=")
            if not sign:
                raise CommandError(f"{text}: write it as name=value, e.g. year=2021")
            asked[name] = value
        try:
            found = report(options["slug"])
            params = found.params(asked)
            version = found.version(params)
            answer = found.answer(params, version)
        except DomainError as error:
            raise CommandError(error.message) from None
        if options["format"] == "json":
            self.stdout.write(encoded(as_json(found, params, answer, version)).decode())
        else:
            self.stdout.writelines(csv_lines(answer))
