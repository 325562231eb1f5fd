"""Who was hired, when, where and as what: departments, jobs, and the people hired into them.

`hired_employees` is partitioned by year of hire. Its table, guards and rollup come from migration SQL (0002):
the database itself refuses an orphan or a doubled id and keeps `hires_by_quarter` right, whoever writes.
"""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np
from django.db import connections, models
from django.db.models import F, Q, Sum
from django.utils.translation import gettext_lazy as _

from skillora.lib.prepared import asked


class Department(models.Model):
    """A department; the id is the caller's, or the database's where none is given."""

    department = models.CharField(_("department"), max_length=200)
    origin = models.BigIntegerField(
        default=0, db_default=0, editable=False
    )  # import << 32 | line that wrote it last

    class Meta:
        db_table = "departments"
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.department


class Job(models.Model):
    """A position that people are hired into (never a posting, never queued work)."""

    job = models.CharField(_("job"), max_length=200)
    origin = models.BigIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        db_table = "jobs"
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.job


class HiredEmployeeQuerySet(models.QuerySet["HiredEmployee"]):
    def for_year(self, year: int, quarter: int | None = None) -> "HiredEmployeeQuerySet":
        """Hired within the UTC year, or its quarter 1..4: bounds that PostgreSQL prunes partitions by."""
        first, months = (3 * quarter - 2, 3) if quarter else (1, 12)
        start = dt.datetime(year, first, 1, tzinfo=dt.UTC)
        end = dt.datetime(year + (first + months > 12), (first + months - 1) % 12 + 1, 1, tzinfo=dt.UTC)
        return self.filter(hired_at__gte=start, hired_at__lt=end)

    def year_made(self, at: dt.datetime) -> None:
        """Make sure that the UTC year of `at` has its partition."""
        with connections[self.db].cursor() as cursor:
            cursor.execute("SELECT hired_employees_year(%s)", [at.astimezone(dt.UTC).year])

    def incomplete(self) -> "HiredEmployeeQuerySet":
        """Rows that lenient imports let in without name, department or job."""
        return self.filter(Q(name="") | Q(department=None) | Q(job=None))


class HiredEmployee(models.Model):
    """One hire. Strict imports fill every field; lenient ones may leave out all but the hire time."""

    name = models.CharField(_("name"), max_length=200, blank=True)
    hired_at = models.DateTimeField(_("hired"))
    department = models.ForeignKey(
        Department, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="hires"
    )
    job = models.ForeignKey(
        Job, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="hires"
    )
    origin = models.BigIntegerField(default=0, db_default=0, editable=False)

    objects = HiredEmployeeQuerySet.as_manager()

    class Meta:
        db_table = "hired_employees"
        verbose_name = _("hired employee")
        verbose_name_plural = _("hired employees")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name or f"{self.pk}"


Quarters = tuple[int, int, int, int]


class Line(NamedTuple):
    """The hires of one department and job in a year; id 0 and name None where lenient imports gave none."""

    department_id: int
    department: str | None
    job_id: int
    job: str | None
    quarters: Quarters


@dataclass(frozen=True)
class Lines(Sequence[Line]):
    """Lines side by side: some thousands of them are summed and told apart by numpy, and made only where shown."""

    found: "np.ndarray[Any, Any]"  # of _LINE
    departments: dict[int, str]
    jobs: dict[int, str]
    fingerprint: tuple[object, ...] = ()  # of the whole year, as it was read

    def __len__(self) -> int:
        return len(self.found)

    @overload
    def __getitem__(self, at: int) -> Line: ...
    @overload
    def __getitem__(self, at: "slice | np.ndarray[Any, Any]") -> "Lines": ...
    def __getitem__(self, at: "int | slice | np.ndarray[Any, Any]") -> "Line | Lines":
        """One of them; or those of a slice, of positions, or where an array of booleans says so."""
        if isinstance(at, int):
            place, job, quarters = self.found[at].item()
            return Line(place, self.departments.get(place), job, self.jobs.get(job), tuple(quarters.tolist()))
        return Lines(self.found[at], self.departments, self.jobs, self.fingerprint)

    def column(self, name: str) -> list[int]:
        """The department or job of each line, by id."""
        values: list[int] = self.found[name].tolist()
        return values

    @property
    def total(self) -> Quarters:
        """Hires of each quarter."""
        q1, q2, q3, q4 = self.found["quarters"].sum(axis=0, dtype=np.int64).tolist()
        return q1, q2, q3, q4


_HIRED = "q1 + q2 + q3 + q4"
_YEARS = f"""
    SELECT y FROM generate_series((SELECT min(year) FROM hires_by_quarter)::int,
                                  (SELECT max(year) FROM hires_by_quarter)::int) y
    WHERE EXISTS (SELECT FROM hires_by_quarter h WHERE h.year = y AND {_HIRED} > 0) ORDER BY y
"""  # noqa: S608 - constants
_BY_DEPARTMENT = f"""
    SELECT department_id, coalesce(department, ''), hired
    FROM (SELECT department_id, sum({_HIRED}) AS hired FROM hires_by_quarter
          WHERE year = %s AND {_HIRED} > 0 GROUP BY 1) h LEFT JOIN departments ON id = department_id
"""  # noqa: S608
# Hashes one in the other: those of whole records take three times as long.
_COUNTED = (
    "sum(hashint4extended(q1, hashint4extended(q2, hashint4extended(q3, hashint4extended(q4,"
    " hashint8extended(job_id, hashint8extended(department_id, 0)))))))"
)
_NAMED = """(SELECT sum(hashtextextended(department, id)) FROM departments),
           (SELECT sum(hashtextextended(job, id)) FROM jobs)"""
_FINGERPRINT = f"""
    SELECT (SELECT {_COUNTED} FROM hires_by_quarter WHERE year = %s AND {_HIRED} > 0), {_NAMED}
"""  # noqa: S608
# One row, whatever the number of lines: reading 2,000 rows one by one takes longer than finding them. One statement:
# counts, names and their fingerprint are of one moment.
_LINES = f"""
    WITH found AS MATERIALIZED (
        SELECT {_COUNTED} AS counted, array_agg(department_id) AS departments, array_agg(job_id) AS jobs,
            string_agg(int8send(department_id) || int8send(job_id)
                || int8send(q1::bigint << 32 | q2) || int8send(q3::bigint << 32 | q4), ''::bytea) AS lines
        FROM hires_by_quarter WHERE year = %s AND {_HIRED} > 0
    )
    SELECT counted, {_NAMED}, lines,
        (SELECT json_object_agg(id, department)::text FROM departments WHERE id = ANY(found.departments)),
        (SELECT json_object_agg(id, job)::text FROM jobs WHERE id = ANY(found.jobs))
    FROM found
"""  # noqa: S608 - constants
_LINE = np.dtype([("department", ">i8"), ("job", ">i8"), ("quarters", ">i4", 4)])


def _ranked(ids: "np.ndarray[Any, Any]", names: dict[int, str]) -> "np.ndarray[Any, Any]":
    """Each id's place in the byte order of names; equal names share one, without a name comes last.

    (Python's order of texts is that of UTF-8.)
    """
    ordered = {name: at for at, name in enumerate(sorted(set(names.values())))}
    distinct, at = np.unique(ids, return_inverse=True)
    places = [ordered[names[pk]] if pk in names else len(ordered) for pk in distinct.tolist()]
    return np.array(places, np.int64)[at]


class HiresByQuarterQuerySet(models.QuerySet["HiresByQuarter"]):
    def years(self) -> list[int]:
        """In which somebody was hired, first to last."""
        with connections[self.db].cursor() as cursor:
            cursor.execute(_YEARS)
            return [year for (year,) in cursor.fetchall()]

    def latest_year(self) -> int | None:
        """The last in which somebody was hired."""
        found = self.annotate(hired=F("q1") + F("q2") + F("q3") + F("q4")).filter(hired__gt=0)
        return found.order_by("-year").values_list("year", flat=True).first()

    def lines(self, year: int) -> Lines:
        """In byte order of department, then job, ties by id; what names none comes last."""
        (*fingerprint, packed, departments, jobs) = asked(_LINES, [year], using=self.db)[0]
        found = np.frombuffer(packed or b"", _LINE)
        names, titles = (
            {int(pk): name for pk, name in json.loads(text or "{}").items()} for text in (departments, jobs)
        )
        in_order = _ranked(found["job"], titles), _ranked(found["department"], names)
        order = np.lexsort((found["job"], found["department"], *in_order))
        return Lines(found[order], names, titles, tuple(fingerprint))

    def by_department(self, year: int) -> dict[int, tuple[str, int]]:
        """Department id (0: none given) → name and hires."""
        found = asked(_BY_DEPARTMENT, [year], using=self.db)
        return {pk: (name, int(hired)) for pk, name, hired in found}

    def by_year(self, *, years: int) -> dict[int, Quarters]:
        """The hires of each quarter in the latest years with hires, first to last."""
        sums = [Sum(name) for name in ("q1", "q2", "q3", "q4")]
        found = self.order_by("-year").values_list("year").annotate(*sums)
        found = found.filter(q1__sum__gte=0).exclude(q1__sum=0, q2__sum=0, q3__sum=0, q4__sum=0)
        return {year: (q1, q2, q3, q4) for year, q1, q2, q3, q4 in reversed(found[:years])}

    def hired_by(self, column: str) -> dict[int, int]:
        """Department or job (department_id, job_id) → everybody ever hired there."""
        hired = Sum(F("q1") + F("q2") + F("q3") + F("q4"))
        found = self.order_by().values_list(column).annotate(hired=hired).filter(hired__gt=0)
        return dict(found)

    def fingerprint(self, year: int) -> tuple[object, ...]:
        """Changes with every count and name that the year's answers are made from, whoever writes."""
        return asked(_FINGERPRINT, [year], using=self.db)[0]


class HiresByQuarter(models.Model):
    """The rollup that reports read: hires of one department and job in one UTC year. Kept by triggers alone.

    0 stands for a missing department or job (lenient imports).
    """

    department_id = models.BigIntegerField()
    job_id = models.BigIntegerField()
    year = models.SmallIntegerField()
    q1 = models.IntegerField(default=0)
    q2 = models.IntegerField(default=0)
    q3 = models.IntegerField(default=0)
    q4 = models.IntegerField(default=0)
    pk = models.CompositePrimaryKey("year", "department_id", "job_id")

    objects = HiresByQuarterQuerySet.as_manager()

    class Meta:
        db_table = "hires_by_quarter"

    def __str__(self) -> str:
        return f"{self.year}: {self.department_id}, {self.job_id}"
