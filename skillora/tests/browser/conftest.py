"""A real product (web and worker processes on the test database) and a real Chromium that visits it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, sync_playwright

from accounts.models import Role, User
from runs import doorbell
from skillora import testing
from skillora.tests.serving import Product

PASSWORD = "violet harbour 72 lanterns"
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
WAIT_SECONDS = 60
PICTURES = Path(__file__).resolve().parents[3] / "docs" / "img"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a file. Django must not mind that Playwright's event loop is in this thread."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        browser = playwright.chromium.launch(executable_path=testing.chromium(), args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody with a browser window of their own, and what its console complained about."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def sign_in(self, user: User, then: str = "/") -> Page:
        page = self.go(f"/account/sign-in?next={quote(then)}")
        page.fill("input[name=email]", user.email)
        page.fill("input[name=password]", PASSWORD)
        page.click("main button.primary")
        page.wait_for_url(self.url + then)
        return page

    def violations(self, **options: Any) -> str:
        """What axe finds wrong on this page, by all of its rules or as `options` has it; "" for nothing."""
        found = Axe().run(self.page, options={"resultTypes": ["violations"], **options})
        return found.generate_report() if found.violations_count else ""

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def picture(self, name: str) -> None:
        """Keep a picture of the whole page for the documentation, where SCREENSHOTS=1 asks for it."""
        if os.environ.get("SCREENSHOTS") == "1":
            width = self.page.viewport_size["width"] if self.page.viewport_size else 1280
            self.page.set_viewport_size({"width": width, "height": 600})
            height = int(self.page.evaluate("document.documentElement.scrollHeight"))
            self.page.set_viewport_size({"width": width, "height": min(height, 2600)})
            PICTURES.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)

    def see(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type not in {"document", "xhr"}:
            self.complaints.append(f"{response.status} {response.url}")


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(product: Product, chromium: Browser, transactional_db: None) -> Iterator[Visit]:
    """Opens windows; at the end none of them may have an error or a refused resource in its console."""
    doorbell.client().flushdb()
    windows: list[Visitor] = []

    def open_window(*, js: bool = True, width: int = 1280, dark: bool = False) -> Visitor:
        context = chromium.new_context(
            viewport={"width": width, "height": 800},
            java_script_enabled=js,
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        context.set_default_timeout(WAIT_SECONDS * 1000)
        visitor = Visitor(context.new_page(), product.url)
        visitor.page.on("console", visitor.hear)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        visitor.page.on("response", visitor.see)
        windows.append(visitor)
        return visitor

    yield open_window
    complaints = [complaint for window in windows for complaint in window.complaints]
    for window in windows:
        window.page.context.close()
    assert complaints == []


@pytest.fixture
def editor(transactional_db: None) -> User:
    return User.objects.create_user("ines@example.com", PASSWORD, full_name="Inês Duarte", role=Role.EDITOR)


@pytest.fixture
def viewer(transactional_db: None) -> User:
    return User.objects.create_user("nuria@example.com", PASSWORD, full_name="Núria Vidal", role=Role.VIEWER)
