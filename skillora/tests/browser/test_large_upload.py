"""A file of several parts from a real browser: the connection breaks, the window is closed, nothing is sent twice."""

from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Route

from accounts.models import User
from ingest.models import Import
from market.models import SalaryRecord
from skillora.tests.browser import files
from skillora.tests.browser.conftest import Visit
from skillora.tests.browser.test_wizard import check, load

pytestmark = pytest.mark.browser

PART = settings.UPLOAD_PART_MAX


class Line:
    """The connection to the server: offsets of the parts that went through it; those in `breaks` do not."""

    def __init__(self, *breaks: int) -> None:
        self.breaks = list(breaks)
        self.offsets: list[int] = []

    def __call__(self, route: Route) -> None:
        offset = int(route.request.headers.get("upload-offset", "-1"))
        if route.request.method == "PATCH" and offset in self.breaks:
            self.breaks.remove(offset)
            route.abort("connectionreset")
            return
        if route.request.method == "PATCH":
            self.offsets.append(offset)
        route.continue_()


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of three parts, 5 of its 5,005 rows without a pay."""
    content = [(*row[:6], "x" * 4000) for row in files.rows(good=5000)]
    path = files.csv_file(tmp_path / "large.csv", content)
    assert 2 * PART < path.stat().st_size < 3 * PART
    return path


def test_large_file_goes_on_after_a_broken_connection_and_loads(
    visit: Visit, editor: User, large: Path
) -> None:
    visitor, line = visit(), Line(PART)
    page = visitor.sign_in(editor)
    page.route("**/api/v1/uploads/*", line)
    visitor.go("/imports/new?dataset=salary_records")
    page.set_input_files("input[name=file]", large)
    page.click("main button.primary")
    page.wait_for_url("**/map")
    assert (line.offsets, line.breaks) == ([0, PART, 2 * PART], [])
    check(visitor)
    load(visitor)
    source = Import.objects.get()
    assert (source.size, source.inserted, source.rejected) == (large.stat().st_size, 5000, 5)
    assert SalaryRecord.objects.count() == 5000


def test_large_file_chosen_again_goes_on_where_the_closed_window_was(
    visit: Visit, editor: User, large: Path
) -> None:
    visitor, first, second = visit(), Line(*[PART] * 20), Line()
    page = visitor.sign_in(editor)
    page.route("**/api/v1/uploads/*", first)
    visitor.go("/imports/new?dataset=salary_records")
    page.set_input_files("input[name=file]", large)
    with page.expect_event("requestfailed", lambda request: request.method == "PATCH"):
        page.click("main button.primary")
    page.unroute("**/api/v1/uploads/*")
    page.route("**/api/v1/uploads/*", second)
    visitor.go("/imports/new?dataset=salary_records")
    page.set_input_files("input[name=file]", large)
    page.click("main button.primary")
    page.wait_for_url("**/map")
    assert (first.offsets, second.offsets) == ([0], [PART, 2 * PART])
    assert Import.objects.get().size == large.stat().st_size
