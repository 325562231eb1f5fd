"""What every test shares, beside the plugin `skillora.testing`."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from skillora.tests import emptying


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Argon2 at its lowest cost; a hash says its cost, so a product under test reads it as well."""
    with pytest.MonkeyPatch.context() as patch:
        for cost, value in (("time_cost", 1), ("memory_cost", 8), ("parallelism", 1)):
            patch.setattr(Argon2PasswordHasher, cost, value)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, and a faster way to have it clean again."""
    with django_db_blocker.unblock():
        emptying.remember()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", emptying.put_back)
        yield
