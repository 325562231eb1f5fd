"""Bombs: hostile files uploaded to the real services: each refused with a message in under 5 s, worker alive."""

import gzip
import io
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

LIMIT = 5.0  # seconds


def run(argv: list[str]) -> dict[str, Any]:
    """Figures: files, refused, over_5_s, crashes, slowest_s, slowest; a good file loads afterwards."""
    from django.test.utils import override_settings

    with TemporaryDirectory(prefix="skl-bench-bombs-") as place:
        folder = Path(place)
        with override_settings(UPLOAD_DIR=folder / "uploads"):
            return _measured(folder)


def _measured(folder: Path) -> dict[str, Any]:
    from ingest.models import Import
    from skillora.lib.errors import DomainError

    seconds: dict[str, float] = {}
    refused, crashes = 0, []
    for name, make in BOMBS.items():
        path = folder / name
        path.write_bytes(make())
        start = time.perf_counter()
        try:
            _create(path)
        except DomainError:
            refused += 1
        except Exception as error:
            crashes.append(f"{name}: {error!r}"[:200])
        seconds[name] = time.perf_counter() - start
        path.unlink()
    left = [path.name for path in (folder / "uploads").glob("*")]
    good = folder / "good.csv"
    good.write_text("title,salary\nDev,100000\n")
    _create(good)
    slowest = max(seconds, key=lambda name: seconds[name])
    return {
        "files": len(BOMBS),
        "refused": refused,
        "over_5_s": sum(took > LIMIT for took in seconds.values()),
        "crashes": len(crashes),
        "told": crashes,
        "slowest_s": round(seconds[slowest], 2),
        "slowest": slowest,
        "left_behind": len(left),
        "alive": Import.objects.count() == 1,
    }


def _create(path: Path) -> None:
    from ingest import services

    services.import_create(by=None, dataset="salary_records", upload=path, name=path.name)


def _zip(files: dict[str, bytes], level: int = 9) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def _book(sheet: str = "", more: dict[str, bytes] | None = None) -> bytes:
    """A minimal workbook with that sheet."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{types}">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{relations}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}"><Relationship Id="r1" '
        f'Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>',
    }
    return _zip({**{name: text.encode() for name, text in parts.items()}, **(more or {})})


def _corners() -> bytes:
    return _book(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    )


def _entities() -> bytes:
    names = "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 10))
    return _zip(
        {
            "xl/workbook.xml": b"<workbook/>",
            "xl/sharedStrings.xml": f'<!DOCTYPE a [<!ENTITY x0 "lol">{names}]><sst><si><t>&x9;</t></si></sst>'.encode(),
        }
    )


def _lying_size() -> bytes:
    """A gzip whose last bytes say that it unpacks to nothing."""
    return gzip.compress(b"0," * (40 << 20))[:-4] + struct.pack("<I", 0)


def _overlapping() -> bytes:
    """A zip whose directory names one packed file two thousand times."""
    data = bytearray(_zip({"a.csv": b"0," * (1 << 20)}))
    at = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = bytes(data[at:end])
    tail = bytearray(data[end:])
    struct.pack_into("<HHII", tail, 8, 2000, 2000, len(entry) * 2000, at)
    return bytes(data[:at]) + entry * 2000 + bytes(tail)


BOMBS: dict[str, Callable[[], bytes]] = {
    "corners.xlsx": _corners,
    "zeros.xlsx": lambda: _book(more={"xl/media/x": b"0" * (600 << 20)}),
    "entries.xlsx": lambda: _book(more={f"xl/media/{n}": b"" for n in range(3000)}),
    "entities.xlsx": _entities,
    "cut.xlsx": lambda: _book("<row><c><v>1</v></c></row>")[:-200],
    "noise.xls": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 100_000,
    "zeros.csv.gz": lambda: gzip.compress(b"0," * (200 << 20)),
    "lying.csv.gz": _lying_size,
    "zeros.zip": lambda: _zip({"a.csv": b"\n" * (300 << 20)}),
    "overlapping.zip": _overlapping,
    "nested.zip": lambda: _zip({"a.csv": _zip({"a.csv": b"0," * (50 << 20)})}),
    "program.csv": lambda: b"\x7fELF" + bytes(range(256)) * 4000,
}
