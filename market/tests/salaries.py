"""Salary rows for tests: seeded, skewed, with rows that have no rate, no date, no country."""

import datetime as dt

import numpy as np

from ingest.declarations import Arrays
from ingest.models import LINE_BITS
from market.models import Company, SalaryRecord, Stack, Title

TITLES = ("Data Engineer", "Senior Engineer", "Data Analyst", "Engineering Manager", "Nurse")
STACKS = ("", "Python,FastAPI,React", "Go,Postgres,Vue", "Java,Spring,Angular")
COUNTRIES = (0, 840, 826, 76, 620)  # unknown, US, GB, BR, PT
DAY0 = dt.date(2022, 1, 1)


def names_made() -> dict[str, list[int]]:
    """Ids of the titles, stacks and companies that rows refer to."""
    return {
        "title_id": [Title.objects.get_or_create(name=name)[0].pk for name in TITLES],
        "stack_id": [Stack.objects.get_or_create(name=name)[0].pk if name else 0 for name in STACKS],
        "company_id": [Company.objects.get_or_create(name=f"Company {i}")[0].pk for i in range(4)],
    }


def columns_made(rows: int, *, seed: int = 1, import_id: int = 1, first_line: int = 2) -> Arrays:
    """Column arrays as a load hands them to listeners."""
    rng = np.random.default_rng(seed)
    names = names_made()
    pay = (rng.lognormal(11.5, 0.5, rows) * 100).astype(np.int64)
    days = np.datetime64(DAY0) + rng.integers(0, 900, rows)
    columns: Arrays = {
        "id": (np.int64(import_id) << LINE_BITS) + np.arange(first_line, first_line + rows),
        "pay_year_usd": np.where(rng.random(rows) < 0.05, 0, pay),
        "country_id": rng.choice(COUNTRIES, rows).astype(np.int16),
        "seniority": rng.integers(0, 8, rows).astype(np.int16),
        "day": np.where(rng.random(rows) < 0.1, np.datetime64("NaT"), days),
    }
    return columns | {name: rng.choice(ids, rows).astype(np.int32) for name, ids in names.items()}


def rows_stored(columns: Arrays) -> None:
    """Put the rows of column arrays into the table."""
    SalaryRecord.objects.bulk_create(
        [
            SalaryRecord(
                id=int(columns["id"][i]),
                pay=int(columns["pay_year_usd"][i]) / 100,
                pay_year_usd=int(columns["pay_year_usd"][i]) / 100,
                currency_id=840,
                day=columns["day"][i].item(),
                **{
                    name: int(columns[name][i])
                    for name in ("title_id", "stack_id", "company_id", "country_id", "seniority")
                },
            )
            for i in range(len(columns["id"]))
        ]
    )
