"""Hiring from the command line: a folder of files, the make targets' commands, both reports."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from hiring.models import Department, HiredEmployee, Job
from ingest import samples
from ingest.declarations import dataset
from ingest.models import Import

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _uploads(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files in the shape of the public ones and one that is no table, names that sort the wrong way."""
    made = tmp_path / "csvs"
    made.mkdir()
    for name, slug, rows in (("a", "hired_employees", 300), ("b", "jobs", 183), ("c", "departments", 12)):
        faults = 0.1 if slug == "hired_employees" else 0
        data = b"".join(samples.sample(dataset(slug), rows=rows, seed=9, faults=faults))
        (made / f"{name}.csv").write_bytes(data)
    (made / "README.md").write_text("not a table")
    return made


def said(*args: str, status: int = 0) -> str:
    out = io.StringIO()
    try:
        call_command(*args, stdout=out)
    except SystemExit as ended:
        assert ended.code == status
    else:
        assert status == 0
    return out.getvalue()


def test_folder_goes_into_its_tables_in_order_and_rejects_are_kept_and_logged(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    text = said("import_folder", str(folder), status=3)
    told = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [one["dataset"] for one in told][-1] == "hired_employees"
    people = told[-1]
    assert (Department.objects.count(), Job.objects.count()) == (12, 183)
    assert HiredEmployee.objects.count() == people["inserted"] == 300 - people["rejected"]
    assert Import.objects.get(dataset="hired_employees").rejects.count() == people["rejected"] > 10
    assert "rejected, department_id: required" in text
    assert any("a.csv" in record.getMessage() for record in caplog.records)


def test_folder_again_is_refused_until_it_is_forced(folder: Path) -> None:
    said("import_folder", str(folder), status=3)
    with pytest.raises(CommandError, match="imported"):
        call_command("import_folder", str(folder), stdout=io.StringIO())
    told = said("import_folder", str(folder), "--force", status=3)
    assert json.loads(told.splitlines()[0])["unchanged"] in {12, 183}


@pytest.mark.parametrize("wrong", [["/nowhere"], [".", "--by", "nobody@example.com"]])
def test_folder_without_files_or_for_nobody_is_one_clear_line(folder: Path, wrong: list[str]) -> None:
    where = [str(folder) if wrong[0] == "." else wrong[0], *wrong[1:]]
    with pytest.raises(CommandError, match="There is no"):
        call_command("import_folder", *where, stdout=io.StringIO())


def test_reports_on_the_command_line(folder: Path) -> None:
    said("import_folder", str(folder), status=3)
    lines = said("report", "hires-by-quarter", "year=2021").splitlines()
    assert lines[0].removeprefix("\ufeff") == "department,job,Q1,Q2,Q3,Q4"
    hired = HiredEmployee.objects.filter(hired_at__year=2021).count()
    assert sum(int(cell) for line in lines[1:] for cell in line.rsplit(",", 4)[1:]) == hired
    answer = json.loads(said("report", "departments-above-mean", "year=2021", "--format", "json"))
    assert answer["n"] == hired


@pytest.mark.parametrize("wrong", [["nothing"], ["hires-by-quarter", "year=x"], ["hires-by-quarter", "2021"]])
def test_report_that_is_not_there_is_one_clear_line(wrong: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("report", *wrong, stdout=io.StringIO())
