"""Some two hundred ways in which files spoil one clean table, seeded. Nothing here knows any reader."""

import random
from collections.abc import Callable

from bench._tables import HEADER, Dirty, Made, Table, Writing, clean_table, made


def corpus(seed: int = 7) -> list[Dirty]:
    """All spoilt files."""
    rng = random.Random(seed)
    table = clean_table(rng)
    families = (
        (_delimiters, 4.0), (_quotes, 1.0), (_encodings, 2.0), (_line_ends, 3.0), (_before, 3.0), (_behind, 2.0),
        (_headers, 3.0), (_ragged, 1.0), (_stray_quotes, 0.5), (_several_lines, 1.0), (_blank_lines, 1.0),
        (_several_tables, 1.0), (_styles, 3.0), (_odd_content, 0.5), (_other_rows, 0.5), (_sizes, 1.0),
    )  # fmt: skip
    return [
        Dirty(name, data, header, records, weight)
        for family, weight in families
        for name, data, header, records in family(table, rng)
    ]


def _delimiters(table: Table, rng: random.Random) -> Made:
    signs = {
        "comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "caret": "^", "tilde": "~", "unit": "\x1f",
        "two_pipes": "||", "two_colons": "::", "comma_blank": ", ", "semicolon_blank": "; ", "section": "§",
    }  # fmt: skip
    for name, sign in signs.items():
        yield made(f"delimiter_{name}", Writing(sign).text([HEADER, *table]), table)
        yield made(
            f"delimiter_{name}_all_quoted", Writing(sign, everything=True).text([HEADER, *table]), table
        )
    yield made("delimiter_blank_all_quoted", Writing(" ", everything=True).text([HEADER, *table]), table)
    yield made("delimiter_blank", Writing(" ").text([HEADER, *table]), table)
    for name in ("comma", "semicolon", "tab"):
        yield made(
            f"delimiter_{name}_after_each_row",
            Writing(signs[name], after=signs[name]).text([HEADER, *table]),
            table,
        )
        rows = Writing(signs[name], after=signs[name]).text(table)
        yield made(f"delimiter_{name}_after_data_rows", Writing(signs[name]).text([HEADER]) + rows, table)
        head = Writing(signs[name], after=signs[name]).text([HEADER])
        yield made(f"delimiter_{name}_after_header", head + Writing(signs[name]).text(table), table)


def _quotes(table: Table, rng: random.Random) -> Made:
    for delimiter, name in ((",", "comma"), (";", "semicolon"), ("\t", "tab")):
        yield made(f"quote_apostrophe_{name}", Writing(delimiter, "'").text([HEADER, *table]), table)
        yield made(
            f"quote_apostrophe_{name}_all",
            Writing(delimiter, "'", everything=True).text([HEADER, *table]),
            table,
        )
        yield made(f"escape_backslash_{name}", Writing(delimiter, escape="\\").text([HEADER, *table]), table)
        yield made(
            f"escape_backslash_{name}_all",
            Writing(delimiter, escape="\\", everything=True).text([HEADER, *table]),
            table,
        )
        yield made(f"escape_none_{name}", Writing(delimiter, escape="none").text([HEADER, *table]), table)
        yield made(
            f"escape_none_{name}_all",
            Writing(delimiter, escape="none", everything=True).text([HEADER, *table]),
            table,
        )
    plain = [[cell.replace('"', "").replace(",", "") for cell in row] for row in table]
    yield made("quote_nowhere", Writing().text([HEADER, *plain]), plain)
    inches = [[*row[:5], f'{n}" wide', row[6]] for n, row in enumerate(plain)]
    yield made("quote_as_inches", "\n".join(",".join(row) for row in [HEADER, *inches]) + "\n", inches)


def _encodings(table: Table, rng: random.Random) -> Made:
    text = Writing().text([HEADER, *table])
    for name in (
        "utf-8",
        "utf-8-sig",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "cp1252",
        "iso-8859-15",
        "mac-roman",
        "cp850",
    ):
        yield f"encoding_{name}", text.encode(name), HEADER, table
    yield "encoding_utf-16-be-marked", b"\xfe\xff" + text.encode("utf-16-be"), HEADER, table
    yield "encoding_utf-32", text.encode("utf-32"), HEADER, table
    yield "encoding_utf-16-tab", Writing("\t").text([HEADER, *table]).encode("utf-16"), HEADER, table
    yield "encoding_cp1252_semicolon", Writing(";").text([HEADER, *table]).encode("cp1252"), HEADER, table


def _line_ends(table: Table, rng: random.Random) -> Made:
    rows = [HEADER, *table]
    for name, newline in (
        ("lf", "\n"),
        ("crlf", "\r\n"),
        ("cr", "\r"),
        ("cr_crlf", "\r\r\n"),
        ("double_lf", "\n\n"),
    ):
        for sign, delimiter in (("comma", ","), ("semicolon", ";")):
            yield made(f"lines_{name}_{sign}", Writing(delimiter, newline=newline).text(rows), table)
    text = Writing().text(rows)
    yield made("lines_last_without_end", text[:-1], table)
    yield made("lines_last_without_end_crlf", Writing(newline="\r\n").text(rows)[:-2], table)
    yield made("lines_two_ends_at_the_end", text + "\n", table)
    yield made("lines_many_ends_at_the_end", text + "\n" * 40, table)
    mixed = "".join(Writing(newline=rng.choice(["\n", "\r\n"])).text([row]) for row in rows)
    yield made("lines_mixed", mixed, table)
    yield made(
        "lines_mixed_with_cr",
        "".join(Writing(newline=rng.choice(["\n", "\r\n", "\r"])).text([row]) for row in rows),
        table,
    )
    yield made("lines_end_of_file_sign", text + "\x1a", table)


def _before(table: Table, rng: random.Random) -> Made:
    for sign, delimiter in (("comma", ","), ("semicolon", ";")):
        writing = Writing(delimiter)
        text, pad = writing.text([HEADER, *table]), delimiter * (len(HEADER) - 1)
        before = {
            "title": "Vacancies of the quarter\n",
            "title_blank": "Vacancies of the quarter\n\n",
            "three_lines": "Vacancies\nPrinted by the office\nDraft\n\n",
            "ten_lines": "".join(f"Remark number {n} of the office\n" for n in range(10)),
            "title_padded": f"Vacancies{pad}\n",
            "title_padded_blank": f"Vacancies{pad}\n{pad}\n",
            "pairs": f"Printed on{delimiter}2025-01-31\nOffice{delimiter}Lisboa\n\n",
            "comments": "# made by a script\n# do not edit\n",
            "separator": f"sep={delimiter}\n",
            "blank_lines": "\n\n\n",
            "quoted_title": f'"Vacancies{delimiter} all offices"\n\n',
        }
        for name, words in before.items():
            yield made(f"before_{name}_{sign}", words + text, table)


def _behind(table: Table, rng: random.Random) -> Made:
    for sign, delimiter in (("comma", ","), ("semicolon", ";")):
        text = Writing(delimiter).text([HEADER, *table])
        behind = {
            "note": "Source: the office\n",
            "blank_note": "\nSource: the office\n",
            "three_notes": "\nSource: the office\nDraft\nNot for print\n",
            "comment": "# end\n",
            "count": "40 rows\n",
            "note_without_end": "\nSource: the office",
        }
        for name, words in behind.items():
            yield made(f"behind_{name}_{sign}", text + words, table)


def _headers(table: Table, rng: random.Random) -> Made:
    writing = Writing()
    body = writing.text(table)
    yield made("header_none", body, table, [])
    yield made("header_none_semicolon", Writing(";").text(table), table, [])
    yield made("header_none_all_quoted", Writing(everything=True).text(table), table, [])
    twice = [f"{name} {name}" for name in HEADER]
    yield made("header_twice", writing.text([HEADER, HEADER]) + body, table, twice)
    thrice = [f"{name} {name} {name}" for name in HEADER]
    yield made("header_three_times", writing.text([HEADER] * 3) + body, table, thrice)
    units = ["(day)", "", "", "", "(EUR)", "", ""]
    named = [" ".join(filter(None, pair)) for pair in zip(HEADER, units, strict=True)]
    yield made("header_units", writing.text([HEADER, units]) + body, table, named)
    variants = {
        "capitals": [name.upper() for name in HEADER],
        "blanks": [f" {name} " for name in HEADER],
        "snake": [f"job_{name}" for name in HEADER],
        "words": [f"The {name} of the job" for name in HEADER],
        "accents": ["publicação", "função", "empresa", "cidade", "salário", "observação", "código"],
        "with_commas": [f"{name}, as told" for name in HEADER],
        "with_quotes": [f'the "{name}"' for name in HEADER],
        "with_newline": [f"the\n{name}" for name in HEADER],
        "with_years": ["posted", "role", "employer", "town", "2024", "notes", "2025"],
        "one_empty": ["", *HEADER[1:]],
        "last_empty": [*HEADER[:-1], ""],
        "long": [name + " " + "x" * 150 for name in HEADER],
        "signs": ["posted*", "role?", "employer/firm", "town (city)", "amount €", "notes…", "ref #"],
        "camel": [f"job{name.title()}" for name in HEADER],
    }
    for name, header in variants.items():
        yield made(f"header_{name}", writing.text([header]) + body, table, header)
    yield made("header_all_quoted", Writing(everything=True).text([HEADER]) + body, table)
    numbered = [[str(n), *row] for n, row in enumerate(table)]
    yield made(
        "header_lacks_row_names", writing.text([HEADER]) + writing.text(numbered), numbered, ["", *HEADER]
    )
    yield made(
        "header_of_row_names_empty",
        writing.text([["", *HEADER]]) + writing.text(numbered),
        numbered,
        ["", *HEADER],
    )
    words = [[row[1], row[2], row[3], row[5] or "none"] for row in table]
    yield made(
        "header_over_words_alone",
        writing.text([[*HEADER[1:4], "notes"], *words]),
        words,
        [*HEADER[1:4], "notes"],
    )


def _ragged(table: Table, rng: random.Random) -> Made:
    writing = Writing()
    lines = [writing.row(row) for row in table]
    head = writing.text([HEADER])
    for column in range(1, len(HEADER)):
        at = rng.randrange(len(table))
        row = table[at]
        joined = [*row[: column - 1], row[column - 1] + row[column], *row[column + 1 :]]
        cells = [writing.cell(cell) for cell in row]
        if cells[column - 1].startswith('"') or cells[column].startswith('"'):
            continue
        less = [*lines]
        less[at] = writing.delimiter.join(
            [*cells[: column - 1], cells[column - 1] + cells[column], *cells[column + 1 :]]
        )
        records = [*table]
        records[at] = joined
        yield made(f"ragged_less_{column}", head + "\n".join(less) + "\n", records)
    for column in range(len(HEADER)):
        at = rng.randrange(len(table))
        longer = [*table[at][:column], "", *table[at][column:]]
        more, records = [*lines], [*table]
        more[at], records[at] = writing.row(longer), longer
        yield made(f"ragged_more_{column}", head + "\n".join(more) + "\n", records)
    for count in (1, 3, 12):
        at = rng.randrange(len(table))
        more = [*lines]
        more[at] += "," * count
        yield made(f"ragged_{count}_empty_at_end", head + "\n".join(more) + "\n", table)
    for keep in (1, 3, 6):
        at = rng.randrange(len(table))
        short, records = [*lines], [*table]
        short[at], records[at] = writing.row(table[at][:keep]), table[at][:keep]
        yield made(f"ragged_first_{keep}_only", head + "\n".join(short) + "\n", records)


def _stray_quotes(table: Table, rng: random.Random) -> Made:
    writing = Writing()
    head = writing.text([HEADER])
    for column in range(len(HEADER)):
        for kind in ("before", "inside", "behind"):
            at = rng.randrange(len(table))
            cells = [writing.cell(cell) for cell in table[at]]
            if cells[column].startswith('"') or len(cells[column]) < 2:
                at = next(
                    i
                    for i, row in enumerate(table)
                    if len(row[column]) > 2 and writing.cell(row[column]) == row[column]
                )
                cells = [writing.cell(cell) for cell in table[at]]
            text = cells[column]
            spoilt = {"before": '"' + text, "inside": text[:2] + '"' + text[2:], "behind": text + '"'}[kind]
            cells[column] = spoilt
            lines, records = [writing.row(row) for row in table], [*table]
            lines[at] = ",".join(cells)
            records[at] = [*table[at][:column], spoilt, *table[at][column + 1 :]]
            yield made(f"stray_quote_{kind}_{column}", head + "\n".join(lines) + "\n", records)


def _several_lines(table: Table, rng: random.Random) -> Made:
    for name, column, inside in (
        ("first_column", 0, "\n"), ("middle_column", 3, "\n"), ("last_column", 6, "\n"), ("crlf", 5, "\r\n"),
        ("blank_line", 5, "\n\n"), ("many", 5, "\n" * 30),
    ):  # fmt: skip
        rows = [[*row] for row in table]
        for at in rng.sample(range(len(rows)), 6):
            rows[at][column] = f"one{inside}two, three{inside}four"
        yield made(f"cell_of_several_lines_{name}", Writing().text([HEADER, *rows]), rows)


def _blank_lines(table: Table, rng: random.Random) -> Made:
    writing = Writing()
    lines = writing.text([HEADER, *table]).splitlines()
    yield made("blank_after_header", "\n".join([lines[0], "", *lines[1:]]) + "\n", table)
    yield made(
        "blank_between_some", "\n".join([*lines[:9], "", "", *lines[9:20], "", *lines[20:]]) + "\n", table
    )
    yield made("blank_of_spaces", "\n".join([*lines[:9], "   ", *lines[9:]]) + "\n", table)
    yield made("blank_first", "\n" + "\n".join(lines) + "\n", table)
    yield made("blank_between_crlf", "\r\n".join([*lines[:9], "", *lines[9:]]) + "\r\n", table)


def _several_tables(table: Table, rng: random.Random) -> Made:
    writing = Writing()
    more_head, less_head = [*HEADER, "grade"], HEADER[:4]
    more = [[*row, str(n)] for n, row in enumerate(table[:15])]
    less = [row[:4] for row in table[:15]]
    first = writing.text([HEADER, *table])
    for gap, name in (("", ""), ("\n", "_apart"), ("\nAnother list\n", "_titled")):
        titled = [["Another list"]] if name == "_titled" else []
        yield made(
            f"two_tables_more{name}",
            first + gap + writing.text([more_head, *more]),
            [*table, *titled, more_head, *more],
        )
        yield made(
            f"two_tables_less{name}",
            first + gap + writing.text([less_head, *less]),
            [*table, *titled, less_head, *less],
        )
        yield made(f"two_tables_same{name}", first + gap + first, [*table, *titled, HEADER, *table])


def _styles(table: Table, rng: random.Random) -> Made:
    def european(text: str) -> str:
        whole, cents = text.split(".")
        return f"{int(whole):,}".replace(",", ".") + "," + cents

    styles: dict[str, Callable[[str], str]] = {
        "decimal_comma": european,
        "thousands_comma": lambda text: f"{float(text):,.2f}",
        "swiss": lambda text: f"{float(text):,.2f}".replace(",", "'"),
        "blank_thousands": lambda text: f"{float(text):,.2f}".replace(",", " "),
        "dollars": lambda text: f"${float(text):,.0f}",
        "euros_behind": lambda text: european(text) + " €",
        "thousands_k": lambda text: f"{float(text) / 1000:.0f}k",
        "brackets": lambda text: f"({text})",
        "exponent": lambda text: f"{float(text):.3E}",
    }
    dates: dict[str, Callable[[str], str]] = {
        "day_first": lambda day: "/".join(reversed(day.split("-"))),
        "dots": lambda day: ".".join(reversed(day.split("-"))),
        "month_first": lambda day: f"{day[5:7]}/{day[8:]}/{day[:4]}",
        "with_time": lambda day: f"{day}T08:15:00Z",
        "compact": lambda day: day.replace("-", ""),
        "short_year": lambda day: f"{day[8:]}/{day[5:7]}/{day[2:4]}",
    }
    for sign, delimiter in (("comma", ","), ("semicolon", ";"), ("tab", "\t")):
        for name, change in styles.items():
            rows = [[*row[:4], change(row[4]), *row[5:]] for row in table]
            yield made(f"numbers_{name}_{sign}", Writing(delimiter).text([HEADER, *rows]), rows)
    for name, change in dates.items():
        rows = [[change(row[0]), *row[1:]] for row in table]
        yield made(f"dates_{name}", Writing().text([HEADER, *rows]), rows)


def _odd_content(table: Table, rng: random.Random) -> Made:
    contents = {
        "nul": "a\0b", "control": "a\x07b", "emoji": "🙂 ok", "right_to_left": "שלום", "no_break": "a\u00a0b",
        "mark_inside": "a\ufeffb", "long": "x" * 200_000, "tabs": "a\tb", "formula": "=1+1", "backslash": "C:\\new",
        "semicolons": "a;b;c", "pipes": "a|b", "markup": "<b>a</b>", "na": "N/A", "null": "NULL", "nan": "nan",
        "leading_zero": "007", "apostrophe": "it's", "percent": "50%", "link": "https://example.org/a?b=c&d=e",
    }  # fmt: skip
    for name, content in contents.items():
        rows = [[*row] for row in table]
        for at in rng.sample(range(len(rows)), 1 if len(content) > 999 else 8):
            rows[at][5] = content
        yield made(f"content_{name}", Writing().text([HEADER, *rows]), rows)
    padded = [[f"  {cell}  " for cell in row] for row in table]
    yield made("content_padded", Writing().text([HEADER, *padded]), table)


def _other_rows(table: Table, rng: random.Random) -> Made:
    lines = Writing().text([HEADER, *table]).splitlines()
    for name, sign in (("semicolon", ";"), ("tab", "\t"), ("pipe", "|")):
        at = next(i for i, row in enumerate(table) if not any("," in cell or '"' in cell for cell in row))
        other = sign.join(table[at])
        records = [*table]
        records[at] = [other]
        yield made(
            f"one_row_parted_by_{name}",
            "\n".join([*lines[: at + 1], other, *lines[at + 2 :]]) + "\n",
            records,
        )
    commented = [*lines[:12], "# half way", *lines[12:]]
    yield made("comment_among_rows", "\n".join(commented) + "\n", table)
    again = [*lines[:21], lines[0], *lines[21:]]
    yield made("header_again_among_rows", "\n".join(again) + "\n", [*table[:20], HEADER, *table[20:]])


def _sizes(table: Table, rng: random.Random) -> Made:
    writing = Writing()
    yield made("size_one_row", writing.text([HEADER, table[0]]), table[:1])
    yield made("size_two_rows", writing.text([HEADER, *table[:2]]), table[:2])
    yield made("size_one_row_semicolon", Writing(";").text([HEADER, table[3]]), table[3:4])
    pairs = [row[3:5] for row in table]
    yield made("size_two_columns", writing.text([HEADER[3:5], *pairs]), pairs, HEADER[3:5])
    single = [[row[6]] for row in table]
    yield made("size_one_column", writing.text([["ref"], *single]), single, ["ref"])
    wide_head = [f"field {n}" for n in range(300)]
    wide = [[str(rng.randint(0, 9999)) for _ in wide_head] for _ in range(12)]
    yield made("size_300_columns", writing.text([wide_head, *wide]), wide, wide_head)
    many = clean_table(rng, 4000)
    yield made("size_4000_rows", writing.text([HEADER, *many]), many)
    yield made("size_4000_rows_cr", Writing(newline="\r").text([HEADER, *many]), many)
