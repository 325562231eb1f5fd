"""A Report is declared once, in a domain's `reports.py`: page, table, JSON, CSV, SVG and PNG follow it.

Imports no other module of analytics but charts, so that everything may import it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import get_language

from analytics.charts import Chart
from skillora.lib.errors import DomainError, NotFound

Text = str | Promise
Params = Mapping[str, Any]  # the cleaned data of a report's form


@dataclass(frozen=True)
class Column:
    """A column of the table. money: whole units of the answer's currency; share: 0..1."""

    name: str
    label: Text
    kind: Literal["text", "count", "money"] = "text"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a report's query found.

    rows: one value per column. summary: figures that stand above the rows in JSON. reading: how to read the
    chart, or why there is none (`guarded`). facts: said under it. version: of the data, where the query has read it
    at one moment and can tell. bodies: this answer as files, by suffix and theme, each made once and kept as long as
    the answer is.
    """

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    n: int
    version: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    chart: Chart | None = None
    question: Text = ""
    reading: Text = ""
    facts: tuple[Text, ...] = ()
    guarded: bool = False
    bodies: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Report:
    """One question. `query` gets the form's cleaned data; `version` names the data that it then reads."""

    slug: str
    title: Text
    question: Text
    definition: Text  # "How computed"
    form: type[forms.Form]
    query: Callable[[Params], Answer]
    version: Callable[[Params], str]
    rows_url: str = ""  # URL name of the page of rows behind the numbers, with the same query string

    def answer(self, params: Params, version: str) -> Answer:
        """What the query finds; kept for the latest questions for as long as the data is the same."""
        key = (self.slug, version, get_language(), *sorted((k, str(v)) for k, v in params.items()))
        found = _answers.get(key)
        if found is None:
            found = self.query(params)
            # Changed while it was read: true, but not of this version.
            if (found.version or self.version(params)) != version:
                return found
            while len(_answers) >= _KEPT:
                _answers.pop(next(iter(_answers)), None)
            _answers[key] = found
        return found

    def params(self, query: "MultiValueDict[str, str] | Mapping[str, str]") -> Params:
        """The cleaned parameters of a query string; DomainError names each one that cannot be used."""
        return cleaned(self.form(query))


def cleaned(form: forms.Form) -> dict[str, Any]:
    """The data of a bound form of query parameters; DomainError names each one that cannot be used."""
    if form.is_valid():
        return form.cleaned_data
    errors: list[dict[str, object]] = [
        {"pointer": f"?{name}", "code": error.code or "invalid", "detail": str(next(iter(error.messages)))}
        for name, found in form.errors.as_data().items()
        for error in found
    ]
    first = errors[0]
    message = f"{str(first['pointer'])[1:]}: {first['detail']}"
    raise DomainError(message, code="invalid_parameter", status=422, errors=errors)


_KEPT = 256
_answers: dict[tuple[object, ...], Answer] = {}
_reports: dict[str, Report] = {}


def register(report: Report) -> Report:
    """Make a report known; called at import of a domain's `reports.py`."""
    _reports[report.slug] = report
    return report


def reports() -> tuple[Report, ...]:
    """All reports, in the order they were declared."""
    autodiscover_modules("reports")
    return tuple(_reports.values())


def report(slug: str) -> Report:
    """The report called `slug`; NotFound names those that exist."""
    if slug not in _reports and slug not in {r.slug for r in reports()}:
        raise NotFound(
            f"There is no report {slug[:60]!r}; there are: {', '.join(_reports)}", code="unknown_report"
        )
    return _reports[slug]
