"""What a pattern cuts out of a large workbook is what the parser would have read there, however the XML is written."""

import random
import sys
import zipfile
from pathlib import Path

import pytest

from ingest import workbook_child, workbook_stream, workbook_xml

SPREAD = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" Type="{OFFICE}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{SPREAD}" xmlns:r="{OFFICE}"><sheets>'
    '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" '
    f'Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/styles.xml": '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs>'
    "</styleSheet>",
}
PLAIN = [
    "Engineer",
    "x, y",
    'say "so"',
    "R&amp;D &lt;3",
    "1",
    "0",
    "45000",
    "45000.25",
    "-1.50",
    "007",
    "é 😀",
    "",
]
ODD = [
    *(
        " a",
        "b ",
        "\n",
        "\t",
        "\r\n",
        "\r",
        "&#13;",
        "&#x41;",
        "&no;",
        "&",
        "]]>",
        ">",
        "<![CDATA[b<]]>",
        "<b>z</b>",
    ),
    *(
        "<!-- </row> -->",
        "<![CDATA[</row>]]>",
        "<?p </row>?>",
        "_x000D_",
        "_x0041_",
        "_x",
        "\ufffe",
        "\x01",
        "\0",
    ),
]
KINDS = ["", ' s="1"', ' s="2"', ' t="s"', ' t="str"', ' t="inlineStr"', ' t="b"', ' t="e"', ' s="1" t="s"']
ODD_KINDS = [
    ' s="1" s="2"',
    ' x="1>2"',
    " t='s'",
    " s=1",
    ' r="B1"',
    ' x="/"',
    '\n s="1"',
    ' t="n"',
    ' s="x"',
]
BETWEEN = [
    *(
        "\n",
        "text",
        "<!-- x -->",
        "<!-- </row> -->",
        "<!--",
        "-->",
        "<![CDATA[</row>]]>",
        "<row/>",
        '<row r="7"/><!-- a',
    ),
    *(
        "</row >",
        "</sheetData>",
        '<row r="3"><row r="4"></row></row>',
        '<c r="A1"><v>5</v></c>',
        "<x:row>",
        "\r\n",
        "<t>",
    ),
]
HEADS = [
    '<?xml version="1.0" encoding="ISO-8859-1"?>',
    '<!DOCTYPE worksheet [<!ATTLIST c t CDATA "str">]>',
    "\ufeff",
]


class Writer:
    """Writes worksheets; odd: how often something is not as most programs write it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.odd = self.random.choice([0.0, 0.003, 0.02, 0.2])

    def chosen(self, usual: list[str], odd: list[str]) -> str:
        return self.random.choice(odd if self.random.random() < self.odd else usual)

    def cell(self, column: str, row: int, kind: str) -> str:
        text = self.chosen(PLAIN, ODD)
        if 't="s"' in kind:
            text = self.chosen(["0", "1", "2"], ["9", " 1", *ODD])
        elif "t=" not in kind or 't="b"' in kind:
            text = self.chosen(["1", "0", "45000", "45000.25", "1234.50", "007", "59"], ODD)
        value = f"<v>{text}</v>"
        spaced = self.random.choice(["", ' xml:space="preserve"'])
        words = self.chosen(
            [f"<is><t{spaced}>{text}</t></is>"], ["<v/>", f"<is><r><t>{text}</t></r></is>", value * 2]
        )
        formula = self.chosen(
            ["", "", "<f>A1+1</f>", '<f t="shared" si="0"/>'], ["<f/>", f"<f>{text}</f>", "\n"]
        )
        inside = words if "inlineStr" in kind else formula + value
        reference = self.chosen(
            [f' r="{column}{row}"'], ["", ' r="ZZ1"', f' r="{column}"', f' r="{column.lower()}1"']
        )
        return self.chosen(
            [f"<c{reference}{kind}>{inside}</c>"] * 5 + [f"<c{reference}{kind}/>"], [inside, "</c>"]
        )

    def sheet(self) -> bytes:
        kinds = [self.random.choice(KINDS) for _column in range(6)]
        rows, number = [], 0
        for _row in range(self.random.randint(1, 12)):
            number += int(self.chosen(["1"], ["0", "3", "-1", "2000000"]))
            cells = [
                self.cell(column, number, self.chosen([kind, kind, self.random.choice(KINDS)], ODD_KINDS))
                for column, kind in zip("ABCDEF", kinds, strict=True)
                if self.random.random() < 0.8
            ]
            about = self.chosen(
                [f' r="{number}"', f' r="{number}" spans="1:3"'], ["", ' r="1" r="2"', ' r="5" x="1>2"']
            )
            rows.append(f"<row{about}>{''.join(cells)}</row>{self.chosen([''], BETWEEN)}")
        tail = self.chosen(
            ["</sheetData></worksheet>"], ["", "</worksheet>", "</sheetData><t>q</t></worksheet>"]
        )
        head = self.chosen(['<?xml version="1.0" encoding="UTF-8"?>', ""], HEADS)
        made = f"{head}<worksheet><sheetData>{''.join(rows)}{tail}".encode()
        if self.random.random() < self.odd * 3:
            at = self.random.randrange(len(made))
            made = (
                made[:at] + self.random.choice([b"<", b">", b'"', b"&", b"\xff", b"</row>"]) + made[at + 1 :]
            )
        return made

    def shared(self) -> bytes:
        tags = ["<t>", '<t xml:space="preserve">']
        items = "".join(
            f"<si>{self.random.choice(tags)}{self.chosen(PLAIN, ODD)}</t></si>" for _item in range(5)
        )
        return (
            f"<sst>{items}{self.chosen([''], ['<!-- </si> -->', '<si/>'])}<si><t>last</t></si></sst>".encode()
        )


def book(path: Path, sheet: bytes, shared: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, text in PARTS.items():
            made.writestr(name, text)
        made.writestr("xl/worksheets/sheet1.xml", sheet)
        made.writestr("xl/sharedStrings.xml", shared)
    return path


def result(path: Path, out: Path) -> tuple[object, str]:
    told = workbook_child.convert(path, "", out)
    return told.get("error") or told, "" if "error" in told else out.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_stream, "LARGE", 0)


@pytest.mark.parametrize("seed", range(0, 400, 20))
def test_cut_rows_are_what_the_parser_reads(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(seed, seed + 20):
        writer = Writer(number)
        path = book(tmp_path / "book.xlsx", writer.sheet(), writer.shared())
        with monkeypatch.context() as patch:
            patch.setattr(workbook_xml, "PIECE", writer.random.choice([7, 90, 1 << 18]))
            cut = result(path, tmp_path / "cut.csv")
            patch.setattr(workbook_xml, "piece_of", lambda _data: None)
            assert cut == result(path, tmp_path / "parsed.csv"), number


def test_cut_rows_are_what_the_other_reader_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys.modules[__name__], "KINDS", [kind for kind in KINDS if kind not in (' t="e"', ' t="b"')]
    )
    monkeypatch.setattr(
        sys.modules[__name__], "PLAIN", [*PLAIN, " a", "b ", "  ", "_x000D_", "a_x0041_", "_x1234_"]
    )
    for number in range(40):
        writer = Writer(number)
        writer.odd = 0
        path = book(tmp_path / "book.xlsx", writer.sheet(), writer.shared())
        cut = result(path, tmp_path / "cut.csv")
        assert cut[0] == workbook_child.converted(path, "", tmp_path / "other.csv")
        assert cut[1] == (tmp_path / "other.csv").read_text(encoding="utf-8"), number


def test_regular_rows_are_kept_from_the_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(0)
    writer.odd = 0
    rows = "".join(
        f'<row r="{number}">{"".join(map(writer.cell, "ABCDEFGHI", [number] * 9, KINDS))}</row>'
        for number in range(1, 1001)
    )
    sheet = f"<worksheet><sheetData>{rows}</sheetData></worksheet>"
    path = book(tmp_path / "book.xlsx", sheet.encode(), writer.shared())
    begun: list[int] = []
    begin = workbook_xml.Part.begin

    def counted(part: workbook_xml.Part) -> None:
        begun.append(1)
        begin(part)

    monkeypatch.setattr(workbook_xml.Part, "begin", counted)
    told, text = result(path, tmp_path / "cut.csv")
    assert told == {"sheets": ["a"], "sheet": "a"}
    assert len(text.splitlines()) == 1000
    assert len(begun) < 50  # the first of either part, and shared texts without any content
