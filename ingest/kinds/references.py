"""Numbers of rows in another table, which have to be there."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from django.db import models
from django.utils.functional import Promise
from psycopg import sql

from ingest import reasons
from ingest.declarations import Keys, Style, Verdicts
from ingest.kinds.integers import Integer
from skillora.lib.arrays import array_said
from skillora.lib.prepared import asked


@dataclass(frozen=True, kw_only=True)
class References(Integer):
    """The key of a stored row of `model`; the output is int64, 0 = empty.

    dataset: the slug of the dataset that fills `model`: files for it are loaded before. reason: the code of a
    number that is not there, made with `reasons.value_reason`. remedy: what to do then, with %(id)s.
    """

    model: type[models.Model]
    dataset: str
    reason: str
    remedy: str | Promise
    low: int = 1

    def clean(self, texts: pa.StringArray, style: Style, attname: str) -> Verdicts:
        verdicts = super().clean(texts, style, attname)
        numbers, codes = verdicts.outputs[attname], verdicts.codes
        wanted = np.unique(numbers[codes == 0])
        if not len(wanted):
            return verdicts
        stored = self._stored(wanted)
        if len(stored) < len(wanted):
            codes[(codes == 0) & ~np.isin(numbers, stored)] = reasons.number(self.reason)
        return verdicts

    def fit(self, texts: pa.StringArray) -> float:
        """Numbers that could be keys; whether they are stored yet says nothing about the column."""
        return float(np.mean(super().clean(texts, Style(), "").codes == 0)) if len(texts) else 0.0

    def number(self, text: str) -> int | None:
        """The key that a cell says, whether its row is stored or not; None where it says none."""
        verdict = super().clean(pa.array([text.strip()]), Style(), "")
        return None if verdict.codes[0] else int(verdict.outputs[""][0])

    def help(self, text: str) -> str:
        number = self.number(text)
        return super().help(text) if number is None else str(self.remedy) % {"id": number}

    def stored(self, most: int) -> list[tuple[int, str]]:
        """The keys and names of all rows, by key; none where there are more than `most`."""
        rows = list(self.model._default_manager.order_by("pk")[: most + 1])
        return [(row.pk, str(row)) for row in rows] if len(rows) <= most else []

    def _stored(self, wanted: Keys) -> Keys:
        """Those of the sorted numbers that are in the table, committed."""
        meta = self.model._meta
        query = sql.SQL("SELECT {key} FROM {table} WHERE {key} = ANY(%s::bigint[])").format(
            key=sql.Identifier(str(meta.pk.column)), table=sql.Identifier(meta.db_table)
        )
        return np.array([key for (key,) in asked(query.as_string(), [array_said(wanted)])], np.int64)
