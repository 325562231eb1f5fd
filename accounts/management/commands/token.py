"""`manage.py token EMAIL`: a new API token on standard output, and nothing else."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from accounts.models import Role, User
from accounts.services import token_create, user_create


class Command(BaseCommand):
    """Prints a token; the account must be there unless --create."""

    help = "Print a new API token of EMAIL, nothing else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--create", action="store_true", help="make the account where there is none")
        parser.add_argument(
            "--role", choices=Role.values, default=Role.VIEWER, help="of the account that is made"
        )

    def handle(self, *args: Any, email: str, create: bool, role: str, **options: Any) -> None:
        email = email.strip().lower()
        user = User.objects.filter(email=email).first()
        if user is None:
            if not create:
                raise CommandError(f"There is no account {email}; add --create --role viewer|editor|staff.")
            try:
                validate_email(email)
            except ValidationError as error:
                raise CommandError(f"{email!r} is not an e-mail address.") from error
            user = user_create(email=email, role=Role(role))
        if not user.is_active:
            raise CommandError(
                f"The account {email} is not active; a member of staff can activate it in the admin."
            )
        _row, token = token_create(by=user, name="manage.py token")
        self.stdout.write(token)
