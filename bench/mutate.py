"""Mutate: tens of thousands of broken files through facts and reader: no crash, no hang, no line gained or lost.

    python -m bench mutate [--files 50000] [--seed 3] [--processes 2]

A file passes where it is refused with a message, or read with as many rows and faults as its facts say; where it has
no quotes, so that a line is a record, these are counted by splitting its text too. It is read in tiny blocks as well,
which must neither fail nor hang.
"""

import argparse
import gzip
import io
import math
import multiprocessing
import random
import signal
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import _alone
from bench._tables import HEADER, Writing, clean_table

if TYPE_CHECKING:
    from ingest.facts import Facts

OWN_SERVERS = True  # needs none
HANG = 10  # seconds
TINY = 97  # bytes of a block
WORKBOOKS = 400  # one file in so many is a workbook: each takes a process of its own
PIECES = [
    *(
        b'"',
        b",",
        b";",
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"\t",
        b"'",
        b"\\",
        b'""',
        b"\xff",
        b"||",
        b"#",
        b"1e9",
        b"  ",
    ),
    *(b"\xef\xbb\xbf", b"\x1a", b"\xe2\x80\xa8"),
]


class Hang(BaseException):
    """Raised by the alarm; no handler of errors catches it."""


def run(argv: list[str]) -> dict[str, Any]:
    """Figures: files, read, refused, crashes, hangs, miscounted, slowest_s, files_per_s."""
    parser = argparse.ArgumentParser(prog="bench mutate")
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args(argv)
    share = -(-asked.files // asked.processes)
    jobs = [(asked.seed * 1000 + n, share) for n in range(asked.processes)]
    start = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(asked.processes) as pool:
        results = pool.starmap(_some, jobs)
    seen: Counter[str] = sum((counts for counts, _, _ in results), Counter())
    for _, _, told in results:
        for text in told[:3]:
            print(text)
    return {
        "files": share * asked.processes,
        "read": seen["read"],
        "refused": seen["refused"],
        "crashes": seen["crashes"],
        "hangs": seen["hangs"],
        "miscounted": seen["miscounted"],
        "slowest_s": round(max(slowest for _, slowest, _ in results), 3),
        "files_per_s": round(share * asked.processes / (time.perf_counter() - start)),
    }


def _some(seed: int, files: int) -> "tuple[Counter[str], float, list[str]]":
    """(verdicts, seconds of the slowest file, what went wrong) of one process's share."""
    _alone.setup()
    rng = random.Random(seed)
    seeds = _seeds(rng)
    seen: Counter[str] = Counter()
    slowest, told = 0.0, []
    signal.signal(signal.SIGALRM, _alarm)
    with tempfile.TemporaryDirectory(prefix="skl-bench-mutate-") as folder:
        for number in range(files):
            kind = "book.xlsx" if number % WORKBOOKS == 0 else rng.choice(list(seeds))
            data = mutated(rng, seeds.get(kind) or _workbook())
            place = Path(folder) / str(number)
            place.mkdir()
            (place / "file").write_bytes(data)
            start = time.perf_counter()
            verdict, text = _tried(place / "file", kind)
            slowest = max(slowest, time.perf_counter() - start)
            seen[verdict] += 1
            if text:
                told.append(f"{kind} {data[:300]!r}: {text}")
            for left in place.iterdir():
                left.unlink()
            place.rmdir()
    return seen, slowest, told


def _alarm(number: int, frame: object) -> None:
    raise Hang


def _tried(path: Path, name: str) -> tuple[str, str]:
    """(verdict, what went wrong) of one file."""
    from ingest.facts import facts_of
    from ingest.readers import read
    from skillora.lib.errors import DomainError

    signal.alarm(HANG)
    try:
        facts = facts_of(path, name)
        count = sum(len(batch) + len(batch.faults) for batch in read(path, facts, {0}))
        for _batch in read(path, facts, {0}, batch_bytes=TINY):
            pass
    except DomainError:
        return "refused", ""
    except Hang:
        return "hangs", "more than 10 s"
    except Exception:
        return "crashes", traceback.format_exc(limit=-3)
    finally:
        signal.alarm(0)
    if count != facts.rows:
        return "miscounted", f"facts say {facts.rows}, read {count}"
    least, most = _lines(path, facts)
    if not least <= count <= most:
        return "miscounted", f"between {least} and {most} lines, read {count}"
    return "read", ""


def _lines(path: Path, facts: "Facts") -> tuple[int, float]:
    """How many records there are, counted without the product: (at least, at most)."""
    if facts.sheet or facts.member:
        return 0, math.inf
    text = path.read_bytes().decode(facts.encoding, "replace").removeprefix("\ufeff")
    if facts.quote and facts.quote in text:
        return 0, math.inf
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[facts.first_line - 1 :]
    sure = sum(bool(line.strip()) for line in lines)
    return sure, sure + sum(bool(line) and not line.strip() for line in lines)  # blanks may be cells


def _seeds(rng: random.Random) -> dict[str, bytes]:
    """Name → a small file that is right."""
    rows = [HEADER, *clean_table(rng, 8)]
    text = Writing().text(rows)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", text)
        archive.writestr("b.csv", text)
    several = [[*row[:5], "one\ntwo", row[6]] for row in rows[1:]]
    return {
        "comma.csv": text.encode(),
        "semicolon.csv": Writing(";", newline="\r\n").text(rows).encode("cp1252"),
        "quoted.csv": Writing(everything=True, newline="\r").text(rows).encode(),
        "several.csv": Writing().text([rows[0], *several]).encode(),
        "backslash.csv": Writing(escape="\\", everything=True).text(rows).encode(),
        "pipes.txt": Writing("||").text(rows).encode(),
        "wide.tsv": Writing("\t").text(rows).encode("utf-16"),
        "preamble.csv": ("Title\n\n" + text).encode(),
        "headless.csv": Writing().text(rows[1:]).encode(),
        "packed.csv.gz": gzip.compress(text.encode()),
        "packed.zip": packed.getvalue(),
    }


def _workbook() -> bytes:
    import openpyxl  # type: ignore[import-untyped]

    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (["role", "pay"], ["Dev", 10], ["Ops", 20]):
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def mutated(rng: random.Random, data: bytes) -> bytes:
    """The file with one to six things done to it."""
    for _ in range(rng.randint(1, 6)):
        data = _changed(rng, data)
    return data


def _changed(rng: random.Random, data: bytes) -> bytes:
    """The file with one thing done to it."""
    at, length = rng.randrange(len(data) + 1), rng.choice([1, 1, 2, 8, 40])
    head, tail = data[:at], data[at:]
    changes = {
        "without": lambda: head + tail[length:],
        "piece": lambda: head + rng.choice(PIECES) + tail,
        "pieces": lambda: head + rng.choice(PIECES) * rng.choice([2, 30]) + tail,
        "byte": lambda: head + bytes([rng.randrange(256)]) + tail[1:],
        "again": lambda: head + tail[: length * 9] + tail,
        "cut": lambda: head,
        "noise": lambda: head + rng.randbytes(length) + tail,
        "turned": lambda: tail + head,
    }
    return changes[rng.choice(list(changes))]()
