"""Rates of exchange: each row gets the last rate known on its day, in whatever order days come."""

import numpy as np
import pytest

from market.fx import USD, Rates, ecb_rates

EUR, BRL, COP = 978, 986, 170
pytestmark = pytest.mark.django_db


def days(*texts: str) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return np.array(texts, "datetime64[D]")


def expected(currency: int, day: str) -> float:
    known, rates = ecb_rates(currency)  # newest first
    before = np.flatnonzero(known <= np.datetime64(day))
    return float(rates[before[0]] if len(before) else rates[-1])


def test_rates_of_days_that_come_in_any_order() -> None:
    rates = Rates()
    asked = ["2024-07-06", "2001-02-03", "2023-12-25", "1980-01-01"]  # a Saturday; back; on; before the first
    for day in asked:
        found = rates.per_usd(np.array([EUR, BRL, USD]), days(day, day, day))
        assert found.tolist() == pytest.approx([expected(EUR, day), expected(BRL, day), 1.0])


def test_rates_without_a_day_are_the_newest() -> None:
    found = Rates().per_usd(np.array([EUR, EUR]), days("NaT", "2010-05-05"))
    assert found.tolist() == pytest.approx([ecb_rates(EUR)[1][0], expected(EUR, "2010-05-05")])


@pytest.mark.parametrize("currency", [0, COP], ids=["none", "not one of the ECB's"])
def test_rates_of_a_currency_that_nobody_quotes(currency: int) -> None:
    found = Rates().per_usd(np.array([currency, EUR]), days("2024-01-01", "2024-01-01"))
    assert found.tolist() == pytest.approx([np.nan, expected(EUR, "2024-01-01")], nan_ok=True)
