from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from ingest.models import Import
from ingest.tests import faulty


@pytest.fixture
def owner() -> User:
    return faulty.editor()


@pytest.fixture
def source(owner: User, tmp_path: Path) -> Import:
    return faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)


@pytest.fixture
def signed_in(owner: User) -> Client:
    """The owner's browser or API client."""
    client = Client()
    client.force_login(owner)
    return client
