"""Why a value or a line does not load: stable codes for programs, messages and fixes for people.

A verdict array holds a reason's position in REASONS; 0 is good.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Reason:
    """One reason. `message` says what is wrong with a value, `fix` what a person can do."""

    code: str
    message: str | Promise
    fix: str | Promise


_PERIOD_APART = _(
    "Write the amount alone, e.g. 85000 or 85,000.50; currency and period have columns of their own."
)

REASONS: list[Reason] = [
    Reason("good", "", ""),
    Reason("required", _("is empty"), _("Fill it in, or map another column.")),
    Reason("too_long", _("is too long"), _("Shorten it.")),
    Reason(
        "unreadable_text",
        _("holds characters that cannot be read"),
        _("Save the file as UTF-8 and try again."),
    ),
    Reason("not_an_amount", _("is not an amount of money"), _PERIOD_APART),
    Reason("amount_not_positive", _("is not more than zero"), _("Pay is a positive amount.")),
    Reason("amount_too_large", _("is too large to be pay"), _("Check for digits too many.")),
    Reason(
        "amount_ambiguous",
        _("can be read two ways"),
        _("Say which sign marks decimals, or write two decimals."),
    ),
    Reason("range_reversed", _("is a range whose end is below its start"), _("Swap the two amounts.")),
    Reason("unknown_value", _("is not one of the known values"), _("Use one of the known values.")),
    Reason("unknown_country", _("is not a known country"), _("Use its name or its two-letter code.")),
    Reason("unknown_currency", _("is not a known currency"), _("Use its three-letter code, e.g. USD.")),
    Reason("not_a_date", _("is not a date"), _("Write it as 2025-06-30, or 2025-06, or 2025.")),
    Reason("date_ambiguous", _("can be day/month or month/day"), _("Say which comes first in the mapping.")),
    Reason("date_out_of_range", _("is too far from today"), _("Check the year.")),
    Reason("not_an_integer", _("is not a whole number"), _("Write digits only.")),
    Reason("integer_out_of_range", _("is out of range"), _("Check for digits too many.")),
    Reason("not_a_time", _("is not a time"), _("Write it as 2021-07-27T16:02:08Z.")),
]
_position = {reason.code: i for i, reason in enumerate(REASONS)}
_unreadable_line = Reason(
    "unreadable_line", _("The line cannot be read"), _("Compare it with the lines around it.")
)
_lines = {
    reason.code: reason
    for reason in (
        Reason(
            "ragged_line",
            _("The line has more or fewer cells than the header"),
            _("Empty the cells that are too many; most often a text holds a separator and is not in quotes."),
        ),
        Reason(
            "line_too_long",
            _("The line is too long to be a row"),
            _("Most often a quote is not closed: close it in the file, and load that again."),
        ),
    )
}


def number(code: str) -> int:
    """The position of a value's reason, for verdict arrays."""
    return _position[code]


def value_reason(code: str, message: str | Promise, fix: str | Promise) -> str:
    """Make a domain's own reason known for values; called where its datasets are declared. Gives the code back."""
    if code not in _position:
        _position[code] = len(REASONS)
        REASONS.append(Reason(code, message, fix))
    return code


def line_reason(code: str, message: str | Promise, fix: str | Promise) -> str:
    """Make a reason known that holds for whole lines (readers have some); gives the code back."""
    _lines[code] = Reason(code, message, fix)
    return code


def reason(code: str) -> Reason:
    """The reason behind a stored code; a general one for codes of older versions."""
    if code in _position:
        return REASONS[_position[code]]
    return _lines.get(code, _unreadable_line)
