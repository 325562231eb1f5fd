"""The tables of the labour market that files are loaded into."""

import numpy as np
from django.db.models import IntegerChoices
from django.utils.translation import gettext_lazy as _

from ingest.declarations import Arrays, Column, Dataset, Derive, register
from ingest.kinds import Choice, CodeList, Date, Lookup, Money
from market import aliases
from market.fx import USD, Rates
from market.headers import called
from market.hints import PAY_HINTS, pay_signs
from market.models import City, Company, Period, SalaryRecord, Seniority, Stack, Title
from market.reference import countries, currencies
from market.samples import salary_sample

PER_YEAR = {Period.YEAR: 1, Period.MONTH: 12, Period.WEEK: 52, Period.DAY: 260, Period.HOUR: 2080}
_PERIOD_FACTORS = np.array([PER_YEAR.get(Period(n), 1) if n else 1 for n in range(6)], np.int64)
_YEARLY_MAX = 2**53  # cents

COUNTRY = CodeList(
    known=aliases.country_spellings,
    names=lambda: {pk: name for pk, (_code, name) in countries().items()},
    reason="unknown_country",
)
CURRENCY = CodeList(
    known=aliases.currency_spellings,
    names=lambda: {pk: code for pk, (code, _name) in currencies().items()},
    reason="unknown_currency",
)


def _names(choices: type[IntegerChoices]) -> dict[int, str]:
    return {int(number): str(label) for number, label in choices.choices}


def yearly_pay() -> Derive:
    """Adds pay_year_usd: cents a year in US dollars, of a range its middle; 0 where no rate is known.

    A row without a currency has that of the sign beside its amount, else US dollars.
    """
    rates = Rates()

    def derive(columns: Arrays) -> Arrays:
        end = np.where(columns["pay_to"] > 0, columns["pay_to"], columns["pay_max"])
        end = np.where(end > columns["pay"], end, 0)
        pay = np.where(end > 0, (columns["pay"] + end) / 2, columns["pay"]).astype(np.float64)
        currency = columns["currency_id"]
        currency = np.where(currency > 0, currency, columns["pay_sign"])
        currency = np.where(currency > 0, currency, USD)
        yearly = pay * _PERIOD_FACTORS[columns["period"]]
        yearly /= rates.per_usd(currency, columns["day"])
        known = np.isfinite(yearly) & (yearly < _YEARLY_MAX)
        return {
            "currency_id": currency,
            "pay_max": end,
            "pay_year_usd": np.where(known, np.rint(np.where(known, yearly, 0)), 0).astype(np.int64),
        }

    return derive


SALARY_RECORDS = register(
    Dataset(
        slug="salary_records",
        title=_("Salary records"),
        model=SalaryRecord,
        apart=True,
        answers_url="market:salary-list",
        rows_url="market:salary-rows",
        deriving=yearly_pay,
        sample=salary_sample,
        columns=(
            Column(
                name="title",
                label=_("Title"),
                kind=Lookup(model=Title),
                attname="title_id",
                required=True,
                guesses=called("title"),
            ),
            Column(
                name="salary",
                label=_("Pay"),
                kind=Money(signs=pay_signs()),
                attname="pay",
                required=True,
                guesses=called("salary"),
                hints=PAY_HINTS,
                help_text=_("An amount or a range, e.g. 85000, 1.234,56, $120k, 120-150k."),
            ),
            Column(
                name="currency",
                label=_("Currency"),
                kind=CURRENCY,
                attname="currency_id",
                guesses=called("currency"),
                help_text=_(
                    "A code such as BRL, or a name. Where it is empty, the sign beside the amount decides "
                    "(R$, €); else US dollars."
                ),
            ),
            Column(
                name="country",
                label=_("Country"),
                kind=COUNTRY,
                attname="country_id",
                guesses=called("country"),
                help_text=_("A name in English, Portuguese or Spanish, or a code: Brasil, BR, BRA."),
            ),
            Column(
                name="seniority",
                label=_("Seniority"),
                kind=Choice(_names(Seniority), aliases.seniority_spellings()),
                guesses=called("seniority"),
            ),
            Column(
                name="stack",
                label=_("Stack"),
                kind=Lookup(model=Stack, separators=",;|"),
                attname="stack_id",
                guesses=called("stack"),
                help_text=_("Skills, parted by commas, semicolons or bars."),
            ),
            Column(
                name="period",
                label=_("Pay period"),
                kind=Choice(_names(Period), aliases.period_spellings()),
                default="year",
                guesses=called("period"),
                help_text=_("Year, month, week, day or hour; a year where it is empty."),
            ),
            Column(
                name="salary_max",
                label=_("Pay, upper end"),
                kind=Money(),
                attname="pay_to",
                guesses=called("salary_max"),
                hints=PAY_HINTS,
            ),
            Column(
                name="company",
                label=_("Company"),
                kind=Lookup(model=Company),
                attname="company_id",
                guesses=called("company"),
            ),
            Column(
                name="city",
                label=_("City"),
                kind=Lookup(model=City),
                attname="city_id",
                guesses=called("city"),
            ),
            Column(
                name="date",
                label=_("Date"),
                kind=Date(),
                attname="day",
                guesses=called("date"),
                help_text=_("A day, a month (2025-06) or a year."),
            ),
        ),
    )
)
