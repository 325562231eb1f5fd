"""The world outside: what work pays. Names are kept once, in small tables; a row holds their ids.

Id 0 of every small table is "unknown". The big table has one key, which is its lineage (ingest.models.row_id),
and no enforced foreign keys: values are checked while cleaning (docs/adr/0003).
"""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from ingest.models import row_origin
from skillora.lib.fields import CentsField


class Name(models.Model):
    """A small table of distinct spellings; four bytes an id, because a big table holds four of them a row."""

    id = models.AutoField(primary_key=True)
    name = models.CharField(max_length=300, unique=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name or str(_("unknown"))


class Title(Name):
    """A job title as files write it, outer blanks removed."""


class Company(Name):
    """An employer."""


class City(Name):
    """A place below the country."""


class Stack(Name):
    """A set of skills named together, comma-separated: "Node,Express,React"."""


class Country(models.Model):
    """ISO 3166-1; the id is the numeric code."""

    id = models.SmallIntegerField(primary_key=True)
    code = models.CharField(max_length=2, unique=True)
    name = models.CharField(max_length=100)

    class Meta:
        verbose_name_plural = _("countries")

    def __str__(self) -> str:
        return self.name or str(_("unknown"))


class Currency(models.Model):
    """ISO 4217; the id is the numeric code."""

    id = models.SmallIntegerField(primary_key=True)
    code = models.CharField(max_length=3, unique=True)
    name = models.CharField(max_length=100)

    class Meta:
        verbose_name_plural = _("currencies")

    def __str__(self) -> str:
        return self.code or str(_("unknown"))


class FxRate(models.Model):
    """How many units of `currency` one US dollar bought on `day`. Source: ECB reference rates, or an import."""

    currency = models.ForeignKey(Currency, on_delete=models.CASCADE, related_name="rates")
    day = models.DateField()
    per_usd = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["currency", "day"], name="market_fxrate_once")]

    def __str__(self) -> str:
        return f"{self.currency_id} {self.day}: {self.per_usd}"


class Seniority(models.IntegerChoices):
    UNKNOWN = 0, _("unknown")
    INTERN = 1, _("Intern")
    JUNIOR = 2, _("Junior")
    MID = 3, _("Mid")
    SENIOR = 4, _("Senior")
    STAFF = 5, _("Staff")
    LEAD = 6, _("Lead")
    EXECUTIVE = 7, _("Executive")


class Period(models.IntegerChoices):
    """What the pay is for. A year is 12 months, 52 weeks, 260 days, 2,080 hours."""

    YEAR = 1, _("year")
    MONTH = 2, _("month")
    WEEK = 3, _("week")
    DAY = 4, _("day")
    HOUR = 5, _("hour")


def small(model: type[models.Model]) -> Any:
    """A reference to a small table: checked while cleaning, not by the database, not indexed."""
    return models.ForeignKey(
        model, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, default=0, related_name="+"
    )


class SalaryRecord(models.Model):
    """One row of pay data. `pay` is as the file says it; `pay_year_usd` is what percentiles use, 0 = no rate."""

    id = models.BigIntegerField(primary_key=True)
    title = small(Title)
    company = small(Company)
    city = small(City)
    stack = small(Stack)
    country = small(Country)
    currency = small(Currency)
    seniority = models.SmallIntegerField(_("seniority"), choices=Seniority.choices, default=Seniority.UNKNOWN)
    period = models.SmallIntegerField(_("pay period"), choices=Period.choices, default=Period.YEAR)
    pay = CentsField(_("pay"))
    pay_max = CentsField(_("pay, upper end"), default=0)  # 0: a single figure, not a range
    pay_year_usd = CentsField(_("yearly pay in US dollars"), default=0)
    day = models.DateField(_("date"), null=True, blank=True)

    class Meta:
        verbose_name = _("salary record")
        verbose_name_plural = _("salary records")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.title}: {self.pay} {self.currency}"

    @property
    def import_id(self) -> int:
        return row_origin(self.pk)[0]

    @property
    def line(self) -> int:
        return row_origin(self.pk)[1]
