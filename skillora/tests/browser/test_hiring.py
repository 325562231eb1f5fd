"""Hiring, all the way: three files without headers dropped together, both reports, every faulty line corrected."""

import csv
import random
from pathlib import Path

import pandas as pd
import pytest

from accounts.models import User
from hiring.models import Department, HiredEmployee, Job
from ingest import samples
from ingest.declarations import dataset
from ingest.models import Import, RejectState
from skillora.tests.browser.conftest import Visit, Visitor
from skillora.tests.browser.test_pages import assert_sound

pytestmark = pytest.mark.browser

ROWS = {"departments": 12, "jobs": 183, "hired_employees": 1999}
FIELDS = ["id", "name", "datetime", "department_id", "job_id"]
LACKING = {"department_id": 21, "name": 19, "job_id": 16, "datetime": 13}  # as in the public file: 69
YEAR = 2021


@pytest.fixture
def people(tmp_path: Path) -> dict[str, Path]:
    """Files in the shape of the public ones, under names that say nothing; 69 lines lack exactly one field."""
    made = {}
    for at, (slug, rows) in enumerate(ROWS.items()):
        made[slug] = tmp_path / f"{at}.csv"
        made[slug].write_bytes(b"".join(samples.sample(dataset(slug), rows=rows, seed=11, faults=0)))
    with made["hired_employees"].open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    chosen = iter(random.Random(11).sample(range(len(lines)), sum(LACKING.values())))
    for name, times in LACKING.items():
        for _time in range(times):
            lines[next(chosen)][FIELDS.index(name)] = ""
    with made["hired_employees"].open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)
    return made


def table(path: Path, names: list[str]) -> pd.DataFrame:
    """A file as anybody would read it; blanks around cells mean nothing."""
    stripped: pd.DataFrame = pd.read_csv(path, names=names, dtype=str).apply(lambda cells: cells.str.strip())
    return stripped


def frame(people: dict[str, Path]) -> pd.DataFrame:
    """The complete rows of YEAR with the names of their places, read without any of our own code."""
    hired = table(people["hired_employees"], FIELDS).dropna()
    for slug, name in (("departments", "department"), ("jobs", "job")):
        places = table(people[slug], [f"{name}_id", name])
        hired = hired.merge(places, on=f"{name}_id", validate="many_to_one")
    moments = pd.to_datetime(hired["datetime"], utc=True)
    hired["quarter"] = moments.dt.quarter
    return hired[moments.dt.year == YEAR]


def by_quarter(hired: pd.DataFrame) -> list[list[str]]:
    """Department, job, Q1 to Q4, in byte order."""
    counts = pd.crosstab([hired["department"], hired["job"]], hired["quarter"])
    counts = counts.reindex(columns=[1, 2, 3, 4], fill_value=0)
    rows = [
        [*place, *map(str, quarters)] for place, quarters in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    return sorted(rows, key=lambda row: (row[0].encode(), row[1].encode()))


def above_mean(hired: pd.DataFrame) -> list[list[str]]:
    """Id, department and hires of those above the mean, most first."""
    counts = hired.groupby(["department_id", "department"]).size().reset_index(name="hired")
    above = counts[counts["hired"] > counts["hired"].mean()].astype({"department_id": int})
    ranked = above.sort_values(["hired", "department_id"], ascending=[False, True])
    return [[str(cell) for cell in row] for row in ranked.to_numpy().tolist()]


def downloaded(visitor: Visitor, slug: str) -> list[list[str]]:
    """A report's CSV, fetched with the session of the page."""
    answer = visitor.page.request.get(f"{visitor.url}/api/v1/analytics/{slug}.csv?year={YEAR}")
    assert answer.ok, answer.text()
    return list(csv.reader(answer.body().decode("utf-8-sig").splitlines()))[1:]


def drop_together(visitor: Visitor, people: dict[str, Path]) -> Import:
    """All files at once, no mapping made by hand; ends when all are loaded."""
    page = visitor.page
    visitor.go("/imports/new")
    page.set_input_files("input[name=file]", [people[slug] for slug in reversed(ROWS)])
    page.click("main button.primary")
    page.wait_for_url("**/imports/together?*")
    assert page.get_by_text("Ready", exact=True).count() == 3
    assert_sound(visitor, page.url.removeprefix(visitor.url))
    page.get_by_role("button", name="Load 3 files").click()
    page.get_by_text("69 rows of 2.csv wait to be fixed").wait_for()
    assert_sound(visitor, page.url.removeprefix(visitor.url))
    return Import.objects.get(dataset="hired_employees")


def same_for_all(visitor: Visitor, source: Import, reason: str, text: str) -> None:
    """All lines of a kind get the same, by the rule beside their reason: chosen by name, or typed."""
    page = visitor.page
    visitor.go(f"/imports/{source.pk}/rejects")
    rule = page.locator("#reasons tbody tr", has_text=reason)
    rows = int(rule.locator(".num a, .num div").first.inner_text())
    if rule.locator("select[name=text]").count():
        rule.locator("select[name=text]").select_option(label=text)
    else:
        rule.locator("input[name=text]").fill(text)
    rule.get_by_role("button", name="Fill in").click()
    page.get_by_text(f"{rows} rows corrected; {rows} valid now.").wait_for()


def one_by_one(visitor: Visitor, source: Import, name: str, text: str) -> None:
    """Each line that lacks this field is corrected in its own cell."""
    page = visitor.page
    rejects = source.rejects.filter(field=name).order_by("line")
    visitor.go(f"/imports/{source.pk}/rejects?code=required&field={name}")
    for line in rejects.values_list("line", flat=True):
        cell = page.locator(f"#r{line} input[aria-invalid=true]")
        cell.fill(text)
        cell.press("Tab")
        page.locator(f"#r{line}").get_by_text("Valid now").wait_for()


def test_three_files_dropped_together_answer_both_questions_and_all_69_faults_are_fixed(
    visit: Visit, editor: User, people: dict[str, Path]
) -> None:
    visitor = visit()
    page = visitor.sign_in(editor)
    source = drop_together(visitor, people)
    assert (Department.objects.count(), Job.objects.count(), HiredEmployee.objects.count()) == (12, 183, 1930)
    assert (source.rows_read, source.inserted, source.rejected) == (1999, 1930, 69)

    hired = frame(people)
    assert len(hired) > 900
    assert downloaded(visitor, "hires-by-quarter") == by_quarter(hired)
    assert downloaded(visitor, "departments-above-mean") == above_mean(hired)
    visitor.go(f"/hiring/?year={YEAR}")
    assert f"{len(hired):,}" in page.locator("main").inner_text()

    assert_sound(visitor, f"/imports/{source.pk}/rejects")
    same_for_all(visitor, source, "Department number is empty", f"3 · {Department.objects.get(pk=3)}")
    same_for_all(visitor, source, "Job number is empty", f"7 · {Job.objects.get(pk=7)}")
    same_for_all(visitor, source, "Name is empty", "Not given")
    one_by_one(visitor, source, "datetime", f"{YEAR}-12-31T23:59:59Z")
    page.get_by_role("button", name="Load 69 fixed rows").click()
    page.get_by_text("No rejected row is left").wait_for()
    source.refresh_from_db()
    assert (source.rows_read, source.inserted, source.rejected) == (1999, 1999, 0)
    assert HiredEmployee.objects.count() == 1999
    assert set(source.rejects.values_list("state", flat=True)) == {RejectState.FIXED}
    every = table(people["hired_employees"], FIELDS)
    every["datetime"] = every["datetime"].fillna(f"{YEAR}-12-31T23:59:59Z")
    assert len(every) == 1999
    of_year = pd.to_datetime(every["datetime"], utc=True).dt.year == YEAR
    assert sum(int(n) for row in downloaded(visitor, "hires-by-quarter") for n in row[2:]) == of_year.sum()
