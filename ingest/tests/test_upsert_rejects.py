"""Corrected rejects of an upsert dataset: they find the rows of their key, new, changed and the same."""

from pathlib import Path

import pytest

from accounts.models import User
from hiring.models import Department
from ingest import fixing, joining, undoing
from ingest.fixing import Fix
from ingest.models import RejectState, row_id
from ingest.tests import faulty
from runs.models import State

pytestmark = pytest.mark.django_db(transaction=True)


def names() -> dict[int, str]:
    return dict(Department.objects.values_list("id", "department"))


def test_corrected_rejects_of_an_upsert_dataset_join_their_import_and_are_undone(
    owner: User, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("id,department\n1,Sales\n2,Legal\n3,Research\n")
    faulty.loaded(first, owner, "departments")
    before = faulty.checksum(Department._meta.db_table)
    second.write_text("id,department\n1,Sales Force\nx,Law\nx,Research\nx,Design\nx,left wrong\n")
    source = faulty.loaded(second, owner, "departments")
    assert (source.updated, source.rejected) == (1, 4)
    corrected = {3: "2", 4: "3", 5: "4"}
    fixes = [Fix(line, changes={0: key}) for line, key in corrected.items()]
    assert [v.word for v in fixing.rejects_fix(source=source, by=owner, fixes=fixes)] == ["valid"] * 3
    run = faulty.ran(joining.rejects_load(source=source, by=owner))
    assert run.state == State.DONE, run.error_message
    assert (run.result["inserted"], run.result["updated"], run.result["unchanged"]) == (1, 1, 1)
    assert names() == {1: "Sales Force", 2: "Law", 3: "Research", 4: "Design"}
    source = faulty.fresh(source)
    assert (source.inserted, source.updated, source.unchanged, source.rejected) == (1, 2, 1, 1)
    assert faulty.conserved(source)
    assert source.rejects.filter(state=RejectState.FIXED).count() == 3
    assert Department.objects.get(id=4).origin == row_id(source.pk, 5)
    undo = faulty.ran(undoing.import_undo(source=source, by=owner))
    assert (undo.state, undo.error_message) == (State.DONE, "")
    assert faulty.checksum(Department._meta.db_table) == before
