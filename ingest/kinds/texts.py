"""Text as it is, and text that is kept once in a small table."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, models
from django.utils.translation import gettext as _
from psycopg import sql

from ingest import reasons
from ingest.declarations import Style, Verdicts

KNOWN_MAX = 200_000  # names whose ids are kept in memory during a load, per column
TOO_LONG = reasons.number("too_long")
_LETTERS = re.compile(r"[^\W\d_]{2}")  # Arrow takes 3 ms to compile the like, at each call


def _plain(texts: pa.StringArray) -> pa.StringArray:
    """Every run of white space as one blank."""
    if pc.any(pc.match_substring_regex(texts, r"\s\s|[\t\r\n\f\v]")).as_py():
        return pc.replace_substring_regex(texts, r"\s+", " ")
    return texts


def _looks_wordy(texts: pa.StringArray) -> float:
    """The share of spellings that hold letters."""
    return sum(_LETTERS.search(text) is not None for text in texts.to_pylist()) / max(len(texts), 1)


@dataclass(frozen=True, kw_only=True)
class Text:
    """Free text of at most `max_length` characters; the output is an object array."""

    max_length: int = 300
    outputs = ("",)
    blank = ""

    def clean(self, texts: pa.StringArray, style: Style, attname: str) -> Verdicts:
        texts = _plain(texts)
        codes = np.where(np.asarray(pc.utf8_length(texts)) > self.max_length, TOO_LONG, 0).astype(np.uint8)
        return Verdicts({attname: texts.to_numpy(zero_copy_only=False)}, codes)

    def fit(self, texts: pa.StringArray) -> float:
        return 0.5 * _looks_wordy(texts)

    def help(self, text: str) -> str:
        return _("at most %(n)d characters") % {"n": self.max_length}


@dataclass(frozen=True, kw_only=True)
class Lookup(Text):
    """Text whose distinct values live in a small table; the output is their ids, 0 = empty.

    separators: characters that part a list ("Node; React"); it is stored parted by commas.
    `clean` gives the names; `ids` finds or makes their rows, outside the load's transaction.
    """

    model: type[models.Model]
    field_name: str = "name"
    separators: str = ""

    def clean(self, texts: pa.StringArray, style: Style, attname: str) -> Verdicts:
        if self.separators:
            pattern = r"(?:\s*[" + self.separators + r"]\s*)+"
            texts = pc.utf8_trim(pc.replace_substring_regex(texts, pattern, ","), ", ")
        return super().clean(texts, style, attname)

    def ids(self, names: list[str], known: dict[str, int]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        """The id of each name; missing names are inserted and committed. `known` remembers them."""
        wanted = sorted({name for name in names if name and name not in known})
        found: dict[str, int] = {}
        if wanted:
            found = self._find(wanted)
            missing = [name for name in wanted if name not in found]
            if missing:
                self._insert(missing)
                found |= self._find(missing)
            if len(known) + len(found) <= KNOWN_MAX:
                known |= found
        every = {"": 0} | found
        return np.fromiter(
            (every[name] if name in every else known[name] for name in names), np.int32, count=len(names)
        )

    def _names(self) -> dict[str, sql.Composable]:
        meta = self.model._meta
        return {
            "table": sql.Identifier(meta.db_table),
            "id": sql.Identifier(str(meta.pk.column)),
            "name": sql.Identifier(str(getattr(meta.get_field(self.field_name), "column", ""))),
        }

    def _find(self, names: list[str]) -> dict[str, int]:
        query = sql.SQL("SELECT {name}, {id} FROM {table} WHERE {name} = ANY(%s)").format(**self._names())
        with connection.cursor() as cursor:
            cursor.execute(query.as_string(), [names])
            return dict(cursor.fetchall())

    def _insert(self, names: list[str]) -> None:
        query = sql.SQL("INSERT INTO {table} ({name}) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING")
        with connection.cursor() as cursor:
            cursor.execute(query.format(**self._names()).as_string(), [names])
