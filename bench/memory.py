"""Memory: a huge CSV through storing, facts and load, and a large workbook through the reading child.

    python -m bench memory [--gb 0.3] [--cells 2000000]

Each part runs in a process of its own, whose peak is measured: web (storing the upload and its facts), work-horse
(check, the same reading and cleaning as the load), child (the workbook as CSV).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

OWN_SERVERS = True  # the parts need none
BLOCK_ROWS = 20_000
PART = """
import json, resource, sys
from pathlib import Path
from bench import _alone
_alone.setup()
from bench import memory
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
memory.{part}(Path(sys.argv[1]))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({{"before": before // 1024, "peak": after // 1024, "child": child // 1024}}))
"""


def run(argv: list[str]) -> dict[str, Any]:
    """Figures in MB: web_growth_mb, horse_peak_mb, child_peak_mb, for `gb` of CSV and `cells` of XLSX."""
    parser = argparse.ArgumentParser(prog="bench memory")
    parser.add_argument("--gb", type=float, default=0.3)
    parser.add_argument("--cells", type=int, default=2_000_000)
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="skl-bench-memory-") as folder:
        huge = Path(folder) / "huge.csv"
        rows = _write(huge, int(asked.gb * 1e9))
        web, horse = _part("store", huge), _part("judge", huge)
        huge.unlink()
        book = Path(folder) / "large.xlsx"
        _write_book(book, asked.cells)
        child = _part("convert", book)
        return {
            "gb": asked.gb,
            "rows": rows,
            "web_growth_mb": web["peak"] - web["before"],
            "horse_peak_mb": horse["peak"],
            "cells": asked.cells,
            "workbook_mb": round(book.stat().st_size / 1e6, 1),
            "child_peak_mb": child["child"],
        }


def _part(name: str, path: Path) -> dict[str, int]:
    """Peaks of a process that does one part."""
    environment = {**os.environ, "UPLOAD_DIR": str(path.parent / "uploads")}
    code = PART.format(part=name)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def store(path: Path) -> None:
    """What the web process does with an upload's bytes."""
    from ingest import storage

    stored = storage.file_store(path, path.name)
    storage.file_forget(stored.name)


def judge(path: Path) -> None:
    """Facts, then the reading and cleaning of a load."""
    from ingest import declarations
    from ingest.cleaning import Cleaner
    from ingest.facts import facts_of
    from ingest.mapping import Mapping
    from ingest.readers import read

    facts = facts_of(path, path.name)
    mapping = Mapping({"salary": 1, "date": 4})
    columns = tuple(c for c in declarations.dataset("salary_records").columns if c.name in mapping.columns)
    dataset = declarations.Dataset(
        slug="memory", title="", model=declarations.dataset("salary_records").model, columns=columns
    )
    cleaner = Cleaner(dataset, mapping, facts, dry=True)
    good = sum(len(cleaner.clean(batch).lines) for batch in read(path, facts, cleaner.wanted))
    assert good == facts.rows, (good, facts.rows)


def convert(path: Path) -> None:
    """A workbook as CSV, in the child."""
    from ingest.facts import facts_of

    facts_of(path, path.name)


def _write(path: Path, size: int) -> int:
    """Rows of some 90 bytes until there are `size` bytes; how many."""
    block = "".join(
        f"Engineer of kind {n % 700},{40_000 + n * 7 % 90_000}.{n % 100:02},a remark that is row {n},BR,"
        f"20{10 + n % 15}-{1 + n % 12:02}-{1 + n % 28:02}\n"
        for n in range(BLOCK_ROWS)
    ).encode()
    blocks = max(size // len(block), 1)
    with path.open("wb") as file:
        file.write(b"title,salary,remark,country,date\n")
        for _block in range(blocks):
            file.write(block)
    return blocks * BLOCK_ROWS


def _write_book(path: Path, cells: int) -> None:
    """A workbook of 20 columns, numbers and shared words, written by hand: no library writes 20 million cells soon."""
    letters = "ABCDEFGHIJKLMNOPQRST"
    words = [f"word {n}" for n in range(999)] + [f"column {n}" for n in range(20)]
    spread = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    shared = "".join(f"<si><t>{word}</t></si>" for word in words)
    sheets = '<sheets><sheet name="large" sheetId="1" r:id="rId1"/></sheets>'
    relation = f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        main = f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/>'
        book.writestr("_rels/.rels", f'<Relationships xmlns="{package}">{main}</Relationships>')
        book.writestr("xl/workbook.xml", f'<workbook {spread} xmlns:r="{office}">{sheets}</workbook>')
        book.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}">{relation}</Relationships>'
        )
        book.writestr("xl/sharedStrings.xml", f"<sst {spread}>{shared}</sst>")
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f"<worksheet {spread}><sheetData>".encode())
            header = "".join(f'<c r="{c}1" t="s"><v>{999 + n}</v></c>' for n, c in enumerate(letters))
            sheet.write(f'<row r="1">{header}</row>'.encode())
            for row in range(2, cells // 20 + 1):
                line = "".join(
                    f'<c r="{c}{row}" t="s"><v>{row % 999}</v></c>'
                    if n % 4 == 0
                    else f'<c r="{c}{row}"><v>{row * n}</v></c>'
                    for n, c in enumerate(letters)
                )
                sheet.write(f'<row r="{row}">{line}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
