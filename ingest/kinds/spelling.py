"""Spellings made comparable, and the nearest known one."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import fuzz, process

_DROPPED = re.compile(r"[.'\u2019`\u00b4]")
_APART = re.compile(r"[\W_]+")


@lru_cache(maxsize=65536)
def folded(text: str) -> str:
    """Without case, accents, dots; other signs are one blank: "São Tomé & Príncipe" → "sao tome principe"."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return _APART.sub(" ", _DROPPED.sub("", plain)).strip()


def nearest(text: str, known: Iterable[str], *, cutoff: float = 72) -> str:
    """The known folded spelling that looks most like `text`, or "" where none is near."""
    found = process.extractOne(folded(text[:100]), list(known), scorer=fuzz.ratio, score_cutoff=cutoff)
    return found[0] if found else ""
