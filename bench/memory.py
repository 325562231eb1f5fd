"""Memory: a 2 GB CSV uploaded over HTTP and loaded by a worker, and a large workbook through the reading child.

    python -m bench memory [--gb 2] [--cells 20971520]

Peaks as the kernel keeps them: of the web process from before the upload to its answer (storing, facts, suggestion),
of the work-horse that loads the rows, and of the child that writes the workbook as CSV.
"""

import argparse
import http.client
import itertools
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench._product import Running, product, tokens
from skillora import processes

BLOCK_ROWS = 20_000
REMARK = "as postings have them: what is to be done and what the place is like and in ninety letters"
PIECE = 1 << 20  # bytes that are sent at once
BOUNDARY = "bench"
PART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="dataset"\r\n\r\nsalary_records\r\n'
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="fill"\r\n\r\ntrue\r\n'
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="huge.csv"\r\n'
    "Content-Type: text/csv\r\n\r\n"
).encode()
END = f"\r\n--{BOUNDARY}--\r\n".encode()
CHILD = """
import json, resource, sys
from pathlib import Path
from bench import _alone
_alone.setup()
from bench import memory
memory.convert(Path(sys.argv[1]))
print(json.dumps(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))
"""


def run(argv: list[str]) -> dict[str, Any]:
    """Figures in MB: web_growth_mb, horse_peak_mb, child_peak_mb, for `gb` of CSV and `cells` of XLSX."""
    parser = argparse.ArgumentParser(prog="bench memory")
    parser.add_argument("--gb", type=float, default=2.0)
    parser.add_argument("--cells", type=int, default=1_048_576 * 20)
    asked = parser.parse_args(argv)
    token = tokens()["staff"]
    with tempfile.TemporaryDirectory(prefix="skl-bench-memory-") as folder:
        huge, small = Path(folder) / "huge.csv", Path(folder) / "small.csv"
        rows = _write(huge, int(asked.gb * 1e9))
        _write(small, 1)
        book = Path(folder) / "large.xlsx"
        _write_book(book, asked.cells)
        with product(
            web=1, workers=1, UPLOAD_DIR=str(Path(folder) / "uploads"), DISK_FREE_MIN="0"
        ) as running:
            _sent(running, token, small)  # what every process loads once
            figures = _sent(running, token, huge)
        if figures["inserted"] != rows:
            raise RuntimeError(f"{figures['inserted']} of {rows} rows")
        huge.unlink()
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(book)], capture_output=True, text=True, check=True
        )
        return {
            "gb": asked.gb,
            **figures,
            "cells": asked.cells,
            "workbook_mb": round(book.stat().st_size / 1e6, 1),
            "child_peak_mb": json.loads(done.stdout.splitlines()[-1]),
        }


def _sent(running: Running, token: str, path: Path) -> dict[str, Any]:
    """The file uploaded and loaded: seconds and peaks of either."""
    (web,) = processes.children_of(running.web.pid)
    Path(f"/proc/{web}/clear_refs").write_text("5")  # the peak starts anew
    before, began = _memory(web, "VmRSS"), time.perf_counter()
    place = _uploaded(running.port, token, path)
    after = {"upload_s": round(time.perf_counter() - began, 1), "web_before_mb": before}
    after |= {"web_growth_mb": _memory(web, "VmHWM") - before}
    began, horse = time.perf_counter(), 0
    visit = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    for number in itertools.count():
        for pid in processes.children_of(running.workers[0].pid):
            with suppress(OSError, StopIteration):  # it has just ended
                horse = max(horse, _memory(pid, "VmHWM"))
        if number % 5 == 0:
            visit.request("GET", place, headers={"Authorization": f"Bearer {token}"})
            body = json.loads(visit.getresponse().read())
            if body["state"] not in {"queued", "running"}:
                break
        time.sleep(0.2)
    if body["state"] != "done":
        raise RuntimeError(f"{body['state']}: {body['progress']}")
    after |= {"load_s": round(time.perf_counter() - began, 1), "horse_peak_mb": horse}
    return {"inserted": body["counters"]["inserted"], **after}


def _uploaded(port: int, token: str, path: Path) -> str:
    """Send the file in one multipart request, mapped and submitted with it; where its import is."""
    visit = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(len(PART) + path.stat().st_size + len(END)),
    }

    def body() -> Iterator[bytes]:
        yield PART
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
        yield END

    visit.request("POST", "/api/v1/imports", body(), headers)
    answer = visit.getresponse()
    said = answer.read()
    if not 200 <= answer.status < 300:
        raise RuntimeError(f"{answer.status}: {said[:500]!r}")
    return answer.headers["Location"]


def _memory(pid: int, name: str) -> int:
    """VmRSS or VmHWM in MB; OSError or StopIteration where the process is gone."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) // 1024


def convert(path: Path) -> None:
    """A workbook as CSV, in the child."""
    from ingest.facts import facts_of

    facts_of(path, path.name)


def _write(path: Path, size: int) -> int:
    """Rows of some 170 bytes until there are `size` bytes; how many."""
    block = "".join(
        f"Engineer of kind {n % 700},{40_000 + n * 7 % 90_000}.{n % 100:02},a remark on row {n}: {REMARK},BR,"
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
