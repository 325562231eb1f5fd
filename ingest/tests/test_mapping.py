"""Columns are suggested by names, values and hints; a person's word goes first, mistakes are pointed at."""

from pathlib import Path

import pytest

from ingest.declarations import Column, Dataset
from ingest.facts import Facts, facts_of
from ingest.kinds import Date, Money, Text
from ingest.mapping import Mapping, Suggestion, from_headers, suggest
from ingest.models import Import
from skillora.lib.errors import DomainError

DATASET = Dataset(
    slug="things",
    title="Things",
    model=Import,
    columns=(
        Column(
            name="title",
            label="Title",
            kind=Text(max_length=99),
            required=True,
            guesses=("job title", "título da vaga", "puesto"),
        ),
        Column(
            name="pay",
            label="Pay",
            kind=Money(),
            required=True,
            guesses=("salary", "salário", "remuneración"),
            hints=(
                ("usd", "currency", "USD"),
                ("R$", "currency", "BRL"),
                ("monthly", "period", "month"),
                ("mensal", "period", "month"),
            ),
        ),
        Column(name="pay_max", label="Upper end", kind=Money(), guesses=("max salary",)),
        Column(
            name="currency",
            label="Currency",
            kind=Text(max_length=3),
            default="USD",
            guesses=("salary currency",),
        ),
        Column(name="period", label="Period", kind=Text(max_length=9), guesses=("pay period",)),
        Column(
            name="place",
            label="Place",
            kind=Text(max_length=99),
            guesses=("company location", "employee residence"),
        ),
        Column(name="date", label="Date", kind=Date(), guesses=("posted at", "data da vaga")),
    ),
)


def facts(path: Path, *columns: tuple[str, str]) -> Facts:
    source = path / "file.csv"
    lines = [[name for name, _ in columns], *[[value for _, value in columns]] * 3]
    source.write_text("\n".join(";".join(cells) for cells in lines))
    return facts_of(source, "file.csv", overrides={"delimiter": ";", "header_line": 1})


def words(suggestion: Suggestion) -> dict[str | None, str]:
    return {guess.canonical: guess.word for guess in suggestion.guesses if guess.canonical}


@pytest.mark.parametrize(
    "header",
    ["Job Title", "jobTitle", "JOB_TITLE", "job-title", "Título da Vaga", "TITULO DA VAGA", "Puesto"],
)
def test_suggest_title_however_it_is_written(tmp_path: Path, header: str) -> None:
    found = suggest(DATASET, facts(tmp_path, (header, "Engineer"), ("salary", "10")))
    assert found.mapping.columns == {"title": 0, "pay": 1}
    assert words(found) == {"title": "certain", "pay": "certain"}
    assert found.missing == []


def test_suggest_takes_the_better_name_and_says_that_there_is_another(tmp_path: Path) -> None:
    found = suggest(
        DATASET,
        facts(
            tmp_path,
            ("employee_residence", "US"),
            ("company_location", "GB"),
            ("title", "Dev"),
            ("salary", "1"),
        ),
    )
    assert found.mapping.columns["place"] == 1
    assert words(found)["place"] == "likely"


def test_suggest_nothing_for_a_header_that_is_not_yet_the_name(tmp_path: Path) -> None:
    mapping = from_headers(
        DATASET,
        facts(tmp_path, ("salary", "1"), ("salary_in_usd", "2"), ("title", "Dev")),
        {"pay": "salary_in_usd"},
        fill=True,
    )
    assert mapping.columns == {"pay": 1, "title": 2}


def test_suggest_never_commits_a_name_whose_values_do_not_fit(tmp_path: Path) -> None:
    found = suggest(DATASET, facts(tmp_path, ("title", "Dev"), ("salary", "see contract")))
    assert "pay" not in found.mapping.columns
    assert (words(found)["pay"], found.missing) == ("check", ["pay"])


@pytest.mark.parametrize("header", ["psoted at", "data da vga", "Postde at"])
def test_suggest_forgives_typing_errors(tmp_path: Path, header: str) -> None:
    found = suggest(DATASET, facts(tmp_path, ("title", "Engineer"), ("pay", "10"), (header, "2024-01-02")))
    assert found.mapping.columns["date"] == 2


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("salary_id", "1200"),
        ("max salari id", "1200"),
        ("min salary", "1200"),
        ("ex-salary", "1200"),
        ("Geburtsdatum", "2024-01-02"),
        ("data de nascimento", "2024-01-02"),
        ("Contract is valid until", "2024-01-02"),
        ("data da baja", "2024-01-02"),
    ],
)
def test_suggest_nothing_for_what_only_sounds_or_looks_alike(tmp_path: Path, header: str, value: str) -> None:
    found = suggest(DATASET, facts(tmp_path, ("title", "Engineer"), ("salary", "10"), (header, value)))
    assert found.mapping.columns == {"title": 0, "pay": 1}
    assert words(found).keys() <= {"title", "pay"}


@pytest.mark.parametrize(
    ("header", "value", "asks"), [("Salary (k€)", "65", True), ("Salary (k€)", "65k", False)]
)
def test_suggest_asks_where_the_header_scales_the_numbers(
    tmp_path: Path, header: str, value: str, asks: bool
) -> None:
    found = suggest(DATASET, facts(tmp_path, ("title", "Engineer"), (header, value)))
    assert (words(found)["pay"] == "check", "pay" in found.mapping.columns) == (asks, not asks)


def test_suggest_by_values_is_only_a_question(tmp_path: Path) -> None:
    found = suggest(DATASET, facts(tmp_path, ("title", "Dev"), ("salary", "10"), ("xyz", "2024-01-31")))
    assert "date" not in found.mapping.columns
    assert words(found)["date"] == "check"


@pytest.mark.parametrize(
    ("header", "constants"),
    [
        ("salary_in_usd", {"currency": "USD"}),
        ("Salário mensal (R$)", {"currency": "BRL", "period": "month"}),
        ("monthly salary USD", {"currency": "USD", "period": "month"}),
        ("salary", {}),
    ],
)
def test_header_that_says_more_than_its_name(tmp_path: Path, header: str, constants: dict[str, str]) -> None:
    source = facts(tmp_path, ("title", "Dev"), (header, "10"), ("currency", "EUR"))
    found = suggest(DATASET, source)
    assert found.mapping.columns["pay"] == 1
    assert found.mapping.constants == constants
    assert ("currency" in found.mapping.columns) is ("currency" not in constants)


def test_header_hint_yields_to_what_the_person_says(tmp_path: Path) -> None:
    source = facts(tmp_path, ("title", "Dev"), ("salary_in_usd", "10"), ("currency", "EUR"))
    asked = {"title": "title", "pay": "salary_in_usd", "currency": "currency"}
    assert from_headers(DATASET, source, asked, fill=True).constants == {}
    assert from_headers(
        DATASET, source, {"title": "title", "pay": "SALARY in USD"}, fill=False
    ).constants == {"currency": "USD"}


@pytest.mark.parametrize(
    ("asked", "code", "pointer"),
    [
        ({"title": "Titel", "pay": "salary"}, "unknown_header", "/column_map/title"),
        ({"titel": "title", "pay": "salary"}, "unknown_column", "/column_map/titel"),
        ({"title": "title", "pay": "title"}, "duplicate_header", "/column_map/pay"),
        ({"title": "title"}, "missing_column", "/column_map/pay"),
        ({"title": "a b", "pay": "salary"}, "unknown_header", "/column_map/title"),
        ({"title": "title", "pay": 7}, "unknown_header", "/column_map/pay"),
    ],
)
def test_map_by_headers_points_at_mistakes(
    tmp_path: Path, asked: dict[str, str], code: str, pointer: str
) -> None:
    source = facts(tmp_path, ("title", "Dev"), ("salary", "10"), ("A-B", "x"), ("a_b", "y"))
    with pytest.raises(DomainError) as caught:
        from_headers(DATASET, source, asked, fill=False)
    assert (caught.value.status, caught.value.code) == (422, code)
    assert [error["pointer"] for error in caught.value.errors] == [pointer]


def test_map_by_headers_leaves_out_what_is_empty(tmp_path: Path) -> None:
    source = facts(tmp_path, ("title", "Dev"), ("salary", "10"), ("place", "x"))
    assert from_headers(DATASET, source, {"place": ""}, fill=True).columns == {"title": 0, "pay": 1}


def test_mapping_as_json_and_back(tmp_path: Path) -> None:
    found = suggest(DATASET, facts(tmp_path, ("title", "Dev"), ("salary_in_usd", "10")))
    assert Suggestion.from_json(found.to_json()) == found
    assert Mapping.from_json(found.mapping.to_json()) == found.mapping


def test_mapping_digest_tells_apart_what_makes_other_rows(tmp_path: Path) -> None:
    source = facts(tmp_path, ("title", "Dev"), ("salary", "1.234,50"))
    one = Mapping({"title": 0, "pay": 1})
    assert one.digest(source) == Mapping({"pay": 1, "title": 0}).digest(source)
    others = [
        Mapping({"title": 1, "pay": 0}),
        Mapping({"title": 0, "pay": 1}, constants={"currency": "EUR"}),
        Mapping({"title": 0, "pay": 1}, values={"title": {"Dev": "Developer"}}),
        Mapping({"title": 0, "pay": 1}, styles={"pay": {"decimal": "."}}),
    ]
    assert len({one.digest(source), *(other.digest(source) for other in others)}) == 5


def test_mapping_style_is_the_files_unless_the_person_decides(tmp_path: Path) -> None:
    source = facts(tmp_path, ("title", "Dev"), ("salary", "1.234,50"))
    known = Mapping({"pay": 1}).style_of("pay", source)
    assert (known.decimal, known.thousands) == (",", ".")
    chosen = Mapping({"pay": 1}, styles={"pay": {"decimal": ".", "thousands": ","}}).style_of("pay", source)
    assert (chosen.decimal, chosen.thousands) == (".", ",")
