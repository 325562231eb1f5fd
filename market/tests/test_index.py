"""The percentile index against the table it is built from."""

from fractions import Fraction

import numpy as np
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import index as engine
from analytics.models import Segment
from analytics.segments import LoadedSegment, pack
from analytics.selection import LoadedIndex, Selection, loaded
from ingest import hooks
from ingest.declarations import Arrays
from market.indexes import SALARIES
from market.models import SalaryRecord
from market.tests.salaries import COUNTRIES, columns_made, names_made, rows_stored
from runs.models import Run

pytestmark = pytest.mark.django_db
DATASET = "salary_records"


def load(columns: Arrays) -> None:
    """What a load does with rows and listeners."""
    spans = [(int(columns["id"][0]), int(columns["id"][-1]))]
    with transaction.atomic():
        rows_stored(columns)
        for listener in hooks.listeners(DATASET):
            listener.rows_loaded(DATASET, spans, columns)()


def truth(where: str = "true") -> tuple[int, list[float]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), percentile_cont(array[0.1,0.25,0.5,0.75,0.9]) WITHIN GROUP (ORDER BY pay_year_usd)"
            f" FROM market_salaryrecord WHERE pay_year_usd > 0 AND {where}"
        )
        n, percentiles = cursor.fetchone()
    return n, percentiles or []


def agrees(selection: Selection, where: str) -> None:
    n, expected = truth(where)
    assert selection.n == n
    assert [float(p) for p in selection.percentiles().values()] == pytest.approx(expected, abs=1e-6)


def test_index_after_loads_agrees_with_the_table_across_segments() -> None:
    for number in range(1, 4):
        load(columns_made(400, seed=number, import_id=number))
    found = loaded(DATASET)
    assert len(found.parts) == 3
    agrees(found.select({}), "true")
    agrees(found.select({"country": {840}}), "country_id = 840")
    agrees(
        found.select({"country": {840, 76}, "seniority": {3}}), "country_id IN (840, 76) AND seniority = 3"
    )
    agrees(found.select({"month": [2023 * 12 + m for m in range(12)]}), "extract(year from day) = 2023")
    agrees(found.select({"month": [0]}), "day IS NULL")
    assert found.excluded == SalaryRecord.objects.filter(pay_year_usd=0).count()


def test_index_of_one_segment_gives_every_rank_and_histogram() -> None:
    columns = columns_made(500)
    load(columns)
    values = np.sort(columns["pay_year_usd"][columns["pay_year_usd"] > 0])
    selection = loaded(DATASET).select({})
    assert selection.values(range(selection.n)) == values.tolist()
    edges = [0, 5_000_000, int(values[100]), 20_000_000, 1 << 50]
    counted = np.histogram(values, [*edges, (1 << 62)])[0].tolist()
    assert selection.histogram(edges) == counted


def test_rows_changed_rebuilds_only_the_segments_that_cover_them() -> None:
    for number in range(1, 4):
        load(columns_made(100, seed=number, import_id=number))
    kept = Segment.objects.order_by("id").values_list("id", flat=True)
    first, last = kept[0], kept[2]
    span = (2 << 32, 2 << 32 | 0xFFFFFFFF)
    SalaryRecord.objects.filter(id__range=span).delete()
    for listener in hooks.listeners(DATASET):
        listener.rows_changed(DATASET, [span])
    assert list(Segment.objects.order_by("id").values_list("id", flat=True)) == [first, last]
    agrees(loaded(DATASET).select({}), "true")


def test_rows_loaded_between_the_lines_of_an_earlier_load_are_counted_once() -> None:
    columns = columns_made(100)
    fixed = {name: column[40:41] for name, column in columns.items()}
    rest = {name: np.delete(column, 40) for name, column in columns.items()}
    load(rest)
    load(fixed)
    agrees(loaded(DATASET).select({}), "true")
    SalaryRecord.objects.filter(id=int(rest["id"][3])).update(pay_year_usd=1)
    for listener in hooks.listeners(DATASET):
        listener.rows_changed(DATASET, [(int(rest["id"][3]),) * 2])
    agrees(loaded(DATASET).select({}), "true")


def test_merge_of_small_segments_changes_no_answer() -> None:
    for number in range(1, 12):
        load(columns_made(60, seed=number, import_id=number))
    before = loaded(DATASET).select({"seniority": {2, 3}}).percentiles()
    assert engine.merge(DATASET) == 1
    after = loaded(DATASET)
    assert len(after.parts) == 1
    assert after.select({"seniority": {2, 3}}).percentiles() == before
    assert engine.merge(DATASET) == 0


def test_merge_is_started_once_when_small_segments_have_piled_up() -> None:
    for number in range(1, engine.MERGE_ABOVE + 1):
        load(columns_made(5, seed=number, import_id=number))
    engine.merge_when_due(DATASET)
    assert not Run.objects.filter(task=engine.MERGE_TASK).exists()
    load(columns_made(5, import_id=99))
    engine.merge_when_due(DATASET)
    engine.merge_when_due(DATASET)
    assert Run.objects.get(task=engine.MERGE_TASK).payload == {"dataset": DATASET}


def test_rebuild_from_the_table_equals_what_loads_wrote() -> None:
    load(columns_made(300))
    load(columns_made(300, seed=2, import_id=2))
    written = loaded(DATASET).select({}).percentiles()
    Segment.objects.all().delete()
    assert loaded(DATASET).select({}).n == 0
    assert engine.rebuild(DATASET) == 1
    agrees(loaded(DATASET).select({}), "true")
    assert loaded(DATASET).select({}).percentiles() == written


def test_group_by_gives_each_code_its_own_percentiles() -> None:
    load(columns_made(300))
    load(columns_made(300, seed=2, import_id=2))
    groups = loaded(DATASET).select({}).group_by("country", top=3)
    assert len(groups) == 3
    assert [g.n for g in groups] == sorted((g.n for g in groups), reverse=True)
    for group in groups:
        n, expected = truth(f"country_id = {group.code}")
        assert group.n == n
        assert [float(p) for p in group.percentiles.values()] == pytest.approx(expected, abs=1e-6)


def test_a_rolled_back_load_leaves_no_trace_in_the_loaded_index() -> None:
    load(columns_made(50))
    version = engine.data_version(DATASET)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        load(columns_made(50, seed=2, import_id=2))
        assert loaded(DATASET).version != version
        1 / 0  # noqa: B018
    assert loaded(DATASET).version == version
    agrees(loaded(DATASET).select({}), "true")


cents = st.integers(min_value=1, max_value=1 << 44) | st.integers(min_value=1, max_value=300)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parts=st.lists(
        st.lists(st.tuples(cents, st.integers(0, 3)), min_size=1, max_size=40), min_size=1, max_size=4
    ),
    wanted=st.sets(st.integers(0, 3), min_size=1),
)
def test_percentiles_of_any_segments_equal_linear_interpolation(
    parts: list[list[tuple[int, int]]], wanted: set[int]
) -> None:
    segments = {}
    for i, part in enumerate(parts):
        values, codes = (np.array(column, np.int64) for column in zip(*part, strict=True))
        segments[i] = LoadedSegment(len(part), pack(values, [("d", codes)]))
    chosen = sorted(v for part in parts for v, d in part if d in wanted)
    selection = LoadedIndex(segments).select({"d": wanted})
    assert selection.n == len(chosen)
    expected = {}
    for percent in (10, 25, 50, 75, 90) if chosen else ():
        at = Fraction((len(chosen) - 1) * percent, 100)
        low = int(at)
        high = min(low + 1, len(chosen) - 1)
        expected[percent] = chosen[low] + (chosen[high] - chosen[low]) * (at - low)
    assert selection.percentiles() == expected


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    countries=st.sets(st.sampled_from(COUNTRIES), min_size=1),
    levels=st.sets(st.integers(0, 7), min_size=1),
    titles=st.sets(st.integers(0, 4), min_size=1),
)
def test_any_filters_agree_with_percentile_cont(
    countries: set[int], levels: set[int], titles: set[int]
) -> None:
    if not SalaryRecord.objects.exists():
        load(columns_made(250))
        load(columns_made(250, seed=2, import_id=2))
    ids = [names_made()["title_id"][i] for i in titles]
    text = {name: ", ".join(map(str, codes)) for name, codes in (("c", countries), ("s", levels), ("t", ids))}
    selection = loaded(DATASET).select({"country": countries, "seniority": levels, "title": ids})
    agrees(
        selection, f"country_id IN ({text['c']}) AND seniority IN ({text['s']}) AND title_id IN ({text['t']})"
    )


def test_index_declares_columns_of_its_model() -> None:
    attnames = {f.attname for f in SalaryRecord._meta.concrete_fields}
    assert {SALARIES.value, *(d.attname for d in SALARIES.dimensions)} <= attnames
