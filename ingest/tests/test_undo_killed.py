"""An undo killed -9 in its midst: everything stays as it was, and the next worker undoes it whole."""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from accounts.models import User
from analytics.models import Segment
from ingest import undoing
from ingest.tests import faulty
from market.models import SalaryRecord
from runs.models import State
from runs.tests.test_worker import Start, database_url, start, until  # noqa: F401 - a fixture
from skillora.tests.serving import WAIT_SECONDS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.integration]

WAITS = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture
def held() -> Iterator[psycopg.Connection[tuple[int]]]:
    """A session of somebody else, to hold a row with."""
    with psycopg.connect(database_url()) as session:
        yield session


def waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute(WAITS)
        return int(cursor.fetchone()[0])


def test_undo_killed_in_its_midst_changes_nothing_and_is_done_by_the_next(
    owner: User,
    tmp_path: Path,
    start: Start,  # noqa: F811
    held: psycopg.Connection[tuple[int]],
) -> None:
    source = faulty.loaded(faulty.write(tmp_path / "pay.csv"), owner)
    before, rows = faulty.checksum("market_salaryrecord"), SalaryRecord.objects.count()
    last = SalaryRecord.objects.order_by("-id").values_list("id", flat=True)[0]
    held.execute("SELECT 1 FROM market_salaryrecord WHERE id = %s FOR UPDATE", [last])
    run = undoing.import_undo(source=source, by=owner)
    worker = start()
    end = time.monotonic() + WAIT_SECONDS
    while not waiting():  # it has taken out the rows before the last
        assert time.monotonic() < end
        time.sleep(0.02)
    worker.kill()
    worker.wait()
    held.rollback()
    until(run, lambda r: not waiting())
    after = faulty.fresh(source)
    assert (after.state, after.inserted, SalaryRecord.objects.count()) == (
        State.DONE_WITH_REJECTS,
        rows,
        rows,
    )
    assert faulty.checksum("market_salaryrecord") == before
    assert sum(Segment.objects.values_list("rows", flat=True)) == rows
    start()
    until(run, lambda r: r.state == State.DONE)
    after = faulty.fresh(source)
    assert (after.state, after.inserted, SalaryRecord.objects.count()) == (State.UNDONE, 0, 0)
    assert (run.attempt, faulty.conserved(after)) == (2, True)
