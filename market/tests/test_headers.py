"""Columns of pay data are known by their headers, in four languages, with what they say besides."""

from pathlib import Path

import pytest

from ingest.declarations import dataset
from ingest.facts import facts_of
from ingest.mapping import Suggestion, suggest
from market import aliases
from market.models import Period, Seniority


def found(path: Path, header: str, row: str) -> Suggestion:
    source = path / "file.csv"
    source.write_text("\n".join([header, *[row] * 3]) + "\n")
    return suggest(dataset("salary_records"), facts_of(source, "file.csv"))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Job title;Base salary;Currency;Country;Seniority", "Cook;50000;EUR;Germany;Junior"),
        ("Cargo;Salário bruto;Moeda;País;Senioridade", "Cozinheiro;50000;EUR;Alemanha;Júnior"),
        ("Puesto;Sueldo bruto;Moneda;País;Nivel", "Cocinero;50000;EUR;Alemania;Junior"),
        (
            "Stellenbezeichnung;Gehalt;Währung;Land;Karrierestufe",
            "Koch;50000;Euro;Deutschland;Berufseinsteiger",
        ),
    ],
)
def test_header_in_any_of_four_languages(tmp_path: Path, header: str, row: str) -> None:
    columns = found(tmp_path, header, row).mapping.columns
    assert columns == {"title": 0, "salary": 1, "currency": 2, "country": 3, "seniority": 4}


@pytest.mark.parametrize(
    ("header", "period"),
    [
        ("Monatsgehalt", "month"),
        ("Jahresbrutto", "year"),
        ("Gehalt pro Stunde", "hour"),
        ("Gehalt in EUR", None),
    ],
)
def test_german_header_says_the_period(tmp_path: Path, header: str, period: str | None) -> None:
    mapping = found(tmp_path, f"Beruf;{header}", "Koch;50000").mapping
    assert mapping.columns == {"title": 0, "salary": 1}
    assert mapping.constants.get("period") == period


@pytest.mark.parametrize(
    ("header", "cell"),
    [
        ("Salary ID", "1200"),
        ("Minimum age", "30"),
        ("Fecha de baja", "2024-01-02"),
        ("Ex-employer", "Acme Ltd"),
        ("Manager title", "Head Chef"),
        ("Nationality", "Brazil"),
    ],
)
def test_column_of_no_concern_is_left_alone(tmp_path: Path, header: str, cell: str) -> None:
    suggestion = found(tmp_path, f"Position;Salary;{header}", f"Cook;50000;{cell}")
    assert suggestion.mapping.columns == {"title": 0, "salary": 1}
    assert suggestion.guesses[2].canonical is None


def test_values_in_german_are_known() -> None:
    assert aliases.country_spellings()["Vereinigtes Königreich"] == 826
    assert aliases.seniority_spellings()["Teamleiter"] == Seniority.LEAD
    assert aliases.period_spellings()["monatlich"] == Period.MONTH
