"""Files as people have them, the same for the same seed."""

import csv
import random
from pathlib import Path

import openpyxl

HEADER = ("Job title", "Salary", "Currency", "Country", "Experience level", "Tech stack", "Notes")
TITLES = ("Data Engineer", "Data Scientist", "Product Designer", "Backend Engineer")
COUNTRIES = ("US", "BR", "Portugal", "GB")
LEVELS = ("Senior", "Mid", "Junior")
STACKS = ("Python,FastAPI,React", "Java,Spring", "Go,Postgres,Vue")
BAD_PAY = ("abc", "n/a", "", "free lunch", "-5")


def rows(good: int = 55, bad: int = 5, seed: int = 1) -> list[tuple[str, ...]]:
    """`good` rows that load and then `bad` ones without a pay that can be read."""
    rng = random.Random(seed)
    made = []
    for number in range(good + bad):
        pay = str(rng.randrange(40_000, 210_000, 500)) if number < good else BAD_PAY[number % len(BAD_PAY)]
        where = (rng.choice(COUNTRIES), rng.choice(LEVELS), rng.choice(STACKS))
        made.append((rng.choice(TITLES), pay, "USD", *where, f"note {number}" if number % 3 else ""))
    return made


def csv_file(path: Path, content: list[tuple[str, ...]], delimiter: str = ";") -> Path:
    """A CSV with HEADER."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([HEADER, *content])
    return path


def xlsx_file(path: Path, content: list[tuple[str, ...]]) -> Path:
    """A workbook of one sheet with HEADER on its first row; pay as numbers, where it is one."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (HEADER, *content):
        sheet.append([int(cell) if cell.isdecimal() else cell or None for cell in row])
    book.save(path)
    return path
