"""An upload that somebody deletes while another request is on its way to it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from accounts.models import User
from ingest import joining, services, undoing
from ingest.models import Import
from ingest.tests import faulty
from skillora.lib.errors import NotFound

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "ask",
    [
        lambda source, by: services.import_map(source=source, by=by, fill=True),
        lambda source, by: services.import_check(source=source, by=by),
        lambda source, by: services.import_submit(source=source, by=by),
        lambda source, by: services.import_facts_change(source=source, by=by, overrides={}),
        lambda source, by: services.import_delete(source=source, by=by),
        lambda source, by: joining.rejects_load(source=source, by=by),
        lambda source, by: undoing.import_undo(source=source, by=by),
    ],
    ids=["map", "check", "submit", "facts", "delete", "rejects-load", "undo"],
)
def test_import_deleted_a_moment_ago_is_not_found(
    ask: Callable[[Import, User], object], owner: User, tmp_path: Path
) -> None:
    path = faulty.write(tmp_path / "pay.csv")
    source = services.import_create(by=owner, dataset="salary_records", upload=path, name=path.name)
    source = services.import_map(source=source, by=owner, fill=True)
    services.import_delete(source=faulty.fresh(source), by=owner)
    with pytest.raises(NotFound):
        ask(source, owner)
