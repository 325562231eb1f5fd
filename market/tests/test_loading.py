"""Salary files through the whole engine: services, runs, cleaning, COPY, rejects, segments."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from accounts.models import Role, User
from analytics.models import Segment
from ingest import declarations, samples, services
from ingest.models import Import, Reject
from market.models import SalaryRecord, Title
from runs import execution
from runs.models import State
from runs.services import run_cancel
from skillora.lib.errors import Conflict, DomainError, NotAllowed, NotFound

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = "Job Title,Pay,Currency,Country,Seniority,Stack\n"


@pytest.fixture(autouse=True)
def _uploads(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"


def written(tmp_path: Path, text: str, name: str = "pay.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8"))
    return path


def mapped(path: Path, **more: Any) -> Import:
    source = services.import_create(by=None, dataset="salary_records", upload=path, name=path.name)
    named = (
        {"title": "Job Title", "salary": "Pay"} if "Job Title" in path.read_text("utf-8", "replace") else {}
    )
    return services.import_map(source=source, by=None, column_map=named, fill=True, **more)


def loaded(path: Path, **more: Any) -> Import:
    run = services.import_submit(source=mapped(path, **more), by=None)
    execution.execute(run.pk)
    return Import.objects.with_run().get(load=run)


def test_load_of_a_messy_file_keeps_every_line(tmp_path: Path) -> None:
    text = GOOD + (
        'Data Engineer,$120k,USD,USA,Sr.,"Node, Express;React"\n'
        'Data Engineer,"1,234.50",BRL,Brasil,Pleno,\n'
        "Analyst,nothing,USD,Brasiil,Junior,SQL\n"
        ",50000,USD,US,Mid,SQL\n"
        "Analyst,60000,,,,\n"
        "too,few\n"
    )
    source = loaded(written(tmp_path, text))
    assert source.state == State.DONE_WITH_REJECTS
    assert (source.rows_read, source.inserted, source.rejected) == (6, 3, 3)
    first, second, third = SalaryRecord.objects.order_by("id").select_related(
        "title", "stack", "country", "currency"
    )
    assert (first.import_id, first.line, first.title.name, first.stack.name) == (
        source.pk, 2, "Data Engineer", "Node,Express,React",
    )  # fmt: skip
    assert (first.pay, first.pay_year_usd, first.country.code, first.seniority) == (120_000, 120_000, "US", 4)
    assert (second.currency.code, second.country.code, str(second.pay)) == ("BRL", "BR", "1234.50")
    assert 0 < second.pay_year_usd < second.pay
    assert (third.line, third.currency.code, third.country_id, third.stack_id, third.day) == (
        6,
        "USD",
        0,
        0,
        None,
    )
    rejects = {reject.line: reject for reject in Reject.objects.all()}
    assert {line: [e["code"] for e in r.errors] for line, r in rejects.items() if line != 7} == {
        4: ["not_an_amount", "unknown_country"],
        5: ["required"],
    }
    assert "did you mean Brazil?" in rejects[4].errors[1]["message"]
    assert rejects[4].cells[1] == "nothing"
    assert rejects[7].column == ""
    assert sum(segment.rows for segment in Segment.objects.all()) == 3


def test_load_writes_a_sample_exactly_once_with_counts_that_add_up(tmp_path: Path) -> None:
    dataset = declarations.dataset("salary_records")
    path = tmp_path / "sample.csv"
    path.write_bytes(b"".join(samples.sample(dataset, rows=3000, seed=5)))
    source = loaded(path)
    assert source.rows_read == 3000 == source.inserted + source.rejected
    assert 20 < source.rejected < 110
    assert SalaryRecord.objects.count() == source.inserted
    assert SalaryRecord.objects.values("id").distinct().count() == source.inserted
    summary = services.import_summary(source)
    assert sum(group.rows for group in summary.groups) == source.rejected
    with pytest.raises(Conflict) as caught:
        services.import_submit(source=mapped(path), by=None)
    assert caught.value.existing.pk == source.pk  # type: ignore[attr-defined]
    assert SalaryRecord.objects.count() == source.inserted
    run = services.import_submit(source=mapped(path), by=None, force=True)
    execution.execute(run.pk)
    assert SalaryRecord.objects.count() == 2 * source.inserted


@pytest.mark.parametrize("dialect", ["comma", "semicolon", "tab", "pipe"])
def test_load_of_any_dialect_gives_the_same_rows(tmp_path: Path, dialect: str) -> None:
    dataset = declarations.dataset("salary_records")
    path = tmp_path / "sample.csv"
    path.write_bytes(b"".join(samples.sample(dataset, rows=500, seed=9, faults=0, dialect=dialect)))
    source = loaded(path)
    assert dataset.sample is not None
    texts = dataset.sample(np.random.default_rng([9, 0]), 500)
    assert (source.inserted, source.rejected) == (500, 0)
    expected = sum(int(t.split(".")[0]) // 1000 for t in texts["salary"])
    total = sum(int(pay) // 1000 for pay in SalaryRecord.objects.values_list("pay", flat=True))
    assert total == expected


def test_check_counts_like_the_load_and_writes_nothing(tmp_path: Path) -> None:
    text = GOOD + "Check Engineer,100,USD,US,Mid,Go\nCheck Engineer,abc,USD,US,Mid,Go\n"
    source = mapped(written(tmp_path, text))
    run = services.import_check(source=source, by=None)
    execution.execute(run.pk)
    run.refresh_from_db()
    assert (run.result["read"], run.result["inserted"], run.result["rejected"]) == (2, 1, 1)
    assert [group["code"] for group in run.result["groups"]] == ["not_an_amount"]
    assert not Title.objects.filter(name="Check Engineer").exists()
    assert SalaryRecord.objects.count() == Reject.objects.count() == Segment.objects.count() == 0


def test_load_without_a_good_row_says_so_and_keeps_the_rejects(tmp_path: Path) -> None:
    source = loaded(written(tmp_path, GOOD + "A,none at all,USD,US,Mid,\nB,zero,USD,US,Mid,\n"))
    assert (source.state, source.inserted, source.rejected) == (State.DONE_WITH_REJECTS, 0, 2)
    assert "No row was loaded" in services.import_summary(source).message


def test_lenient_load_leaves_refused_optional_values_empty(tmp_path: Path) -> None:
    source = loaded(written(tmp_path, GOOD + "A,100,USD,Atlantis,Mid,\nB,x,USD,US,Mid,\n"), lenient=True)
    assert (source.inserted, source.rejected) == (1, 1)
    assert SalaryRecord.objects.get().country_id == 0
    assert source.load is not None
    assert source.load.result["blanked"] == {"country": 1}


def test_nul_and_undecodable_cells_reject_their_row_only(tmp_path: Path) -> None:
    source = loaded(
        written(tmp_path, GOOD + "A\x00B,100,USD,US,Mid,\nC\ufffd,100,USD,US,Mid,\nD,100,USD,US,Mid,\n")
    )
    assert (source.inserted, source.rejected) == (1, 2)
    assert set(Reject.objects.values_list("code", flat=True)) == {"unreadable_text"}


def test_cancelled_load_leaves_nothing_and_can_be_mapped_anew(tmp_path: Path) -> None:
    source = mapped(written(tmp_path, GOOD + "A,100,USD,US,Mid,\n"))
    run = services.import_submit(source=source, by=None)
    run_cancel(run=run, by=None)
    execution.execute(run.pk)
    source = Import.objects.with_run().get(pk=source.pk)
    assert (source.state, SalaryRecord.objects.count()) == (State.CANCELLED, 0)
    again = services.import_remap(source=source, by=None)
    assert (again.pk, again.state) == (source.pk, "uploaded")


def test_remap_of_a_loaded_import_is_a_new_one_on_the_same_file(tmp_path: Path) -> None:
    source = loaded(written(tmp_path, GOOD + "A,100,USD,US,Mid,\n"))
    again = services.import_remap(source=source, by=None)
    assert again.pk != source.pk
    assert again.stored == source.stored


def test_rejects_csv_is_safe_in_a_spreadsheet(tmp_path: Path) -> None:
    source = loaded(written(tmp_path, GOOD + "=1+1,bad,USD,US,Mid,\n@x,-5,USD,US,Mid,\n"))
    content = b"".join(services.rejects_csv(source))
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0] == [
        "line",
        "reason",
        "message",
        "Job Title",
        "Pay",
        "Currency",
        "Country",
        "Seniority",
        "Stack",
    ]
    assert [row[3:5] for row in rows[1:]] == [["'=1+1", "bad"], ["'@x", "-5"]]


@pytest.mark.parametrize(
    ("content", "name", "status"),
    [
        ("a,b\n1,2\n", "x.pdf", 400),
        ("", "x.csv", 400),
        ("title,salary\n", "x.csv", 422),
    ],
)
def test_upload_of_what_is_no_table_leaves_nothing(
    tmp_path: Path, settings: Any, content: str, name: str, status: int
) -> None:
    path = written(tmp_path, content, name)
    with pytest.raises(DomainError) as caught:
        services.import_create(by=None, dataset="salary_records", upload=path, name=name)
    assert caught.value.status == status
    assert not Import.objects.exists()
    assert not settings.UPLOAD_DIR.exists() or not list(settings.UPLOAD_DIR.iterdir())


def test_upload_over_the_limit_is_413(tmp_path: Path, settings: Any) -> None:
    settings.MAX_UPLOAD_SIZE = 10
    with pytest.raises(DomainError) as caught:
        services.import_create(
            by=None, dataset="salary_records", upload=written(tmp_path, GOOD * 3), name="pay.csv"
        )
    assert caught.value.status == 413
    assert not list(settings.UPLOAD_DIR.iterdir())


def test_mapping_two_fields_to_one_header_or_no_pay_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "Job Title,Other\nA,B\n")
    source = services.import_create(by=None, dataset="salary_records", upload=path, name=path.name)
    with pytest.raises(DomainError) as twice:
        services.import_map(source=source, by=None, column_map={"title": "Job Title", "salary": "Job Title"})
    assert twice.value.status == 422
    with pytest.raises(DomainError) as missing:
        services.import_map(source=source, by=None, column_map={"title": "Job Title"})
    assert "salary" in missing.value.message
    assert Import.objects.get().stage == "uploaded"


def test_roles_decide_who_may_change_an_import(tmp_path: Path) -> None:
    viewer = User.objects.create_user("viewer@example.com")
    owner, other = (
        User.objects.create_user(f"{name}@example.com", role=Role.EDITOR) for name in ("owner", "other")
    )
    path = written(tmp_path, GOOD + "A,100,USD,US,Mid,\n")
    with pytest.raises(NotAllowed):
        services.import_create(by=viewer, dataset="salary_records", upload=path, name=path.name)
    source = services.import_create(by=owner, dataset="salary_records", upload=path, name=path.name)
    assert services.import_for(by=viewer, pk=source.pk) == source
    with pytest.raises(NotAllowed):
        services.import_for(by=other, pk=source.pk, change=True)
    with pytest.raises(NotFound):
        services.import_for(by=owner, pk=source.pk + 1)


def test_sample_data_gives_the_same_bytes_for_the_same_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        call_command("sample_data", "salary_records", rows=300, seed=seed, out=tmp_path / name, verbosity=0)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c
    with pytest.raises(CommandError):
        call_command("sample_data", "salary_records", rows=0, seed=1, out=tmp_path / "d")


def test_import_file_loads_here_where_no_worker_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "Role,Wage USD,Wage EUR\nData Engineer,100,90\nAnalyst,x,1\n")
    with pytest.raises(SystemExit) as ended:
        call_command("import_file", "salary_records", str(path), "--map", "salary=Wage USD", "--wait")
    assert ended.value.code == 3
    last = capsys.readouterr().out.splitlines()[-1]
    assert '"inserted": 1' in last
    assert '"rejected": 1' in last
    assert SalaryRecord.objects.aggregate(total=Sum("pay_year_usd"))["total"] == 100
