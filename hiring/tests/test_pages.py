"""Pages of hires and their files, by HTTP; the paths of other systems in their shapes."""

import csv
import io
import re

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Role, User
from hiring.models import HiredEmployee
from hiring.tests.people import crowd, hired, places_made
from hiring.views import people_wanted
from ingest.models import LINE_BITS, Import, Reject
from runs.models import Run, State

pytestmark = pytest.mark.django_db
API = "/api/v1/analytics/"


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(User.objects.create_user("viewer@example.com", None))
    return client


@pytest.fixture
def people() -> list[HiredEmployee]:
    places_made(["Sales", "Support", "Legal"], ["Clerk", "Cook", "Lawyer"])
    return crowd(200, years=(2020, 2021), departments=3, jobs=3)


def numbers(html: str) -> list[tuple[int, str]]:
    """The matrix's linked numbers with their addresses."""
    matrix = html[html.index('id="matrix"') :]
    found = re.findall(r'<td class="num[^"]*"><a href="([^"]+)">([\d,]+)</a>', matrix)
    return [(int(n.replace(",", "")), url.replace("&amp;", "&")) for url, n in found]


def test_every_number_of_the_matrix_opens_exactly_its_people(
    viewer: Client, people: list[HiredEmployee]
) -> None:
    page = viewer.get("/hiring/?year=2021&open=1&open=2&open=3&open=0").content.decode()
    cells = numbers(page)
    assert len(cells) > 40
    for n, url in cells:
        behind = viewer.get(url)
        assert behind.context["n"] == n, url
        assert people_wanted(behind.context["form"].cleaned_data).count() == n, url
        assert len(behind.context["rows"]) == min(n, 50)


def test_matrix_totals_add_up_and_zeros_are_shown(viewer: Client, people: list[HiredEmployee]) -> None:
    page = viewer.get("/hiring/?year=2021")
    groups = page.context["groups"]
    columns = zip(*([cell.n for cell in group.row.cells] for group in groups), strict=True)
    assert [sum(column) for column in columns] == [cell.n for cell in page.context["all"].cells]
    hired(999, "2019-02-01T00:00:00+00:00", 1, 1)
    text = viewer.get("/hiring/?year=2019").content.decode()
    assert text.count('<td class="num zero">0</td>') == 6
    assert not re.search(r"\sstyle=|\son\w+=|<style", text)


def test_matrix_leaves_zeros_out_on_demand_and_keeps_them_so(viewer: Client) -> None:
    places_made(["Sales"], ["Clerk"])
    hired(1, "2019-02-01T00:00:00+00:00", 1, 1)
    text = viewer.get("/hiring/?year=2019&zeros=0").content.decode()
    assert text.count('<td class="num zero"></td>') == 3, "the department's"
    assert text.count('<td class="num zero">0</td>') == 3, "the totals'"
    assert "an empty cell is a zero" in text and '<option value="0" selected>' in text
    assert "zeros=0" in text[text.index('id="d1"') :], "opening a department keeps it"
    assert viewer.get("/hiring/?year=2019&zeros=x").status_code == 422


def test_matrix_shows_ten_jobs_of_an_open_department_and_all_on_demand(viewer: Client) -> None:
    places_made(["Sales"], [f"job {i:02}" for i in range(30)])
    for pk in range(1, 31):
        hired(pk, "2021-05-01T00:00:00+00:00", 1, pk)
    page = viewer.get("/hiring/?year=2021&open=1")
    assert [row.name for row in page.context["groups"][0].jobs] == [f"job {i:02}" for i in range(10)]
    more = page.context["groups"][0].more_url
    assert "Show all 30 jobs" in page.content.decode()
    assert len(viewer.get(more).context["groups"][0].jobs) == 30


def test_filters_narrow_page_and_files_alike(viewer: Client, people: list[HiredEmployee]) -> None:
    query = "?year=2021&department=2&title=LAW"
    wanted = [p for p in people if p.hired_at.year == 2021 and p.department_id == 2 and p.job_id == 3]
    assert viewer.get("/hiring/" + query).context["all"].cells[-1].n == len(wanted)
    assert viewer.get(API + "hires-by-quarter.json" + query).json()["n"] == len(wanted)
    assert viewer.get("/hiring/people/" + query).context["n"] == len(wanted)


def test_people_without_department_or_job_are_shown_as_such(viewer: Client) -> None:
    places_made(["Sales"], ["Clerk"])
    hired(1, "2021-05-01T00:00:00+00:00", None, 1, name="")
    hired(2, "2021-05-01T00:00:00+00:00", 1, None)
    matrix = viewer.get("/hiring/?year=2021&open=0&open=1").content.decode()
    assert "no department given" in matrix
    assert "no job given" in matrix
    assert "1 hire without a department, 1 hire without a job" in matrix
    found = viewer.get("/hiring/people/?year=2021&department=0").content.decode()
    assert "no name given" in found
    assert "Department: no department given" in found


def test_people_come_in_pages_by_cursor_each_once(viewer: Client, people: list[HiredEmployee]) -> None:
    seen: list[int] = []
    url = "/hiring/people/?year=2020"
    while url:
        page = viewer.get(url)
        seen += [row.pk for row, _source, _line in page.context["rows"]]
        url = (
            "/hiring/people/" + page.context["next_url"].partition("/hiring/people/")[2]
            if page.context["next_url"]
            else ""
        )
    assert seen == sorted(p.pk for p in people if p.hired_at.year == 2020)


def test_people_name_the_import_and_line_they_came_from(viewer: Client) -> None:
    places_made(["Sales"], ["Clerk"])
    source = Import.objects.create(dataset="hired_employees", name="people.csv")
    hired(1, "2021-05-01T00:00:00+00:00")
    HiredEmployee.objects.update(origin=source.pk << LINE_BITS | 17)
    text = viewer.get("/hiring/people/?year=2021").content.decode()
    assert "people.csv" in text
    assert "line 17" in text


def test_people_of_an_import_are_those_of_all_its_years(viewer: Client) -> None:
    places_made(["Sales"], ["Clerk"])
    source = Import.objects.create(dataset="hired_employees", name="people.csv")
    for pk, year in enumerate((2019, 2020, 2021, 2021), start=1):
        hired(pk, f"{year}-05-01T00:00:00+00:00")
    HiredEmployee.objects.exclude(pk=4).update(origin=source.pk << LINE_BITS | 17)
    page = viewer.get(f"/hiring/people/?import={source.pk}")
    assert [row.pk for row, _source, _line in page.context["rows"]] == [1, 2, 3]
    assert page.context["n"] == 3
    assert f"Import: {source.pk}, people.csv" in page.content.decode()
    assert viewer.get(f"/hiring/people/?import={source.pk}&year=2021").context["n"] == 1
    assert viewer.get(f"/hiring/people/?import={source.pk}&quarter=1").context["n"] == 0
    assert viewer.get("/hiring/people/?import=0").status_code == 422


def test_people_of_a_cell_are_found_by_the_index(people: list[HiredEmployee]) -> None:
    params = {"year": 2021, "quarter": 2, "department": 1, "job": 1, "title": ""}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = people_wanted(params).order_by().explain()
    assert "hired_employees_2021_department_id_job_id_hired_at_idx" in plan
    assert "hired_employees_2020" not in plan


def test_empty_product_invites_and_empty_year_leads_to_others(viewer: Client) -> None:
    for path in ("/hiring/", "/hiring/departments/", "/hiring/people/"):
        assert "Nobody is here yet" in viewer.get(path).content.decode()
    places_made(["Sales"], ["Clerk"])
    hired(1, "2021-05-01T00:00:00+00:00")
    for path in ("/hiring/", "/hiring/departments/", "/hiring/people/"):
        text = viewer.get(path + "?year=2015").content.decode()
        assert "Nobody was hired in 2015" in text
        assert f'href="{path}?year=2021"' in text
        assert viewer.get(path).context["year"] == 2021


def test_few_years_are_a_switch_and_many_a_list(viewer: Client) -> None:
    places_made(["Sales"], ["Clerk"])
    for pk, year in enumerate(range(2001, 2021), start=1):
        hired(pk, f"{year}-05-01T00:00:00+00:00")
        if year == 2003:
            assert "<select" not in viewer.get("/hiring/departments/").content.decode()
    text = viewer.get("/hiring/departments/?year=2007&include_zero=1").content.decode()
    assert text.count("<option value=") == 20
    assert '<option value="2007" selected>' in text
    assert '<input type="hidden" name="include_zero" value="1">' in text


def with_rejects(name: str) -> Import:
    """An import of people whose load refused some lines."""
    run = Run.objects.create(task="ingest.load", state=State.DONE_WITH_REJECTS)
    return Import.objects.create(dataset="hired_employees", name=name, load=run)


def test_rejected_lines_of_people_are_said_with_the_way_to_them(viewer: Client) -> None:
    places_made(["Sales"], ["Clerk"])
    hired(1, "2021-05-01T00:00:00+00:00")
    source = with_rejects("people.csv")
    Reject.objects.create(id=source.pk << LINE_BITS | 2, source=source, line=2, code="required", message="")
    text = viewer.get("/hiring/?year=2021").content.decode()
    assert "1 row of a file is not loaded and not counted" in text
    assert f"/imports/{source.pk}/rejects" in text
    pk = source.pk << LINE_BITS | 3
    Reject.objects.create(id=pk, source=source, line=3, code="required", field="name", message="")
    other = with_rejects("more.csv")
    Reject.objects.create(id=other.pk << LINE_BITS | 2, source=other, line=2, code="required", field="name")
    page = viewer.get("/hiring/?year=2021")
    assert page.context["rejects"].reasons == [(2, "Name is empty"), (1, "is empty")]
    assert "/imports/?dataset=hired_employees&amp;state=done_with_rejects" in page.content.decode()
    Run.objects.filter(loaded_import=other).update(state=State.UNDONE)
    assert viewer.get("/hiring/?year=2021").context["rejects"].n == 2, (
        "nobody can correct what was taken back"
    )


@pytest.mark.parametrize(
    "query", ["year=1899", "year=2200", "year=x", "year=2021&department=-1", "title=" + "x" * 201]
)
def test_filters_that_cannot_be_used_say_so(viewer: Client, query: str) -> None:
    response = viewer.get("/hiring/?" + query)
    assert response.status_code == 422
    assert "These filters cannot be used" in response.content.decode()
    assert viewer.get(API + "hires-by-quarter.json?" + query).status_code == 422


@pytest.mark.parametrize("slug", ["hires-by-quarter", "departments-above-mean"])
def test_report_in_every_format_and_not_twice(viewer: Client, people: list[HiredEmployee], slug: str) -> None:
    url = f"{API}{slug}"
    data = viewer.get(f"{url}.json?year=2021").json()
    rows = list(csv.DictReader(io.StringIO(viewer.get(f"{url}.csv?year=2021").content.decode())))
    assert [list(row) for row in rows] == [[c["name"] for c in data["columns"]]] * len(rows)
    assert [[str(v) for v in row.values()] for row in data["data"]] == [list(row.values()) for row in rows]
    for theme in ("light", "dark"):
        svg = viewer.get(f"{url}.svg?year=2021&theme={theme}").content.decode()
        assert svg.startswith("<svg ")
        assert "class=" not in svg
        assert not re.search(r'"-?[\d.]+%"', svg)
    assert viewer.get(f"{url}.png?year=2021").content.startswith(b"\x89PNG")
    first = viewer.get(f"{url}.json?year=2021")
    again = {"If-None-Match": first["ETag"]}
    assert viewer.get(f"{url}.json?year=2021", headers=again).status_code == 304
    hired(999, "2021-12-31T23:59:59+00:00")
    changed = viewer.get(f"{url}.json?year=2021", headers=again)
    assert changed.status_code == 200
    assert changed.json()["n"] == data["n"] + 1
    HiredEmployee.objects.filter(pk=999).delete()
    assert viewer.get(f"{url}.json?year=2021", headers=again).status_code == 304


def test_paths_of_other_systems_have_their_shapes(viewer: Client, people: list[HiredEmployee]) -> None:
    quarter = viewer.get(API + "hires-by-quarter.json?year=2021").json()["data"]
    mean = viewer.get(API + "departments-above-mean.json?year=2021").json()
    assert viewer.get("/api/v1/analytics/hired/by-quarter?year=2021").json() == {
        "year": 2021, "data": quarter, "total_rows": len(quarter)
    }  # fmt: skip
    assert viewer.get("/api/v1/analytics/departments/above-average?year=2021").json() == {
        "year": 2021, "mean_hires": mean["mean_hires"], "data": mean["data"],
        "total_departments": len(mean["data"]),
    }  # fmt: skip
    file = viewer.get("/api/v1/analytics/departments/above-average?year=2021&format=csv")
    assert file["Content-Type"] == "text/csv; charset=utf-8"
    assert file["Content-Disposition"] == 'attachment; filename="departments_above_average_2021.csv"'
    assert file.content.decode().splitlines()[0] == "id,department,hired"
    assert len(file.content.decode().splitlines()) == len(mean["data"]) + 1
    lower = [{key.lower(): value for key, value in row.items()} for row in quarter]
    assert viewer.get("/metrics/hired-employees-by-quarter").json() == lower
    assert viewer.get("/metrics/departments-above-average-hiring").json() == mean["data"]
    for path in ("/visuals/hired-employees-by-quarter", "/visuals/departments-above-average-hiring"):
        png, svg = viewer.get(path), viewer.get(path + "?format=svg&year=2020")
        assert (png["Content-Type"], svg["Content-Type"]) == ("image/png", "image/svg+xml; charset=utf-8")
        assert png.content.startswith(b"\x89PNG")
        assert "2020" in svg.content.decode()
        assert viewer.get(path, headers={"If-None-Match": png["ETag"]}).status_code == 304


SEED_PATHS = (
    "/api/v1/analytics/hired/by-quarter",
    "/api/v1/analytics/departments/above-average",
    "/metrics/hired-employees-by-quarter",
    "/metrics/departments-above-average-hiring",
    "/visuals/hired-employees-by-quarter",
    "/visuals/departments-above-average-hiring",
)


@pytest.mark.parametrize("path", SEED_PATHS)
def test_years_out_of_bounds_are_refused_and_empty_ones_answered(viewer: Client, path: str) -> None:
    for year in ("1999", "2031", "x", "20210", "2021.5", "\x00"):
        response = viewer.get(path, {"year": year})
        assert response.status_code in {400, 422}, year
        assert response["Content-Type"].startswith("application/problem+json")
    assert viewer.get(path, {"year": "1999"}).status_code == 422
    for year in ("2000", "2030"):
        assert viewer.get(path, {"year": year}).status_code == 200
    assert viewer.get(path, {"format": "exe"}).status_code in (
        {422} if "metrics" not in path and "hired/" not in path else {200}
    )


def test_empty_year_is_no_rows_and_a_mean_of_zero(viewer: Client) -> None:
    assert viewer.get("/api/v1/analytics/hired/by-quarter?year=2005").json() == {
        "year": 2005, "data": [], "total_rows": 0
    }  # fmt: skip
    assert viewer.get("/api/v1/analytics/departments/above-average?year=2005").json() == {
        "year": 2005, "mean_hires": 0.0, "data": [], "total_departments": 0
    }  # fmt: skip
    assert viewer.get("/metrics/hired-employees-by-quarter?year=2005").json() == []


def test_table_in_place_of_the_chart(viewer: Client, people: list[HiredEmployee]) -> None:
    text = viewer.get("/hiring/?year=2021&table=hires-by-quarter").content.decode()
    assert '<th scope="col" class="num">Q4</th>' in text
    assert "figure-multiples" not in text
    for word in ("csv", "json", "svg", "png"):
        assert f'href="/api/v1/analytics/hires-by-quarter.{word}?year=2021"' in text


def test_departments_page_of_one_hire_speaks_of_one(viewer: Client) -> None:
    places_made(["Sales"], ["Clerk"])
    hired(1, "2021-05-01T00:00:00+00:00", 1)
    text = viewer.get("/hiring/departments/").content.decode()
    assert "0 of 1 department hired above the mean in 2021" in text
    assert "The mean is 1.0 hires: 1 hire over the one department that hired in 2021, in UTC." in text


def test_departments_page_counts_departments_without_hires_on_demand(viewer: Client) -> None:
    places_made(["Sales", "Support", "Empty"], ["Clerk"])
    hired(1, "2021-05-01T00:00:00+00:00", 1)
    hired(2, "2021-06-01T00:00:00+00:00", 1)
    hired(3, "2021-06-01T00:00:00+00:00", 2)
    assert (
        "1 of 2 departments hired above the mean in 2021"
        in viewer.get("/hiring/departments/").content.decode()
    )
    assert "There is 1: with it the mean would be 1.0" in viewer.get("/hiring/departments/").content.decode()
    text = viewer.get("/hiring/departments/?include_zero=1").content.decode()
    assert "1 of 3 departments hired above the mean in 2021" in text
    assert "mean 1.0" in text
    assert 'name="include_zero" value="1" checked' in text


def test_editor_is_offered_the_upload_and_viewer_is_not(client: Client) -> None:
    client.force_login(User.objects.create_user("e@example.com", None, role=Role.EDITOR))
    assert "Upload files" in client.get("/hiring/").content.decode()
    client.force_login(User.objects.create_user("v@example.com", None))
    assert "Upload files" not in client.get("/hiring/").content.decode()
