"""Questions about pay, answered from the percentile index, shown in the unit asked for."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from math import ceil
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from analytics import charts
from analytics.declarations import Answer, Column, Params, Report, register
from analytics.index import data_version
from analytics.selection import PERCENTS, Group, Selection, loaded
from ingest.lineage import source_said
from market.filters import DATASET, LEVELS, SalaryFilters, codes_wanted
from market.models import Country, Seniority, Stack
from market.money import Unit, unit

BINS = 40  # at most, and an open one
SHOWN = 12  # groups in a ranges figure
MEASURES = tuple(Column(f"p{p}", f"P{p}" if p != 50 else gettext_lazy("Median"), "money") for p in PERCENTS)
DEFINITION = gettext_lazy(
    "Pay is brought to a year (12 months, 52 weeks, 260 days, 2,080 hours) and to US dollars at the rate of "
    "the row's date. Rows without a rate are left out. A percentile is interpolated linearly between the two "
    "nearest rows, as PostgreSQL's percentile_cont and pandas do. Fewer rows than the limit give no figure."
)
STACK_DEFINITION = gettext_lazy("A stack is the whole list of skills that a row names together.")
TREND_DEFINITION = gettext_lazy("The median of each calendar year of the row's date.")


def rows_said(n: int) -> str:
    """1 row, 4,611 rows."""
    return ngettext("%(n)s row", "%(n)s rows", n) % {"n": f"{n:,}"}


def selected(params: Params) -> Selection:
    """The rows that pass a form's filters."""
    index = loaded(DATASET)
    return index.select(codes_wanted(params, index.version))


def version(params: Params) -> str:
    """The data's, and of figures in another currency also the rate's."""
    money = unit(params.get("currency") or "USD")
    return data_version(DATASET) + (f"-{money.day}-{float(money.per_usd):.6g}" if money.day else "")


def _asked(params: Params) -> tuple[Selection, Unit]:
    return selected(params), unit(params.get("currency") or "USD", params.get("per") or "year")


def _shown(percentiles: Mapping[int, Fraction], money: Unit) -> dict[int, float]:
    return {percent: money.amount(cents) for percent, cents in percentiles.items()}


def _money_facts(money: Unit) -> dict[str, Any]:
    return {
        "currency": money.currency,
        "per": money.per,
        "rate": None
        if money.day is None
        else {"per_usd": float(money.per_usd), "day": money.day.isoformat()},
    }


def few_said(n: int) -> str:
    """Why there is no figure."""
    if not n:
        return _("No row passes these filters.")
    return _("Fewer than %(limit)s rows: no figures, so that nobody can be recognised.") % {
        "limit": settings.SMALL_N
    }


# ---- how pay is distributed


def summary_query(params: Params) -> Answer:
    """n, five percentiles and a histogram."""
    selection, money = _asked(params)
    columns = (
        Column("from", gettext_lazy("From"), "money"),
        Column("to", gettext_lazy("To"), "money"),
        Column("n", gettext_lazy("Rows"), "count"),
    )
    if selection.n < settings.SMALL_N:
        none = {f"p{p}": None for p in PERCENTS}
        summary = {**none, "median_interval": None, **_money_facts(money)}
        return Answer(
            columns=columns,
            rows=[],
            n=selection.n,
            summary=summary,
            reading=few_said(selection.n),
            guarded=True,
        )
    found = _shown(selection.percentiles(), money)
    step = charts.nice_step(max(found[90] * 4 / 3, 1), BINS)
    bins = max(10, min(BINS, ceil(found[90] * 4 / 3 / step)))
    edges = [i * step for i in range(bins + 1)]
    counts = selection.histogram([money.cents(edge) for edge in edges])
    interval = selection.median_interval()
    shown_interval = [money.amount(cents) for cents in interval] if interval else None
    return Answer(
        columns=columns,
        rows=list(zip(edges, [*edges[1:], None], counts, strict=True)),
        n=selection.n,
        summary={
            **{f"p{p}": found[p] for p in PERCENTS},
            "median_interval": shown_interval,
            **_money_facts(money),
        },
        chart=charts.histogram(
            edges, counts, found, label=_summary_label(found, selection.n, money),
            words=money.words, short=money.short, count_words=rows_said,
        ),
        question=_summary_question(params),
        reading=_summary_reading(found, shown_interval, money),
        facts=(
            _("Bars of %(step)s; the tallest: %(n)s")
            % {"step": money.words(step), "n": rows_said(max(counts))},
            *filter(None, [source_said(DATASET)]),
        ),
    )  # fmt: skip


def _summary_question(params: Params) -> str:
    if params.get("title"):
        return _("How much does “%(title)s” earn?") % {"title": params["title"]}
    return _("How is pay distributed?")


def _summary_label(found: Mapping[int, float], n: int, money: Unit) -> str:
    parts = "; ".join(f"P{percent} {money.words(value)}" for percent, value in found.items())
    return _("Histogram of pay: %(parts)s; n %(n)s") % {"parts": parts, "n": f"{n:,}"}


def _summary_reading(found: Mapping[int, float], interval: Sequence[float] | None, money: Unit) -> str:
    half = _("Half of them earn between %(low)s and %(high)s (strong bars).") % {
        "low": money.words(found[25]), "high": money.words(found[75])
    }  # fmt: skip
    if interval is None:
        return half
    sure = _("The median lies between %(low)s and %(high)s with 95%% confidence.") % {
        "low": money.words(interval[0]), "high": money.words(interval[1])
    }  # fmt: skip
    return f"{half} {sure}"


# ---- ranges by group


def _group_columns(label: Any) -> tuple[Column, ...]:
    return (Column("group", label), Column("n", gettext_lazy("Rows"), "count"), *MEASURES)


def _ranges(
    params: Params,
    groups: Sequence[tuple[Group, str, str]],
    *,
    heading: Any,
    reading: Any,
    of: int,
    more: int = 0,
    unnamed: str = "",
) -> Answer:
    """An answer of groups with their names and links, in the order given."""
    money = unit(params.get("currency") or "USD", params.get("per") or "year")
    rows, drawn = [], []
    for group, name, link in groups:
        found = _shown(group.percentiles, money) if group.n >= settings.SMALL_N else {}
        rows.append((name, group.n, *(found.get(p) for p in PERCENTS)))
        drawn.append(charts.RangeRow(name, group.n, found, link))
    n = sum(group.n for group, _name, _link in groups)
    facts = [_("%(all)s rows in all") % {"all": f"{of:,}"}] if n != of else []
    facts += [_("%(count)s more, by number of rows") % {"count": more}] if more else []
    facts += [unnamed] if unnamed else []
    label = f"{heading}: {reading}"
    chart = charts.ranges(
        drawn, label=label, heading=str(heading), note=few_said(1), words=money.words, short=money.short
    ) if any(r.percentiles for r in drawn) else None  # fmt: skip
    return Answer(
        columns=_group_columns(heading), rows=rows, n=n, summary=_money_facts(money), chart=chart,
        reading=reading if chart else few_said(n), facts=tuple(facts), guarded=chart is None,
    )  # fmt: skip


def _narrowed(params: Params, **changes: str) -> str:
    """The salary page with one more filter."""
    kept = {k: v for k, v in params.items() if v and (k, v) not in {("currency", "USD"), ("per", "year")}}
    return f"{reverse('market:salary-list')}?{urlencode(kept | changes)}"


def _by_median(groups: Sequence[Group]) -> list[Group]:
    small = settings.SMALL_N
    return sorted(groups, key=lambda g: (g.n < small, -g.percentiles[50], g.code))


READING = gettext_lazy("Strong: middle half (P25 to P75). Pale: P10 to P90. Line: median.")


def seniority_query(params: Params) -> Answer:
    """Groups by level, lowest first; rows without a level are left out."""
    selection = selected(params)
    groups = sorted(selection.group_by("seniority"), key=lambda g: g.code)
    slugs = {int(level): slug for slug, level in LEVELS.items()}
    named = [
        (g, str(Seniority(g.code).label), _narrowed(params, seniority=slugs[g.code]))
        for g in groups
        if g.code
    ]
    return _ranges(params, named, heading=_("Seniority"), reading=READING, of=selection.n)


def country_query(params: Params) -> Answer:
    """The largest countries, highest median first."""
    selection = selected(params)
    counts = {code: n for code, n in selection.counts("country").items() if code}
    groups = _by_median([g for g in selection.group_by("country", top=SHOWN + 1) if g.code][:SHOWN])
    known = Country.objects.in_bulk([g.code for g in groups])
    named = [(g, str(known[g.code]), _narrowed(params, country=known[g.code].code)) for g in groups]
    return _ranges(
        params, named, heading=_("Country"),
        reading=f"{_('The countries with most rows, highest median first.')} {READING}",
        of=selection.n, more=max(0, len(counts) - len(groups)),
    )  # fmt: skip


def stack_query(params: Params) -> Answer:
    """The largest stacks, highest median first; rows that name none are left out."""
    selection = selected(params)
    counts = {code: n for code, n in selection.counts("stack").items() if code}
    groups = _by_median([g for g in selection.group_by("stack", top=SHOWN + 1) if g.code][:SHOWN])
    names = _stack_names([g.code for g in groups])
    named = [(g, names[g.code].replace(",", ", "), _narrowed(params, stack=names[g.code])) for g in groups]
    return _ranges(
        params, named, heading=_("Stack"), reading=_("Records that name a stack, highest median first."),
        of=sum(counts.values()), more=max(0, len(counts) - len(groups)),
    )  # fmt: skip


def _stack_names(ids: Sequence[int]) -> dict[int, str]:
    return dict(Stack.objects.filter(pk__in=ids).values_list("pk", "name"))


# ---- over time

TREND_ROWS = 20  # fewer in a year of one level are left out
TREND_LINES = 4


def trend_query(params: Params) -> Answer:
    """Median by year, for the levels with most rows."""
    selection, money = _asked(params)
    columns = (
        Column("seniority", gettext_lazy("Seniority")), Column("year", gettext_lazy("Year")),
        Column("n", gettext_lazy("Rows"), "count"), Column("p50", gettext_lazy("Median"), "money"),
    )  # fmt: skip
    years = sorted({month // 12 for month in selection.counts("month") if month})
    sizes = {code: n for code, n in selection.counts("seniority").items() if code}
    levels = sorted(sorted(sizes, key=lambda code: -sizes[code])[:TREND_LINES], reverse=True)
    series, rows = [], []
    for code in levels:
        name, found = str(Seniority(code).label), {}
        level = selection.where("seniority", (code,))
        for year in years:
            part = level.where("month", range(year * 12, year * 12 + 12))
            if part.n >= max(TREND_ROWS, settings.SMALL_N):
                found[year] = (money.amount(part.percentiles((50,))[50]), part.n)
                rows.append((name, year, part.n, found[year][0]))
        if found:
            series.append(charts.Series(name, found))
    n = sum(row[2] for row in rows)
    if not series:
        reading = _("No year has %(limit)s rows with a date and a level.") % {"limit": TREND_ROWS}
        return Answer(
            columns=columns, rows=[], n=n, summary=_money_facts(money), reading=reading, guarded=True
        )
    label = _("Median pay by seniority, %(first)s to %(last)s") % {
        "first": min(r[1] for r in rows), "last": max(r[1] for r in rows)
    }  # fmt: skip
    return Answer(
        columns=columns, rows=rows, n=n, summary=_money_facts(money),
        chart=charts.lines(series, label=label, words=money.words, short=money.short, count_words=rows_said),
        reading=_("Median by seniority; years under %(limit)s rows left out.") % {"limit": TREND_ROWS},
    )  # fmt: skip


_salary: Callable[..., Report] = partial(
    Report, form=SalaryFilters, version=version, rows_url="market:salary-rows"
)
SUMMARY = register(
    _salary(
        slug="salary-summary", title=gettext_lazy("Distribution of pay"),
        question=gettext_lazy("How is pay distributed?"), query=summary_query, definition=DEFINITION,
    )
)  # fmt: skip
BY_SENIORITY = register(
    _salary(
        slug="salary-seniority", title=gettext_lazy("Pay by seniority"),
        question=gettext_lazy("How far does seniority carry?"), query=seniority_query, definition=DEFINITION,
    )
)  # fmt: skip
BY_COUNTRY = register(
    _salary(
        slug="salary-country", title=gettext_lazy("Pay by country"),
        question=gettext_lazy("Where is the pay?"), query=country_query, definition=DEFINITION,
    )
)  # fmt: skip
BY_STACK = register(
    _salary(
        slug="salary-stack", title=gettext_lazy("Pay by stack"),
        question=gettext_lazy("Which stack pays?"), query=stack_query,
        definition=format_lazy("{} {}", STACK_DEFINITION, DEFINITION),
    )
)  # fmt: skip
TREND = register(
    _salary(
        slug="salary-trend", title=gettext_lazy("Pay over time"),
        question=gettext_lazy("Is pay still rising?"), query=trend_query,
        definition=format_lazy("{} {}", TREND_DEFINITION, DEFINITION),
    )
)  # fmt: skip


# ---- plain figures for clients of the seed API: n says how far to trust them, nothing is held back


def salary_summary(*, title: str = "", country: str = "", stack: str = "") -> dict[str, Any]:
    """{"p50", "p75", "p90", "n", "currency"} in yearly dollars, to the cent; null where n = 0."""
    selection = selected({"title": title, "country": country, "stack": stack})
    found = _shown(selection.percentiles(), Unit())
    return {**{f"p{p}": found.get(p) for p in (50, 75, 90)}, "n": selection.n, "currency": "USD"}


def stack_compare(*, title: str = "", country: str = "") -> list[dict[str, Any]]:
    """[{"stack", "p50", "n"}], highest median first; rows that name no stack are left out."""
    groups = selected({"title": title, "country": country}).group_by("stack", percents=(50,))
    names = _stack_names([g.code for g in groups])
    rows = [
        {"stack": names[g.code], "p50": Unit().amount(g.percentiles[50]), "n": g.n} for g in groups if g.code
    ]
    return sorted(rows, key=lambda row: (-row["p50"], row["stack"]))
