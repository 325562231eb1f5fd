from collections.abc import Iterator

import pytest

from skillora.tests.serving import Product, serving


@pytest.fixture(scope="module")
def product(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Web and worker processes for the tests of one file; other files' runs are not theirs to do."""
    with serving(tmp_path_factory.mktemp("product")) as running:
        yield running
