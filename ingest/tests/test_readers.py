"""Reading gives back what was written, on exact lines, and swallows nothing."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest.facts import ColumnFacts, Facts
from ingest.readers import Batch, read
from ingest.readers.repairing import LINE_MAX, SPAN_MAX

CELL = st.text(alphabet=st.sampled_from("ab\",;\t|\r\n '0é€\0"), max_size=6)
quick = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def facts_for(width: int, **kinds: object) -> Facts:
    columns = [ColumnFacts(index, f"c{index}") for index in range(width)]
    return Facts(columns=columns, **{"header_line": 0, "first_line": 1, **kinds})  # type: ignore[arg-type]


def reading(path: Path, data: bytes, facts: Facts, size: int = 1 << 20) -> list[Batch]:
    source = path / "file.csv"
    source.write_bytes(data)
    facts.size = len(data)
    return list(read(source, facts, {0}, batch_bytes=size))


def rows_of(batches: list[Batch]) -> list[tuple[int, list[str]]]:
    return [(int(line), batch.cells(i)) for batch in batches for i, line in enumerate(batch.lines)]


def faults_of(batches: list[Batch]) -> list[tuple[int, list[str]]]:
    return [(fault.line, fault.cells) for batch in batches for fault in batch.faults]


@quick
@given(
    table=st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELL, min_size=n, max_size=n), max_size=12)),
    delimiter=st.sampled_from(",;\t|"),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    size=st.integers(1, 200),
)
def test_read_written_by_csv_module(
    tmp_path: Path, table: list[list[str]], delimiter: str, newline: str, size: int
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL)
    expected, line = [], 1
    for cells in table:
        writer.writerow(cells)
        expected.append((line, cells))
        record = "|".join(cells).replace("\r\n", "\n")
        line += 1 + record.count("\n") + record.count("\r")
    facts = facts_for(len(table[0]) if table else 1, delimiter=delimiter)
    assert rows_of(reading(tmp_path, out.getvalue().encode(), facts, size)) == expected


@quick
@given(
    data=st.text(alphabet=st.sampled_from('ab",\r\n '), max_size=60),
    size=st.integers(1, 40),
    width=st.integers(1, 3),
)
@example(data='a,"b\n1,"x",3\n', size=40, width=3)
@example(data='"', size=1, width=1)
@example(data="\r", size=1, width=2)
def test_read_anything_swallows_no_line(tmp_path: Path, data: str, size: int, width: int) -> None:
    batches = reading(tmp_path, data.encode(), facts_for(width), size)
    found = sorted(rows_of(batches) + faults_of(batches))
    physical = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    held = {}
    for line, cells in found:
        assert line not in held
        spans = sum(cell.replace("\r\n", "\n").replace("\r", "\n").count("\n") for cell in cells)
        for number in range(line, line + spans + 1):
            held[number] = True
    for number, text in enumerate(physical, 1):
        assert number in held or not text.strip()


@quick
@given(data=st.binary(max_size=200), encoding=st.sampled_from(["cp1252", "utf-16-le", "utf-16-be", "cp850"]))
def test_read_any_bytes_in_any_encoding(tmp_path: Path, data: bytes, encoding: str) -> None:
    for batch in reading(tmp_path, data, facts_for(2, encoding=encoding), 7):
        assert all(len(column) == len(batch) for column in batch.columns)


def test_read_wanted_columns_come_coded(tmp_path: Path) -> None:
    (batch,) = reading(tmp_path, b"a,b\na,c\n", facts_for(2))
    assert batch.columns[0].type == pa.dictionary(pa.int32(), pa.utf8())
    assert batch.columns[1].type == pa.utf8()
    assert batch.lines.tolist() == [1, 2]
    assert batch.bytes_done == 8


def test_read_keeps_blanks_and_empty_cells(tmp_path: Path) -> None:
    assert rows_of(reading(tmp_path, b' a ,\n,NULL\n"",NA\n', facts_for(2))) == [
        (1, [" a ", ""]), (2, ["", "NULL"]), (3, ["", "NA"])
    ]  # fmt: skip


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_read_counts_blank_lines_and_lines_inside_cells(tmp_path: Path, newline: str) -> None:
    data = newline.join(["preamble", "", "h1,h2", "", 'a,"x', "", 'y"', "  ", "b,z", "", ""]).encode()
    batches = reading(tmp_path, data, facts_for(2, header_line=3, first_line=4), 5)
    inside = f"x{newline}{newline}y"
    assert rows_of(batches) == [(5, ["a", inside]), (9, ["b", "z"])]
    assert faults_of(batches) == []


def test_read_ragged_lines_are_faults_with_their_cells(tmp_path: Path) -> None:
    batches = reading(tmp_path, b'a,b\nc\n\n"d, d",e,f\ng,h', facts_for(2))
    assert rows_of(batches) == [(1, ["a", "b"]), (5, ["g", "h"])]
    assert faults_of(batches) == [(2, ["c"]), (4, ["d, d", "e", "f"])]
    assert [f.code for b in batches for f in b.faults] == ["ragged_line"] * 2
    assert "3 cells, the header has 2" in batches[0].faults[1].message


def test_read_unclosed_quote_costs_only_its_line(tmp_path: Path) -> None:
    lines = [b'1,"open,US', b'2,"ok, fine",GB', b"3,plain,BR", b'4,"also ok",DE']
    batches = reading(tmp_path, b"\n".join(lines), facts_for(3))
    assert rows_of(batches) == [
        (1, ["1", '"open', "US"]), (2, ["2", "ok, fine", "GB"]), (3, ["3", "plain", "BR"]), (4, ["4", "also ok", "DE"])
    ]  # fmt: skip


def test_read_unclosed_quote_before_many_megabytes(tmp_path: Path) -> None:
    rows = 200_000
    data = b'0,"open,US,more\n' + b"".join(b"%d,plain,BR\n" % n for n in range(rows))
    batches = reading(tmp_path, data, facts_for(3))
    assert sum(map(len, batches)) == rows
    assert faults_of(batches) == [(1, ["0", '"open', "US", "more"])]
    assert batches[-1].lines[-1] == rows + 1
    assert len(data) > SPAN_MAX


def test_read_stray_quotes_are_characters(tmp_path: Path) -> None:
    data = b'1,"Senior" Engineer,US\n2,5" pipe,GB\n3,say "hi",BR\n4,"a ""b"" c",DE\n'
    assert [cells[1] for _, cells in rows_of(reading(tmp_path, data, facts_for(3)))] == [
        '"Senior" Engineer', '5" pipe', 'say "hi"', 'a "b" c'
    ]  # fmt: skip


def test_read_quote_inside_a_quoted_cell(tmp_path: Path) -> None:
    data = b'1,"the "best" job",US\n2,"x",GB\n'
    assert rows_of(reading(tmp_path, data, facts_for(3))) == [
        (1, ["1", 'the "best" job', "US"]),
        (2, ["2", "x", "GB"]),
    ]


def test_read_without_quotes_as_quotes(tmp_path: Path) -> None:
    assert rows_of(reading(tmp_path, b'"a,b"\n', facts_for(2, quote=""))) == [(1, ['"a', 'b"'])]


def test_read_nul_stays_in_its_cell(tmp_path: Path) -> None:
    assert rows_of(reading(tmp_path, b"a,x\0y\nb,z\n", facts_for(2))) == [(1, ["a", "x\0y"]), (2, ["b", "z"])]


def test_read_bytes_that_cp1252_leaves_undefined(tmp_path: Path) -> None:
    data = b"caf\xe9,\x81\x8d\x8f\x90\x9d\x80\n"
    assert rows_of(reading(tmp_path, data, facts_for(2, encoding="cp1252"), 3)) == [
        (1, ["café", "\x81\x8d\x8f\x90\x9d€"])
    ]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_read_utf16_with_mark(tmp_path: Path, encoding: str) -> None:
    data = ("\ufeff" + "é,😀\r\nb,c").encode(encoding)
    assert rows_of(reading(tmp_path, data, facts_for(2, encoding=encoding), 3)) == [
        (1, ["é", "😀"]),
        (2, ["b", "c"]),
    ]


def test_read_huge_cell(tmp_path: Path) -> None:
    data = b"a," + b"x" * 5_000_000 + b"\nb,c\n"
    found = rows_of(reading(tmp_path, data, facts_for(2)))
    assert (len(found[0][1][1]), found[1]) == (5_000_000, (2, ["b", "c"]))


def test_read_line_without_end_is_one_fault(tmp_path: Path) -> None:
    data = b"a,b\n" + b"x" * (LINE_MAX + (9 << 20)) + b"\nc,d\n"
    batches = reading(tmp_path, data, facts_for(2), 4 << 20)
    assert rows_of(batches) == [(1, ["a", "b"]), (3, ["c", "d"])]
    assert [(f.line, f.code) for b in batches for f in b.faults] == [(2, "line_too_long")]
