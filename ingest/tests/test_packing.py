"""Tables inside .gz and .zip are read as they are; several are chosen from; bombs and broken ones are refused."""

import gzip
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from ingest import packing
from ingest.facts import Facts, facts_of
from ingest.readers import read
from skillora.lib.errors import DomainError

TABLE = "title;pay\nDev;10\nOps;20\n"


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def rows_of(path: Path, facts: Facts) -> list[list[str]]:
    return [batch.cells(i) for batch in read(path, facts, {0}) for i in range(len(batch))]


def test_packed_gzip(tmp_path: Path) -> None:
    path = tmp_path / "stored.gz"
    path.write_bytes(gzip.compress(TABLE.encode("utf-16")))
    facts = facts_of(path, "pay.csv.gz")
    assert (facts.member, facts.encoding, facts.delimiter, facts.rows) == ("pay.csv", "utf-16-le", ";", 2)
    assert rows_of(path, facts) == [["Dev", "10"], ["Ops", "20"]]


def test_packed_zip_with_several_tables(tmp_path: Path) -> None:
    files = {
        "__MACOSX/._a.csv": b"x", "read me.md": b"x", "a.csv": TABLE.encode(), "in/b.tsv": b"c\td\n1\t2\n"
    }  # fmt: skip
    path = zipped(tmp_path / "stored.zip", files)
    facts = facts_of(path, "pay.zip")
    assert (facts.members, facts.member, facts.headers) == (["a.csv", "in/b.tsv"], "a.csv", ["title", "pay"])
    facts = facts_of(path, "pay.zip", overrides={"member": "in/b.tsv"})
    assert (facts.member, rows_of(path, facts)) == ("in/b.tsv", [["1", "2"]])
    with pytest.raises(DomainError) as caught:
        facts_of(path, "pay.zip", overrides={"member": "../c.csv"})
    assert caught.value.code == "unknown_member"


def test_packed_workbook(tmp_path: Path) -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["title", "pay"], ["Dev", 10]):
        book.active.append(row)
    book.save(out)
    path = zipped(tmp_path / "stored.zip", {"book.xlsx": out.getvalue()})
    facts = facts_of(path, "pay.zip")
    assert (facts.format, facts.member) == ("xlsx", "book.xlsx")
    assert rows_of(path, facts) == [["Dev", "10"]]


def test_packed_is_unpacked_once_beside_the_file(tmp_path: Path) -> None:
    path = zipped(tmp_path / "stored.zip", {"a.csv": TABLE.encode()})
    facts = facts_of(path, "pay.zip")
    made = [p for p in tmp_path.iterdir() if p != path]
    assert len(made) == 1
    made[0].unlink()
    assert rows_of(path, facts) == [["Dev", "10"], ["Ops", "20"]]


@pytest.mark.parametrize("name", ["a.zip", "a.csv.gz"])
def test_packed_bomb(tmp_path: Path, name: str) -> None:
    path, zeros = tmp_path / name, b"0," * (24 << 20)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(zeros))
    else:
        zipped(path, {"a.csv": zeros})
    with pytest.raises(DomainError) as caught:
        facts_of(path, name)
    assert caught.value.code == "unreadable_archive"
    assert [p for p in tmp_path.iterdir() if p != path] == []


def test_packed_in_too_many_entries(tmp_path: Path) -> None:
    files = {f"{n}.csv": b"a,b\n1,2\n" for n in range(packing.ENTRIES_MAX + 1)}
    with pytest.raises(DomainError) as caught:
        facts_of(zipped(tmp_path / "a.zip", files), "a.zip")
    assert caught.value.code == "unreadable_archive"


@pytest.mark.parametrize("cut", [20, 60])
def test_packed_and_broken(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(TABLE.encode() * 1000)[:cut])
    with pytest.raises(DomainError) as caught:
        facts_of(path, "a.csv.gz")
    assert caught.value.code == "unreadable_archive"


@pytest.mark.parametrize("inner", ["a.txt.zip", "a.pdf"])
def test_packed_without_a_table(tmp_path: Path, inner: str) -> None:
    with pytest.raises(DomainError) as caught:
        facts_of(zipped(tmp_path / "a.zip", {inner: b"x"}), "a.zip")
    assert (caught.value.code, caught.value.status) == ("not_tabular", 400)


def test_packed_inside_packed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(gzip.compress(TABLE.encode())))
    with pytest.raises(DomainError) as caught:
        facts_of(path, "a.csv.gz")
    assert caught.value.code == "not_tabular"
