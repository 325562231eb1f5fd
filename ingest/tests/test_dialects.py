"""Files written in unusual ways, and files that others have spoilt, come through whole."""

from pathlib import Path

import pytest

from ingest.facts import Facts, facts_of
from ingest.readers import read

ROWS = [["2024-01-02", 'the "best" job', "a, b", "1200"], ["2024-02-03", "clerk", "", "900"]] * 4


def found(
    path: Path, text: str | bytes
) -> tuple[Facts, list[tuple[int, list[str]]], list[tuple[int, list[str]]]]:
    source = path / "file.csv"
    source.write_bytes(text.encode() if isinstance(text, str) else text)
    facts = facts_of(source, "file.csv")
    rows, faults = [], []
    for batch in read(source, facts, {1}):
        rows += [(int(line), batch.cells(i)) for i, line in enumerate(batch.lines)]
        faults += [(fault.line, fault.cells) for fault in batch.faults]
    return facts, rows, faults


def written(delimiter: str, quoted: str = '"{}"') -> str:
    lines = [["day", "role", "place", "pay"], *ROWS]
    return "".join(delimiter.join(quoted.format(c.replace('"', '""')) for c in row) + "\n" for row in lines)


@pytest.mark.parametrize("delimiter", ["||", "::", ", ", "; ", "^", "~", "\x1f", "§", " "])
def test_delimiter_out_of_the_ordinary(tmp_path: Path, delimiter: str) -> None:
    facts, rows, faults = found(tmp_path, written(delimiter))
    assert (facts.delimiter, facts.headers) == (delimiter, ["day", "role", "place", "pay"])
    assert [cells for _, cells in rows] == ROWS
    assert (rows[0][0], faults) == (2, [])


@pytest.mark.parametrize(
    "delimiter", ["|@|", "^|", "\t\t", ";;", "$$", "<>", "#", "*", "&", "¦", "\x02", "\x1e"]
)
def test_delimiter_that_nobody_has_listed(tmp_path: Path, delimiter: str) -> None:
    facts, rows, faults = found(tmp_path, written(delimiter, "{}").replace('""', ""))
    assert (facts.delimiter, facts.headers) == (delimiter, ["day", "role", "place", "pay"])
    assert [cells[3] for _, cells in rows] == ["1200", "900"] * 4
    assert faults == []


@pytest.mark.parametrize("quote", ["'", "`", "~", "^"])
def test_quote_out_of_the_ordinary(tmp_path: Path, quote: str) -> None:
    lines = ["day,role,pay", f"2024-01-02,{quote}cook, best{quote},10", "2024-01-03,clerk,20"]
    facts, rows, faults = found(tmp_path, "\n".join([*lines, *lines[1:], *lines[1:]]) + "\n")
    assert (facts.quote, facts.headers, faults) == (quote, ["day", "role", "pay"], [])
    assert rows[0] == (2, ["2024-01-02", "cook, best", "10"])


@pytest.mark.parametrize(
    ("column", "cell"),
    [("day", "2024-01-02 10:30:00"), ("page", "https://jobs.example/7:all"), ("at", "10:30")],
)
def test_one_column_stays_one(tmp_path: Path, column: str, cell: str) -> None:
    facts, rows, _ = found(tmp_path, f"{column}\n" + f"{cell}\n" * 20)
    assert (facts.headers, rows[0]) == ([column], (2, [cell]))


def test_sign_of_the_header_goes_before_signs_of_its_texts(tmp_path: Path) -> None:
    facts, rows, _ = found(tmp_path, "skills;place\n" + "one, two, three, four;north, west\n" * 9)
    assert (facts.delimiter, facts.headers) == (";", ["skills", "place"])
    assert rows[0] == (2, ["one, two, three, four", "north, west"])


def test_backslash_before_quotes(tmp_path: Path) -> None:
    text = "day,role,pay\n" + '2024-01-02,"the \\"best\\", truly",10\n2024-01-03,"C:\\dir",20\n' * 3
    facts, rows, faults = found(tmp_path, text)
    assert (facts.escape, faults) == ("\\", [])
    assert [cells[1] for _, cells in rows[:2]] == ['the "best", truly', "C:\\dir"]


def test_header_of_several_lines(tmp_path: Path) -> None:
    text = "role,pay,bonus\n,(USD),(USD)\n" + "clerk,10,1\n" * 5
    facts, rows, _ = found(tmp_path, text)
    assert (facts.headers, facts.header_line, facts.first_line) == (
        ["role", "pay (USD)", "bonus (USD)"],
        1,
        3,
    )
    assert rows[0] == (3, ["clerk", "10", "1"])


def test_second_header_among_rows_is_a_row(tmp_path: Path) -> None:
    facts, rows, _ = found(tmp_path, "role,pay\nclerk,10\ncook,11\nrole,pay\nsmith,12\n")
    assert (facts.header_line, facts.headers) == (1, ["role", "pay"])
    assert (4, ["role", "pay"]) in rows


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("role,pay\nclerk,10,\ncook,11,\nsmith,12,\n", ["role", "pay", "column 3"]),
        ("role,pay,\nclerk,10\ncook,11\nsmith,12\n", ["role", "pay"]),
        ("role,pay\n1,clerk,10\n2,cook,11\n3,smith,12\n", ["column 1", "role", "pay"]),
        ("role,pay\nclerk,10,x\nclerk,11,y\ncook,12,z\n", ["role", "pay", "column 3"]),
        ("role,,pay\nclerk,10\ncook,11\nsmith,12\n", ["role", "pay"]),
        ("role,pay,note\nclerk,10\ncook,11\nsmith,12\n", ["role", "pay"]),
        ("role;pay;town\nclerk,10,Rome\ncook,11,Pisa\nsmith,12,Rome\n", ["role", "pay", "town"]),
    ],
)
def test_header_narrower_or_wider_than_its_rows(tmp_path: Path, text: str, headers: list[str]) -> None:
    facts, rows, faults = found(tmp_path, text)
    assert (facts.headers, len(rows), faults) == (headers, 3, [])


@pytest.mark.parametrize("header", ['day,role,"pay', '"day,role,pay', 'day,"role"pay'])
def test_header_with_a_stray_quote_swallows_no_row(tmp_path: Path, header: str) -> None:
    lines = [header, '2024-01-01,clerk,"10, net"', '2024-01-02,"cook, head",11', "2024-01-03,smith,12"]
    _, rows, faults = found(tmp_path, "\n".join(lines) + "\n")
    assert ([line for line, _ in rows], faults) == ([2, 3, 4], [])


@pytest.mark.parametrize("end", ["\r", "\r\r\n", "\r\n", "\n"])
def test_lines_before_the_header_end_in_any_way(tmp_path: Path, end: str) -> None:
    before = f"Pay of 2024{end}by the office{end}"
    facts, rows, faults = found(tmp_path, before + "role,pay\r\nclerk,10\r\ncook,11\r\nsmith,12\r\n")
    assert (facts.headers, faults) == (["role", "pay"], [])
    assert [line - facts.header_line for line, _ in rows] == [1, 2, 3]


def test_second_table_as_long_but_wider_leaves_the_first_its_header(tmp_path: Path) -> None:
    first, second = "role,pay\n" + "clerk,10\n" * 20, "role,pay,town\n" + "cook,11,Rome\n" * 20
    facts, rows, faults = found(tmp_path, first + second)
    assert (facts.headers, len(rows), len(faults)) == (["role", "pay"], 20, 21)


def test_cells_of_several_lines_beside_a_stray_quote(tmp_path: Path) -> None:
    text = 'role,note,pay\n"head\nclerk","all\nfine",10\ncook,"say "no" twice",11\nsmith,,12\n'
    _, rows, faults = found(tmp_path, text)
    assert (rows[0], faults) == ((2, ["head\nclerk", "all\nfine", "10"]), [])


def test_quote_that_opens_by_mistake_costs_nothing(tmp_path: Path) -> None:
    lines = ["day,role,note,pay", '2024-01-01,"clerk,"fine, really",10', '2024-01-02,cook,"ok, ok",11']
    _, rows, faults = found(tmp_path, "\n".join([*lines, lines[2], lines[2]]) + "\n")
    assert rows[0] == (2, ["2024-01-01", '"clerk', "fine, really", "10"])
    assert (len(rows), faults) == (4, [])


def test_empty_cells_behind_the_last_column_are_no_fault(tmp_path: Path) -> None:
    _, rows, faults = found(tmp_path, "role,pay\nclerk,10\ncook,11,,,\nsmith,12,,x\n")
    assert [line for line, _ in rows] == [2, 3]
    assert faults == [(4, ["smith", "12", "", "x"])]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_one_damaged_byte_spoils_its_cell_not_the_file(tmp_path: Path, mark: bytes) -> None:
    text = "função,salário\n" + "Técnico,10\n" * 50
    facts, rows, faults = found(tmp_path, mark + text.encode() + b"Ger\xeante,20\n" + "Técnico,10\n".encode())
    assert (facts.encoding, facts.headers, faults) == ("utf-8-damaged", ["função", "salário"], [])
    assert [cells[0] for _, cells in rows[-3:]] == ["Técnico", "Ger\ufffdnte", "Técnico"]


def test_euro_sign_of_iso_8859_15(tmp_path: Path) -> None:
    facts, rows, _ = found(tmp_path, ("rôle,paye\n" + "employé,1200 €\n" * 9).encode("iso-8859-15"))
    assert (facts.encoding, rows[0][1]) == ("iso-8859-15", ["employé", "1200 €"])


@pytest.mark.parametrize("encoding", ["utf-32", "mac-roman", "cp850", "utf-16"])
def test_encoding_by_its_letters(tmp_path: Path, encoding: str) -> None:
    text = "função,salário\n" + "Técnico de manutenção,10\nGerência,20\n" * 20
    facts, rows, _ = found(tmp_path, text.encode(encoding))
    assert facts.headers == ["função", "salário"]
    assert rows[0][1] == ["Técnico de manutenção", "10"]
