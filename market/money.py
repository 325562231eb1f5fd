"""Amounts as people read them: in the currency and per the period they asked for."""

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from django.utils.translation import gettext as _

from market import reference
from market.fx import ecb_rates
from market.models import FxRate
from skillora.lib.errors import DomainError

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "BRL": "R$ ", "MXN": "MX$ ", "JPY": "¥", "INR": "₹"}
OFFERED = ("BRL", "EUR", "GBP", "MXN")
_SHORT = ((1_000_000, "M"), (1_000, "k"))


@dataclass(frozen=True)
class Unit:
    """What figures are shown in. per_usd: units of the currency for a dollar; day: of that rate, None for dollars."""

    currency: str = "USD"
    per: str = "year"
    per_usd: Fraction = Fraction(1)
    day: dt.date | None = None

    @property
    def factor(self) -> Fraction:
        """Displayed units per cent of yearly dollars."""
        return self.per_usd / (1200 if self.per == "month" else 100)

    def amount(self, cents: Fraction | int) -> float:
        """Cents of yearly dollars as displayed units, to the hundredth, half to even."""
        return float(round(cents * self.factor, 2))

    def cents(self, amount: float) -> int:
        """Displayed units as cents of yearly dollars, rounded up: the first value that counts as `amount`."""
        exact = Fraction(amount) / self.factor
        return -((-exact.numerator) // exact.denominator)

    def words(self, amount: float) -> str:
        """$104,608"""
        return f"{self._sign}{amount:,.0f}"

    def short(self, amount: float) -> str:
        """$105k"""
        for size, letter in _SHORT:
            if abs(amount) >= size * 0.9995:
                scaled = amount / size
                digits = (
                    f"{scaled:.0f}"
                    if scaled >= 100 or abs(scaled - round(scaled)) < 0.05
                    else f"{scaled:.1f}"
                )
                return f"{self._sign}{digits}{letter}"
        return f"{self._sign}{amount:.0f}"

    @property
    def _sign(self) -> str:
        return SIGNS.get(self.currency, f"{self.currency}\N{NO-BREAK SPACE}")

    @property
    def reading(self) -> str:
        """What a page says about its figures."""
        what = _("Monthly gross pay") if self.per == "month" else _("Yearly gross pay")
        if self.day is None:
            return _("%(what)s in US dollars, each row converted at the rate of its own date.") % {
                "what": what
            }
        return _("%(what)s in %(currency)s, at %(rate)s for a US dollar, the rate of %(day)s.") % {
            "what": what,
            "currency": self.currency,
            "rate": f"{float(self.per_usd):.4g}",
            "day": self.day.isoformat(),
        }


def unit(currency: str = "USD", per: str = "year") -> Unit:
    """The unit of a currency at its newest rate; DomainError where there is none."""
    if currency == "USD":
        return Unit(per=per)
    pk = {code: pk for pk, (code, _name) in reference.currencies().items()}.get(currency)
    newest = _newest(pk) if pk else None
    if newest is None:
        raise DomainError(
            _("There is no exchange rate of %(currency)s; use USD.") % {"currency": currency}, code="no_rate"
        )
    day, per_usd = newest
    return Unit(currency, per, Fraction(per_usd).limit_denominator(10**9), day)


def _newest(pk: int) -> tuple[dt.date, float] | None:
    """(day, units per dollar): imported or used by a load, otherwise the European Central Bank's."""
    stored = FxRate.objects.filter(currency_id=pk, per_usd__gt=0).order_by("-day")
    if found := stored.values_list("day", "per_usd").first():
        return found
    days, rates = ecb_rates(pk)
    return (days[0].item(), float(rates[0])) if len(days) else None


def currencies() -> list[str]:
    """Codes that pages offer: dollars, some that always have a rate, and all that a load has needed."""
    rated = FxRate.objects.values_list("currency__code", flat=True).distinct()
    return ["USD", *sorted({*OFFERED, *rated} - {"USD"})]
