"""Every page as it is seen: no axe violation, no overflow, a silent console, light and dark; pictures."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Role, User
from hiring.tests.people import crowd, places_made
from ingest.backups.services import backup_create
from ingest.models import Import
from runs.models import Run, State
from skillora.tests.browser import files
from skillora.tests.browser.conftest import Product, Visit, Visitor
from skillora.tests.browser.test_wizard import check, load, upload

pytestmark = pytest.mark.browser

WIDTHS = (320, 390, 1280)
# Looking at colours takes axe nine tenths of its time: a theme changes nothing else, a narrow window all but them.
COLOURS, ALL_ELSE = {"runOnly": ["color-contrast"]}, {"rules": {"color-contrast": {"enabled": False}}}


def assert_sound(visitor: Visitor, path: str) -> None:
    """Axe finds nothing in light and dark; the page fits into every width."""
    page = visitor.go(path)
    assert visitor.violations() == "", path
    page.emulate_media(color_scheme="dark")
    assert visitor.violations(**COLOURS) == "", f"{path}, dark"
    page.emulate_media(color_scheme="light")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert visitor.overflow() <= 0, f"{path} at {width}"
    page.set_viewport_size({"width": 390, "height": 800})
    assert visitor.violations(**ALL_ELSE) == "", f"{path}, phone"
    page.set_viewport_size({"width": 1280, "height": 800})


def test_pages_before_signing_in(visit: Visit) -> None:
    visitor = visit()
    for path in ("/account/sign-in", "/account/register", "/account/password/reset"):
        assert_sound(visitor, path)


def test_pages_of_an_empty_product(visit: Visit, editor: User) -> None:
    visitor = visit()
    visitor.sign_in(editor)
    for path in (
        "/",
        "/salaries/",
        "/hiring/",
        "/hiring/departments/",
        "/imports/",
        "/imports/new",
        "/account/",
        "/imports/404",
    ):
        assert_sound(visitor, path)


def test_pages_of_a_file_on_its_way(visit: Visit, product: Product, editor: User, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.sign_in(editor)
    upload(visitor, files.csv_file(tmp_path / "pay.csv", files.rows()))
    mapping = page.url.removeprefix(visitor.url)
    assert_sound(visitor, mapping)
    product.rest()
    try:
        page.click("main button.primary")
        page.wait_for_url("**/check")
        assert_sound(visitor, page.url.removeprefix(visitor.url))
    finally:
        product.wake()
    page.get_by_role("button", name="Load").wait_for()
    assert_sound(visitor, page.url.removeprefix(visitor.url))
    product.rest()
    try:
        page.get_by_role("button", name="Load").click()
        page.get_by_text("waiting for a worker").first.wait_for()
        assert page.locator("[aria-live]").count() == 1
        assert_sound(visitor, page.url.removeprefix(visitor.url))
    finally:
        product.wake()
    page.get_by_text("Rows read").wait_for()
    report = page.url.removeprefix(visitor.url)
    for path in (report, f"{report}/rejects", "/imports/", "/", "/salaries/", "/salaries/rows/"):
        assert_sound(visitor, path)


def test_keyboard_alone(visit: Visit, editor: User) -> None:
    visitor = visit()
    page = visitor.sign_in(editor, then="/imports/new")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    language = page.locator("summary", has_text="EN")
    language.focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("button", name="Português").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("button", name="Português").is_visible()
    assert language.evaluate("element => element === document.activeElement")


@pytest.mark.parametrize("js", [True, False], ids=["js", "no-js"])
def test_theme_and_language_are_kept(visit: Visit, js: bool) -> None:
    visitor = visit(js=js)
    page = visitor.go("/account/sign-in")
    page.locator("summary[aria-label=Theme]").click()
    page.get_by_role("button", name="Dark").click()
    page.locator("html[data-theme=dark]").wait_for(state="attached")
    page.locator("summary", has_text="EN").click()
    page.get_by_role("button", name="Português").click()
    page.locator("html[lang=pt]").wait_for(state="attached")
    page.locator("summary[aria-label]", has_text="PT").wait_for()
    visitor.go("/account/sign-in")
    assert page.locator("html[data-theme=dark][lang=pt]").count() == 1


def test_menu_on_a_phone_without_scripts(visit: Visit, editor: User) -> None:
    visitor = visit(js=False, width=390)
    page = visitor.sign_in(editor, then="/imports/")
    link = page.locator(".nav-links a", has_text="Overview")
    assert not link.is_visible()
    page.get_by_role("button", name="Menu").click()
    assert link.is_visible()


def running(source: Import) -> None:
    """Give the import a load that is half done, as a large file has for a while."""
    now = timezone.now()
    began = now - timedelta(seconds=21)
    notes = ("Claimed by worker 1, attempt 1", "Header on line 1, semicolon, UTF-8", "Cleaning and copying")
    source.load = Run.objects.create(
        task="ingest.load",
        subject_id=source.pk,
        by=source.by,
        state=State.RUNNING,
        attempt=1,
        started_at=began,
        heartbeat_at=now,
        progress_done=11_231_904,
        progress_total=18_402_117,
        progress_detail={"good": 11_213_698, "rejected": 18_206, "rates": [530_000 + n for n in range(20)]},
        log=[{"at": (began + timedelta(seconds=n)).isoformat(), "text": t} for n, t in enumerate(notes)],
    )
    source.name = "payroll_latam_consolidated_v7_FINAL.csv"
    source.size = 2_100_000_000
    source.save()


def test_progress_of_a_long_load(visit: Visit, product: Product, editor: User, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.sign_in(editor)
    upload(visitor, files.csv_file(tmp_path / "pay.csv", files.rows()))
    product.rest()
    try:
        running(Import.objects.get())
        path = f"/imports/{Import.objects.get().pk}"
        visitor.go(path)
        assert page.locator(".progress-figure").inner_text() == "61%"
        assert "11,231,904 of 18,402,117 rows" in page.locator(".progress").inner_text()
        assert "about 13 s left" in page.locator(".progress").inner_text()
        assert page.get_by_text("530,019 rows a second now, 534,853 on the whole").is_visible()
        assert page.locator("#live svg rect").count() == 20
        assert page.locator("#announce").inner_text() == "Loading: 60 percent"
        lost = page.get_by_text("The server does not answer")
        page.context.set_offline(True)
        lost.wait_for()
        page.context.set_offline(False)
        lost.wait_for(state="hidden")
        visitor.complaints.clear()  # htmx says in the console that it could not ask
        assert_sound(visitor, path)
        for look in LOOKS.values():  # no picture is kept: its numbers are the test's, not a load's
            other = visit(**look)
            other.sign_in(editor, then=path)
            assert other.overflow() <= 0
    finally:
        Run.objects.filter(state=State.RUNNING).update(state=State.CANCELLED)
        product.wake()


LOOKS: dict[str, dict[str, int | bool]] = {"light": {}, "phone": {"width": 390}, "dark": {"dark": True}}


def picture(visitor: Visitor, user: User | None, path: str, name: str) -> None:
    """Look at a page and, where asked for, keep its picture."""
    if user:
        visitor.sign_in(user, then=path)
    else:
        visitor.go(path)
    assert visitor.overflow() <= 0
    visitor.picture(name)


@pytest.mark.parametrize("look", LOOKS)
def test_pictures(visit: Visit, editor: User, tmp_path: Path, look: str) -> None:
    picture(visit(**LOOKS[look]), None, "/account/sign-in", f"sign-in-{look}")
    visitor = visit(**LOOKS[look])
    page = visitor.sign_in(editor)
    upload(visitor, files.csv_file(tmp_path / "salários_2025_06 (cópia final).csv", files.rows(940, 60)))
    visitor.picture(f"import-map-{look}")
    check(visitor)
    visitor.picture(f"import-check-{look}")
    load(visitor)
    visitor.picture(f"import-report-{look}")
    for path, name in (("/", "overview"), ("/salaries/", "salaries")):
        visitor.go(path)
        assert page.locator("svg[role=img]").count() > 0
        visitor.picture(f"{name}-{look}")


def test_pages_of_hires(visit: Visit, editor: User) -> None:
    places_made(["Sales", "Support", "Research" * 20], ["Clerk", "Programmer Analyst III"])
    crowd(300, years=range(2001, 2021), departments=3, jobs=2)
    visitor = visit()
    visitor.sign_in(editor)
    for path in (
        "/",
        "/hiring/?year=2020&open=1&open=0",
        "/hiring/?year=2020&table=hires-by-quarter",
        "/hiring/?year=1999",
        "/hiring/departments/?year=2020&include_zero=1",
        "/hiring/people/?year=2020&department=1",
    ):
        assert_sound(visitor, path)


def test_page_of_backups(visit: Visit, editor: User, settings: Any, tmp_path: Path) -> None:
    settings.BACKUP_DIR = tmp_path
    backup_create(by=None)
    User.objects.filter(pk=editor.pk).update(role=Role.STAFF)
    visitor = visit()
    visitor.sign_in(User.objects.get(pk=editor.pk))
    assert_sound(visitor, "/backups/")
