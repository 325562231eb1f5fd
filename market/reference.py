"""The rows of small tables that are always there: unknown (id 0), ISO 3166-1 countries, ISO 4217 currencies.

Written after each `migrate` (and after each flush of the test database); present rows stay as they are.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pycountry
from django.db import models

from market.models import City, Company, Country, Currency, Stack, Title

NAMES: tuple[type[models.Model], ...] = (Title, Company, City, Stack)
EXTRA_COUNTRIES = {983: ("XK", "Kosovo")}  # a user-assigned code that files do use


@cache
def countries() -> Mapping[int, tuple[str, str]]:
    """Numeric id → (two-letter code, English name); 0 is unknown."""
    known = {int(c.numeric): (c.alpha_2, getattr(c, "common_name", c.name)) for c in pycountry.countries}
    return {0: ("", "")} | known | EXTRA_COUNTRIES


@cache
def currencies() -> Mapping[int, tuple[str, str]]:
    """Numeric id → (three-letter code, English name); 0 is unknown."""
    return {0: ("", "")} | {int(c.numeric): (c.alpha_3, c.name) for c in pycountry.currencies}


def reference_ensure(using: str = "default", **signal: Any) -> None:
    """Insert what is missing; a receiver of post_migrate."""
    for model in NAMES:
        model._default_manager.using(using).bulk_create([model(id=0, name="")], ignore_conflicts=True)
    tables: tuple[tuple[type[models.Model], Mapping[int, tuple[str, str]]], ...] = (
        (Country, countries()),
        (Currency, currencies()),
    )
    for table, rows in tables:
        table._default_manager.using(using).bulk_create(
            [table(id=pk, code=code, name=name) for pk, (code, name) in rows.items()], ignore_conflicts=True
        )
