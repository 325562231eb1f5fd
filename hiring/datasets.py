"""The tables of hiring that files are loaded into: found by id, new rows inserted, changed ones updated.

Strict: every field of a row is filled. A lenient import may lack name, department and job, never the hire time.
"""

from collections.abc import Callable

import numpy as np
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hiring.models import Department, HiredEmployee, Job
from hiring.samples import department_sample, employee_sample, job_sample
from hiring.storing import YEARS, by_year_and_place, ids_used
from ingest.declarations import Column, Dataset, register
from ingest.kinds import DateTime, Integer, References, Text
from ingest.reasons import value_reason

UNKNOWN_DEPARTMENT = value_reason(
    "unknown_department", _("is not a known department"), _("Load the departments first, or create it.")
)
UNKNOWN_JOB = value_reason("unknown_job", _("is not a known job"), _("Load the jobs first, or create it."))
FIRST_YEAR, LAST_YEAR = 1900, 2199  # of hire: the quarters that the database's rollup knows

Sample = Callable[[np.random.Generator, int, int], dict[str, list[str]]]
_ID_HELP = _("A whole number from 1; leading zeros do not count: 0012 is 12.")


def _numbered(
    slug: str,
    title: str | Promise,
    model: type[Model],
    sample: Sample,
    *,
    number: Column,
    name: Column,
) -> Dataset:
    """A table of numbered names that people refer to."""
    return register(
        Dataset(
            slug=slug,
            title=title,
            model=model,
            mode="upsert",
            key=("id",),
            headless=True,
            answers_url="hiring:hire-list",
            sample=sample,
            columns=(number, name),
        )
    )


def _number(label: str | Promise, *guesses: str) -> Column:
    return Column(
        name="id",
        label=label,
        kind=Integer(low=1),
        required=True,
        made=True,
        guesses=(*guesses, "código", "code", "number", "número", "Nummer"),
        help_text=_ID_HELP,
    )


def _name(name: str, label: str | Promise, *guesses: str) -> Column:
    return Column(
        name=name,
        label=label,
        kind=Text(max_length=200),
        required=True,
        guesses=(*guesses, "name", "nome", "nombre", "Bezeichnung"),
    )


DEPARTMENTS = _numbered(
    "departments",
    _("Departments"),
    Department,
    department_sample,
    number=_number(_("Department number"), "department id", "id departamento", "dept id", "Abteilungsnummer"),
    name=_name(
        "department",
        _("Department"),
        "department name",
        "dept",
        "departamento",
        "área",
        "division",
        "Abteilung",
    ),
)
JOBS = _numbered(
    "jobs",
    _("Jobs"),
    Job,
    job_sample,
    number=_number(_("Job number"), "job id", "id cargo", "id puesto", "Stellennummer"),
    name=_name("job", _("Job"), "job title", "title", "position", "role", "cargo", "puesto", "Stelle"),
)

HIRED_EMPLOYEES = register(
    Dataset(
        slug="hired_employees",
        title=_("Hired employees"),
        model=HiredEmployee,
        mode="upsert",
        key=("id",),
        parts=YEARS,
        used=ids_used,
        order=by_year_and_place,
        headless=True,
        answers_url="hiring:hire-list",
        rows_url="hiring:person-list",
        sample=employee_sample,
        columns=(
            Column(
                name="id",
                label=_("Employee number"),
                kind=Integer(low=1),
                required=True,
                made=True,
                guesses=(
                    "employee id",
                    "emp id",
                    "id empleado",
                    "matrícula",
                    "código",
                    "number",
                    "número",
                    "Personalnummer",
                ),
                help_text=_ID_HELP,
            ),
            Column(
                name="name",
                label=_("Name"),
                kind=Text(max_length=200),
                required=True,
                may_lack=True,
                guesses=(
                    "employee name",
                    "full name",
                    "employee",
                    "nome",
                    "nombre",
                    "funcionário",
                    "empleado",
                    "nome completo",
                    "nombre completo",
                    "Mitarbeiter",
                ),
            ),
            Column(
                name="datetime",
                label=_("Hire time"),
                kind=DateTime(first_year=FIRST_YEAR, last_year=LAST_YEAR),
                attname="hired_at",
                required=True,
                guesses=(
                    *(
                        "hire datetime",
                        "hire dt",
                        "hired at",
                        "hire date",
                        "date hired",
                        "hiring date",
                        "date",
                    ),
                    *("start date", "timestamp", "data de contratação", "data de admissão", "admissão"),
                    *("fecha de contratación", "fecha de ingreso", "data", "fecha", "data de entrada"),
                    *("fecha de alta", "fecha de incorporación", "Einstellungsdatum", "Eingestellt am"),
                    *("Eintrittsdatum", "joining date", "date of joining", "employment date"),
                ),
                help_text=_("ISO 8601, e.g. 2021-07-27T16:02:08Z; without a zone it is UTC."),
            ),
            Column(
                name="department_id",
                label=_("Department number"),
                kind=References(
                    model=Department,
                    dataset="departments",
                    reason=UNKNOWN_DEPARTMENT,
                    remedy=_("create department %(id)s first, or correct the number"),
                ),
                required=True,
                may_lack=True,
                guesses=(
                    *("department", "dept", "dept id", "departamento", "id departamento", "área"),
                    *(
                        "código departamento",
                        "id do departamento",
                        "id de departamento",
                        "Abteilungsnummer",
                        "Abteilung",
                    ),
                ),
            ),
            Column(
                name="job_id",
                label=_("Job number"),
                kind=References(
                    model=Job,
                    dataset="jobs",
                    reason=UNKNOWN_JOB,
                    remedy=_("create job %(id)s first, or correct the number"),
                ),
                required=True,
                may_lack=True,
                guesses=(
                    *("job", "position id", "cargo", "id cargo", "puesto", "id puesto", "id do cargo"),
                    *("id de puesto", "código cargo", "código puesto", "Stellennummer", "Stelle"),
                ),
            ),
        ),
    )
)
