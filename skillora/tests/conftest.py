from collections.abc import Iterator

import pytest

from skillora.tests.serving import Product, serving


@pytest.fixture(scope="session")
def product(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Web and worker processes, up before the first test asks for them, and gone after the last."""
    with serving(tmp_path_factory.mktemp("product")) as running:
        yield running
