"""How a file is written is decided from the whole of it, and what cannot be decided is asked."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.facts import Facts, facts_of
from ingest.readers import read
from skillora.lib.errors import DomainError


def found(path: Path, data: bytes | str, name: str = "pay.csv", **overrides: object) -> Facts:
    source = path / "stored"
    source.write_bytes(data.encode() if isinstance(data, str) else data)
    return facts_of(source, name, overrides=overrides)


def rows_of(path: Path, facts: Facts) -> list[tuple[int, list[str]]]:
    return [
        (int(line), batch.cells(i))
        for batch in read(path / "stored", facts, set())
        for i, line in enumerate(batch.lines)
    ]


def test_header_line_beyond_the_end_is_an_error(tmp_path: Path) -> None:
    text = "Report\n\nrole,pay\nDev,1\nOps,2\n"
    assert found(tmp_path, text, header_line=3).headers == ["role", "pay"]
    with pytest.raises(DomainError, match="from 1 to 5") as refused:
        found(tmp_path, text, header_line=6)
    assert refused.value.code == "unknown_header_line"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_facts_delimiter_by_width(tmp_path: Path, delimiter: str) -> None:
    lines = [
        delimiter.join(cells) for cells in [("title", "stack, tools", "pay"), *[("Dev", "a, b, c", "10")] * 9]
    ]
    quoted = (
        "\n".join(lines)
        if delimiter != ","
        else "\n".join(['title,"stack, tools",pay', *['Dev,"a, b",10'] * 9])
    )
    facts = found(tmp_path, quoted)
    assert (facts.delimiter, facts.headers, facts.rows, facts.faults) == (
        delimiter, ["title", "stack, tools", "pay"], 9, 0
    )  # fmt: skip


def test_facts_semicolon_file_with_decimal_commas(tmp_path: Path) -> None:
    text = "Título;Remuneração\n" + "".join(f"Analista, Dados;{n}.000,50\n" for n in range(10, 99))
    facts = found(tmp_path, text.encode("cp1252"))
    assert (facts.encoding, facts.delimiter, facts.headers) == ("cp1252", ";", ["Título", "Remuneração"])
    assert facts.columns[1].number_style == (",", ".")
    assert facts.columns[1].question == ""


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_facts_encoding(tmp_path: Path, encoding: str, said: str) -> None:
    facts = found(tmp_path, "país,salário\nBrasil,10\nPerú,20\n".encode(encoding))
    assert (facts.encoding, facts.headers) == (said, ["país", "salário"])
    assert rows_of(tmp_path, facts) == [(2, ["Brasil", "10"]), (3, ["Perú", "20"])]


def test_facts_encoding_from_the_last_byte(tmp_path: Path) -> None:
    assert found(tmp_path, b"a,b\n" + b"x,1\n" * 600_000 + b"\xe9,2").encoding == "cp1252"


def test_facts_header_behind_a_preamble(tmp_path: Path) -> None:
    facts = found(tmp_path, "Salary report 2025\n\nSource: HR\ntitle,pay,country\nDev,10,BR\nOps,20,US\n")
    assert (facts.header_line, facts.first_line, facts.headers) == (4, 5, ["title", "pay", "country"])
    assert rows_of(tmp_path, facts)[0] == (5, ["Dev", "10", "BR"])


def test_facts_file_without_header(tmp_path: Path) -> None:
    facts = found(tmp_path, "1,Ann,2021-01-02T10:00:00Z\n2,Bob,2021-02-03T11:00:00Z\n")
    assert (facts.header_line, facts.first_line, facts.rows) == (0, 1, 2)
    assert facts.headers == ["column 1", "column 2", "column 3"]


def test_facts_headers_are_never_alike(tmp_path: Path) -> None:
    assert found(tmp_path, "pay,,pay\n1,2,3\n4,5,6\n", header_line=1).headers == [
        "pay",
        "column 2",
        "pay (2)",
    ]


def test_facts_header_over_two_lines(tmp_path: Path) -> None:
    facts = found(tmp_path, '"job\ntitle",pay\nDev,10\nOps,20\n')
    assert (facts.header_line, facts.first_line, facts.headers) == (1, 3, ["job\ntitle", "pay"])


@pytest.mark.parametrize(
    ("values", "style", "asks"),
    [
        (["1.234,56", "99,10"], (",", "."), False),
        (["1,234.56", "99.1"], (".", ","), False),
        (["1'234.56", "2'000.00"], (".", "'"), False),
        (["1 234,56", "2 000,00"], (",", " "), False),
        (["$120k", "85k"], (".", ""), False),
        (["120-150k", "90-100k"], (".", ""), False),
        (["120.5-150.5k", "90k"], (".", ""), False),
        (["173.000", "48.000", "95.500"], (",", "."), False),
        (["1.234.567", "1.500"], (",", "."), False),
        (["1.234", "2.345"], (",", "."), True),
        (["1.234,50", "1,234.50"], (".", ","), True),
        (["10", "20"], (".", ""), False),
    ],
)
def test_facts_number_style(tmp_path: Path, values: list[str], style: tuple[str, str], asks: bool) -> None:
    facts = found(tmp_path, "title;pay\n" + "".join(f"Dev;{value}\n" for value in values))
    assert facts.columns[1].number_style == style
    assert bool(facts.columns[1].question) is asks


def test_facts_number_style_from_the_last_row(tmp_path: Path) -> None:
    facts = found(tmp_path, "title;pay\n" + "Dev;1.234\n" * 400_000 + "Ops;1.234,5\n")
    assert (facts.columns[1].number_style, facts.columns[1].question) == ((",", "."), "")


@pytest.mark.parametrize(
    ("values", "order", "asks"),
    [
        (["2024-01-02", "2024-12-31"], "ymd", False),
        (["01/02/2024", "31/12/2024"], "dmy", False),
        (["01/02/2024", "12/31/2024"], "mdy", False),
        (["01/02/2024", "03/04/2024"], "", True),
        (["13/02/2024", "02/13/2024"], "", True),
        (["Dev", "Ops"], None, False),
    ],
)
def test_facts_date_order(tmp_path: Path, values: list[str], order: str | None, asks: bool) -> None:
    facts = found(tmp_path, "day,pay\n" + "".join(f"{value},1\n" for value in values))
    assert facts.columns[0].date_order == order
    assert bool(facts.columns[0].question) is asks


def test_facts_follow_the_person(tmp_path: Path) -> None:
    text = "note\na;1.5\nb;2.5\n"
    facts = found(
        tmp_path, text, delimiter=";", header_line=0, columns={"1": {"decimal": ",", "thousands": "."}}
    )
    assert (facts.delimiter, facts.header_line) == (";", 0)
    assert facts.columns[1].number_style == (",", ".")


def test_facts_profile_counts_all_rows(tmp_path: Path) -> None:
    facts = found(tmp_path, "a,b\n" + "x, \n" * 3 + "y,1\nz\n")
    assert (facts.rows, facts.faults, facts.lane) == (5, 1, "fast")
    assert [(c.filled, c.distinct) for c in facts.columns] == [(4, ["x", "y"]), (1, ["1"])]


def test_facts_careful_lane_for_bad_quoting(tmp_path: Path) -> None:
    assert found(tmp_path, 'title,pay\n"Senior" Dev,10\nOps,20\n').lane == "careful"


def test_facts_as_json_and_back(tmp_path: Path) -> None:
    facts = found(tmp_path, "title,pay\nDev,10\n")
    assert Facts.from_json(facts.to_json()) == facts


@pytest.mark.parametrize(
    ("data", "name", "code", "status"),
    [
        (b"", "a.csv", "empty_file", 422),
        (b"\n \n", "a.csv", "empty_file", 422),
        (b"a,b\n", "a.csv", "header_only", 422),
        (b"a,b\n1,2\n", "a.pdf", "not_tabular", 400),
        (b"%PDF-1.7\nstuff", "a.csv", "not_tabular", 400),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "a.csv", "not_tabular", 400),
        (b"<!DOCTYPE html><html><table>", "a.xls", "not_tabular", 400),
        (b'[{"a": 1}]', "a.csv", "not_tabular", 400),
        (b"only prose\nin here\n", "a.txt", "not_tabular", 400),
    ],
)
def test_facts_refuse_what_is_no_table(
    tmp_path: Path, data: bytes, name: str, code: str, status: int
) -> None:
    with pytest.raises(DomainError) as caught:
        found(tmp_path, data, name)
    assert (caught.value.code, caught.value.status) == (code, status)
    if code == "not_tabular":
        assert caught.value.message == "Unsupported file type. Use CSV/XLSX/XLS."


def test_facts_refuse_more_columns_than_can_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    for width in (1000, 1001):
        names = ",".join(f"c{n}" for n in range(width))
        path.write_text(f"{names}\n" + (",".join(["7"] * width) + "\n") * 3)
        if width == 1000:
            assert len(facts_of(path, "wide.csv").columns) == width
    with pytest.raises(DomainError, match="1001 columns") as caught:
        facts_of(path, "wide.csv")
    assert caught.value.code == "too_many_columns"


def test_facts_refuse_an_encoding_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(DomainError) as caught:
        found(tmp_path, b"a,b\n\xe9,1\n", encoding="utf-8")
    assert caught.value.code == "bad_encoding"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.one_of(st.binary(max_size=300), st.text(alphabet='ab1,;"\n\r. ', max_size=120).map(str.encode))
)
def test_facts_of_anything_are_facts_or_a_clear_error(tmp_path: Path, data: bytes) -> None:
    try:
        facts = found(tmp_path, data)
    except DomainError as error:
        assert error.message
    else:
        assert facts.rows == len(rows_of(tmp_path, facts)) + facts.faults


def test_table_of_mostly_empty_cells_below_a_narrow_line(tmp_path: Path) -> None:
    header = "posted||role||employer||town||pay||notes||ref"
    rows = [f"2024-03-1{n}||Cook||Initech||Cork||2273{n}||remote||D-100{n}" for n in range(9)]
    facts = found(tmp_path, "\n".join(["B|1007", header, *rows]), delimiter="|")
    assert facts.header_line == 2
    assert facts.headers[::2] == ["posted", "role", "employer", "town", "pay", "notes", "ref"]
    assert facts.rows == len(rows)
