"""What a cell of an XLSX contains, as text. ECMA-376 part 1: 18.8.30 (number formats), 22.9.2.19 (escapes)."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache

DATES = {*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)}  # numbers of built-in formats of dates
SPAN = 46  # and of hours beyond a day
DAY = 86_400_000  # milliseconds
DAYS_END = 2_958_466  # the first day that is none any more
KEPT = 50_000  # contents of one kind of cell whose texts are remembered
_QUOTED = re.compile(r'"[^"]*"|\\.|_.')
_SPAN = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_BRACKETS = re.compile(r"\[[^\]]*\]")  # colours, conditions, locales
_DATE = re.compile("[dmyhs]", re.IGNORECASE)
ESCAPE = re.compile("_x00([0-9A-Fa-f]{2})_")  # others are left as they are, as the other reader does
BLANK = " \t\r\n"
Text = Callable[[object], str]


def unescaped(content: str) -> str:
    """With the signs that XML cannot hold: "_x000D_" is a carriage return."""
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)), content) if "_x" in content else content


def worded(content: str, attributes: dict[str, str]) -> str:
    """What a <t> says: blanks around it only where it asks for them."""
    return unescaped(content if attributes.get("xml:space") == "preserve" else content.strip(BLANK))


def time_of(code: str) -> str:
    """What a number format shows: "date" (or a time of day), "span" (of hours, minutes or seconds), or ""."""
    code = _QUOTED.sub("", code.partition(";")[0])
    return "span" if _SPAN.search(code) else "date" if _DATE.search(_BRACKETS.sub("", code)) else ""


class Texts(dict[str, str]):
    """Content → text, of cells of one type and format; lasting ones are remembered.

    same: the text is the content. whole: so it is with whole numbers.
    """

    def __init__(self, read: Callable[[str], str], *, same: bool = False, whole: bool = False) -> None:
        super().__init__()
        self.read, self.same, self.whole = read, same, whole

    def __missing__(self, content: str) -> str:
        text = self.read(content) if content else ""
        if not self.same:
            if len(self) >= KEPT:
                self.clear()
            self[content] = text
        return text


class Cells:
    """What cells hold, by their type and format.

    times: by number of cell format, "date", "span" or "". text: turns a value into text.
    """

    def __init__(self, epoch: datetime, times: list[str], shared: list[str], text: Text) -> None:
        self.times, self.text = times, text
        self.early = epoch.year == 1899  # then the format counts a 29 February 1900
        self.last = (datetime.max - epoch).days
        self._day = lru_cache(KEPT)(lambda days: text((epoch + timedelta(days)).date()))
        self._numbers = {
            "": Texts(self._number, whole=True),
            "date": Texts(self._moment),
            "span": Texts(lambda content: text(timedelta(days=float(content)))),
        }
        self._others = {
            "s": Texts(lambda content: shared[int(content)]),
            "b": Texts(lambda content: text(content.strip() in {"1", "true"})),
            "str": Texts(self._unescaped, same=True),
        }
        self._rest = Texts(text, same=True)

    def texts(self, attributes: dict[str, str]) -> Texts | None:
        """How cells with these attributes are read; None for errors, which are no values."""
        kind = attributes.get("t", "n")
        if kind == "n":
            return self._numbers[self._time(attributes.get("s", ""))]
        return None if kind == "e" else self._others.get(kind, self._rest)

    def _time(self, style: str) -> str:
        """Which kind of time numbers of that format are; "" where there is no such format."""
        number = int(style) if style.isdecimal() else 0
        return self.times[number] if number < len(self.times) else ""

    def _unescaped(self, content: str) -> str:
        return self.text(unescaped(content))

    def _number(self, content: str) -> str:
        return content if is_whole(content) else self.text(float(content))

    def _moment(self, content: str) -> str:
        """Days since the workbook's epoch as a date, a time or both; to the millisecond."""
        serial = float(content)
        if not 0 <= serial < DAYS_END:
            return self.text(serial)
        days, left = divmod(round((serial + (self.early and 1 <= serial < 60)) * DAY), DAY)
        if days > self.last:
            return self.text(serial)
        if serial < 1:
            return _clock(left)
        return f"{self._day(days)} {_clock(left)}" if left else self._day(days)


def _clock(left: int) -> str:
    """Milliseconds since midnight, as a time in ISO form."""
    seconds, left = divmod(left, 1000)
    minutes, seconds = divmod(seconds, 60)
    fraction = f".{left:03}000" if left else ""
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{fraction}"


def is_whole(content: str) -> bool:
    """Whether a number is written as it is shown: up to fifteen digits, no zeros ahead."""
    return (
        content.isdecimal()
        and content.isascii()
        and len(content) < 16
        and (content[0] != "0" or content == "0")
    )
