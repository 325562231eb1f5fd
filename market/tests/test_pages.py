"""Pages and files of salary reports, by HTTP."""

import json
import re

import numpy as np
import pytest
from django.test import Client

from accounts.models import User
from analytics.index import rebuild
from market.models import Stack
from market.tests.salaries import columns_made, rows_stored

pytestmark = pytest.mark.django_db
API = "/api/v1/analytics/"


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(User.objects.create_user("viewer@example.com", "a long password"))
    return client


@pytest.fixture
def rows() -> dict[str, np.ndarray]:
    columns = columns_made(600)
    rows_stored(columns)
    rebuild("salary_records")
    return columns


def test_salary_page_without_a_session_leads_to_the_sign_in_page(client: Client) -> None:
    for path in ("/", "/salaries/", "/salaries/rows/", "/how/"):
        response = client.get(path)
        assert response.status_code == 302
        assert "sign-in" in response["Location"]


def test_salary_page_shows_n_median_and_every_figure(viewer: Client, rows: dict[str, np.ndarray]) -> None:
    pay = rows["pay_year_usd"][rows["pay_year_usd"] > 0]
    text = viewer.get("/salaries/").content.decode()
    assert f"n = {len(pay):,}" in text
    assert f'Median <tspan class="q-full">${np.median(pay) / 100:,.0f}' in text
    for slug in ("summary", "seniority", "country", "stack", "trend"):
        assert f'id="salary-{slug}"' in text
    assert not re.search(r"\sstyle=|\son\w+=|<style", text)


def test_salary_page_filters_narrow_the_rows_and_can_be_taken_away(
    viewer: Client, rows: dict[str, np.ndarray]
) -> None:
    response = viewer.get("/salaries/?title=engineer&seniority=senior")
    text = response.content.decode()
    assert "Title: engineer" in text
    assert 'href="/salaries/?seniority=senior"' in text
    assert 'href="/salaries/?title=engineer"' in text


def test_salary_page_for_htmx_is_the_results_alone(viewer: Client, rows: dict[str, np.ndarray]) -> None:
    response = viewer.get("/salaries/", headers={"HX-Request": "true", "HX-Target": "results"})
    text = response.content.decode()
    assert text.lstrip().startswith('<div class="results" id="results">')
    assert "<html" not in text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("since=2024-13", "use YYYY-MM"),
        ("since=2024-05&until=2023-01", "ends before it begins"),
        ("seniority=wizard", "Select a valid choice"),
        ("currency=ZZZ", "There is no exchange rate of ZZZ"),
        ("title=" + "x" * 201, "at most 200 characters"),
        ("per=week", "Select a valid choice"),
    ],
)
def test_filters_that_cannot_be_used_say_so_on_page_and_api(
    viewer: Client, rows: dict[str, np.ndarray], query: str, said: str
) -> None:
    page = viewer.get(f"/salaries/?{query}")
    assert page.status_code == 422
    assert said in page.content.decode()
    answer = viewer.get(f"{API}salary-summary.json?{query}")
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert said in answer.json()["detail"]


def test_nothing_matches_says_so_and_offers_a_way_out(viewer: Client, rows: dict[str, np.ndarray]) -> None:
    text = viewer.get("/salaries/?title=astronaut").content.decode()
    assert "No row passes these filters" in text
    assert 'href="/salaries/"' in text
    assert "plot-svg" not in text
    assert viewer.get(f"{API}salary-summary.json?title=astronaut").json()["p50"] is None


def test_few_rows_give_no_figure_anywhere(viewer: Client) -> None:
    rows_stored(columns_made(4, seed=3))
    rebuild("salary_records")
    text = viewer.get("/salaries/").content.decode()
    assert "nobody can be recognised" in text
    assert "plot-svg" not in text
    answer = viewer.get(f"{API}salary-summary.json").json()
    assert answer["p50"] is None
    assert answer["data"] == []
    for suffix in ("csv", "svg", "png"):
        assert viewer.get(f"{API}salary-country.{suffix}").status_code == 200


def test_no_data_at_all_invites_to_upload(viewer: Client) -> None:
    assert "No salaries to show yet" in viewer.get("/salaries/").content.decode()
    assert "Nothing is loaded yet" in viewer.get("/").content.decode()


def test_report_as_json_agrees_with_the_rows(viewer: Client, rows: dict[str, np.ndarray]) -> None:
    kept = rows["pay_year_usd"][(rows["pay_year_usd"] > 0) & (rows["country_id"] == 840)]
    answer = viewer.get(f"{API}salary-summary.json?country=US").json()
    assert answer["n"] == len(kept)
    for percent in (10, 25, 50, 75, 90):
        assert answer[f"p{percent}"] == pytest.approx(np.percentile(kept, percent) / 100, abs=0.006)
    assert sum(row["n"] for row in answer["data"]) == len(kept)
    low, high = answer["median_interval"]
    assert low < answer["p50"] < high


@pytest.mark.parametrize("spelling", ["US", "usa", "United States", "Estados Unidos"])
def test_country_is_found_by_code_name_and_alias(
    viewer: Client, rows: dict[str, np.ndarray], spelling: str
) -> None:
    expected = int(((rows["pay_year_usd"] > 0) & (rows["country_id"] == 840)).sum())
    assert viewer.get(f"{API}salary-summary.json", {"country": spelling}).json()["n"] == expected


def test_month_and_year_are_the_same_money(viewer: Client, rows: dict[str, np.ndarray]) -> None:
    year = viewer.get(f"{API}salary-summary.json").json()
    month = viewer.get(f"{API}salary-summary.json?per=month").json()
    assert month["p50"] * 12 == pytest.approx(year["p50"], abs=0.07)


def test_report_has_an_etag_that_changes_with_the_data(viewer: Client, rows: dict[str, np.ndarray]) -> None:
    first = viewer.get(f"{API}salary-summary.json")
    again = viewer.get(f"{API}salary-summary.json", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    rows_stored(columns_made(20, seed=9, import_id=2))
    rebuild("salary_records")
    changed = viewer.get(f"{API}salary-summary.json", headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed.json()["n"] > first.json()["n"]


@pytest.mark.parametrize(
    "slug", ["salary-summary", "salary-seniority", "salary-country", "salary-stack", "salary-trend"]
)
def test_report_as_picture_stands_alone(viewer: Client, rows: dict[str, np.ndarray], slug: str) -> None:
    for theme in ("light", "dark"):
        svg = viewer.get(f"{API}{slug}.svg?theme={theme}").content.decode()
        assert svg.startswith("<svg")
        assert "class=" not in svg
        assert "var(" not in svg
        assert "%" not in re.sub(r">[^<]*<", "><", svg)
    png = viewer.get(f"{API}{slug}.png")
    assert png["Content-Type"] == "image/png"
    assert png.content.startswith(b"\x89PNG")
    assert len(png.content) > 10_000


def test_report_as_csv_is_safe_in_a_spreadsheet(viewer: Client, rows: dict[str, np.ndarray]) -> None:
    Stack.objects.filter(name="Go,Postgres,Vue").update(name="=cmd|'/c calc'!A1")
    response = viewer.get(f"{API}salary-stack.csv")
    assert response["Content-Disposition"] == 'attachment; filename="salary-stack.csv"'
    lines = response.content.decode().splitlines()
    assert lines[0] == "group,n,p10,p25,p50,p75,p90"
    assert any(line.startswith("'=cmd") for line in lines)


def test_unknown_report_suffix_and_missing_token_are_problems(client: Client) -> None:
    assert client.get(f"{API}salary-summary.json").status_code == 401
    client.force_login(User.objects.create_user("viewer@example.com", "a long password"))
    for path in ("nothing.json", "salary-summary.exe"):
        response = client.get(API + path)
        assert response.status_code == 404
        assert response["Content-Type"] == "application/problem+json"
    assert client.get(f"{API}salary-summary.svg?theme=pink").status_code == 422


def test_rows_page_lists_every_row_once_with_its_line(viewer: Client, rows: dict[str, np.ndarray]) -> None:
    rated = rows["id"][(rows["pay_year_usd"] > 0) & (rows["seniority"] == 4)]
    url, lines = "/salaries/rows/?seniority=senior", []
    while url:
        text = viewer.get(url).content.decode()
        lines += [int(line) for line in re.findall(r"line (\d+)<", text)]
        following = re.search(r'href="(\?[^"]*after=[^"]*)"', text)
        url = "/salaries/rows/" + following[1].replace("&amp;", "&") if following else ""
    assert lines == [int(pk) & 0xFFFFFFFF for pk in rated]


def test_table_is_shown_where_it_is_asked_for(viewer: Client, rows: dict[str, np.ndarray]) -> None:
    text = viewer.get("/salaries/?table=salary-country").content.decode()
    figure = text.split('id="salary-country"')[1].split("</figure>")[0]
    assert "<svg height" not in figure
    assert "P10" in figure
    assert json.loads(viewer.get(f"{API}salary-country.json").content)["data"][0]["group"] in figure


def test_overview_shows_numbers_and_definitions_are_written_down(
    viewer: Client, rows: dict[str, np.ndarray]
) -> None:
    text = viewer.get("/").content.decode()
    assert "Median yearly pay" in text
    assert "4 countries, 5 titles" in text
    assert 'id="salary-trend"' in viewer.get("/how/").content.decode()
