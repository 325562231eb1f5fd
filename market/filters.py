"""The filters of salary pages and reports: what stands in the URL, and which codes of the index it means."""

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django import forms
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from analytics.index import data_version
from market.datasets import COUNTRY
from market.models import Company, Country, SalaryRecord, Seniority, Stack, Title

DATASET = "salary_records"
LEVELS = {level.name.lower(): level for level in Seniority}
MONTH = r"^(19|20)\d\d-(0[1-9]|1[0-2])$"
_FIRST, _LAST = (1900, 1), (2099, 12)


def _month(label: Any) -> forms.RegexField:
    return forms.RegexField(
        MONTH, required=False, max_length=7, label=label, error_messages={"invalid": _("use YYYY-MM")}
    )


class SalaryFilters(forms.Form):
    """Every field may be empty. Texts are found anywhere in a name, whatever their case."""

    title = forms.CharField(required=False, max_length=200, label=_("Title"))
    country = forms.CharField(required=False, max_length=100, label=_("Country"))
    seniority = forms.ChoiceField(
        required=False,
        label=_("Seniority"),
        choices=[("", _("All")), *((k, v.label) for k, v in LEVELS.items())],
    )
    stack = forms.CharField(required=False, max_length=300, label=_("Stack"))
    company = forms.CharField(required=False, max_length=200, label=_("Company"))
    since = _month(_("From"))
    until = _month(_("To"))
    currency = forms.RegexField(r"^[A-Za-z]{3}$", required=False, max_length=3, label=_("Show in"))
    per = forms.ChoiceField(
        required=False, label=_("Per"), choices=[("", _("Year")), ("year", _("Year")), ("month", _("Month"))]
    )

    def clean_currency(self) -> str:
        """Upper case; dollars where nothing is asked for."""
        return str(self.cleaned_data["currency"] or "USD").upper()

    def clean_per(self) -> str:
        """The year where nothing is asked for."""
        return str(self.cleaned_data["per"] or "year")

    def clean(self) -> dict[str, Any]:
        """Refuses a span that ends before it begins."""
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("until", _("ends before it begins"))
        return cleaned


Params = Mapping[str, Any]


def codes_wanted(params: Params, version: str) -> dict[str, frozenset[int]]:
    """Dimension of the index → codes that pass at this data version; only dimensions with a filter."""
    wanted: dict[str, frozenset[int]] = {}
    for name, model in (("title", Title), ("stack", Stack), ("company", Company)):
        if text := params.get(name):
            wanted[name] = _named(model, text, version)
    if text := params.get("country"):
        wanted["country"] = countries_meant(text)
    if text := params.get("seniority"):
        wanted["seniority"] = frozenset([int(LEVELS[text])])
    if params.get("since") or params.get("until"):
        first, last = (
            _month_of(params.get(n), default) for n, default in (("since", _FIRST), ("until", _LAST))
        )
        wanted["month"] = frozenset(range(first[0] * 12 + first[1] - 1, last[0] * 12 + last[1]))
    return wanted


def _month_of(text: str | None, default: tuple[int, int]) -> tuple[int, int]:
    return (int(text[:4]), int(text[5:])) if text else default


@lru_cache(maxsize=512)
def _named(model: type[models.Model], text: str, version: str) -> frozenset[int]:
    """Ids of the names that contain `text`; kept for as long as the data is the same."""
    found = model._default_manager.filter(name__icontains=text).exclude(pk=0)
    return frozenset(found.values_list("pk", flat=True))


@lru_cache(maxsize=512)
def countries_meant(text: str) -> frozenset[int]:
    """Ids of what a code, name or alias stands for; else of all names that contain `text`."""
    if known := COUNTRY.number(text):
        return frozenset([known])
    found = Country.objects.filter(name__icontains=text).exclude(pk=0)
    return frozenset(found.values_list("pk", flat=True))


def rows_wanted(params: Params) -> models.QuerySet[SalaryRecord]:
    """The rows that the same filters leave in the table, those without a rate left out as in every figure."""
    wanted = codes_wanted({**params, "since": "", "until": ""}, data_version(DATASET))
    columns = {"title": "title_id", "stack": "stack_id", "company": "company_id", "country": "country_id"}
    rows = SalaryRecord.objects.filter(pay_year_usd__gt=0)
    rows = rows.filter(Q(**{f"{columns.get(name, name)}__in": list(codes) for name, codes in wanted.items()}))
    if since := params.get("since"):
        rows = rows.filter(day__gte=dt.date.fromisoformat(f"{since}-01"))
    if until := params.get("until"):
        year, month = _month_of(until, _LAST)
        rows = rows.filter(day__lt=dt.date(year + month // 12, month % 12 + 1, 1))
    return rows
