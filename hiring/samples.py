"""Synthetic hiring data in the shape of the public files. None of these people is real."""

import numpy as np

DEPARTMENTS = (
    *("Product Management", "Sales", "Research and Development", "Business Development", "Engineering"),
    *("Human Resources", "Services", "Support", "Marketing", "Training", "Legal", "Accounting"),
)
_RANKS = ("", "Assistant ", "Senior ", "Junior ", "Lead ", "Chief ", "Staff ", "Associate ")
_WORK = (
    *("Accountant", "Analyst", "Biostatistician", "Chemist", "Civil Engineer", "Data Engineer", "Designer"),
    *("Economist", "Editor", "Geologist", "Librarian", "Nurse", "Operator", "Paralegal", "Pharmacist"),
    *("Professor", "Programmer", "Quality Engineer", "Recruiter", "Sales Representative", "Statistician"),
    *("Technical Writer", "Web Developer"),
)
JOBS = tuple(f"{rank}{work}" for work in _WORK for rank in _RANKS)
_FIRST = ("Ana", "Bruno", "Carla", "Diego", "Elena", "Farid", "Grace", "Hugo", "Ines", "João", "Kim", "Lía")
_LAST = (
    "Alves",
    "Brown",
    "Costa",
    "Díaz",
    "Evans",
    "Ferrari",
    "Gómez",
    "Hahn",
    "Ito",
    "Jansen",
    "Kaya",
    "Lima",
)
_FIRST_HIRE, _SECONDS = np.datetime64("2021-01-01T00:00:00", "s"), 2 * 365 * 86_400


def _numbered(names: tuple[str, ...], rows: int, start: int) -> list[str]:
    """Distinct names, with a number where there are more rows than names."""
    return [
        names[at % len(names)] + (f" {at // len(names) + 1}" if at >= len(names) else "")
        for at in range(start, start + rows)
    ]


def department_sample(rng: np.random.Generator, rows: int, start: int = 0) -> dict[str, list[str]]:
    """Clean rows of departments, ids from `start` + 1."""
    ids = [str(start + at + 1) for at in range(rows)]
    return {"id": ids, "department": _numbered(DEPARTMENTS, rows, start)}


def job_sample(rng: np.random.Generator, rows: int, start: int = 0) -> dict[str, list[str]]:
    """Clean rows of jobs, ids from `start` + 1."""
    return {"id": [str(start + at + 1) for at in range(rows)], "job": _numbered(JOBS, rows, start)}


def employee_sample(rng: np.random.Generator, rows: int, start: int = 0) -> dict[str, list[str]]:
    """Clean rows of people in the first twelve departments and 183 jobs."""
    first, last = rng.integers(0, len(_FIRST), rows).tolist(), rng.integers(0, len(_LAST), rows).tolist()
    moments = _FIRST_HIRE + rng.integers(0, _SECONDS, rows)
    return {
        "id": [str(start + at + 1) for at in range(rows)],
        "name": [f"{_FIRST[f]} {_LAST[g]}" for f, g in zip(first, last, strict=True)],
        "datetime": [f"{text}Z" for text in np.datetime_as_string(moments).tolist()],
        "department_id": (rng.integers(1, len(DEPARTMENTS) + 1, rows)).astype(str).tolist(),
        "job_id": (rng.integers(1, 184, rows)).astype(str).tolist(),
    }
