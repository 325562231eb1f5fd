"""The frame of every page: themes, links, icons; templates and styles that the security policy allows."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Role, User
from ingest.models import Backup

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_template_has_nothing_inline(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert "|safe" not in text and "autoescape off" not in text


def test_icons_that_are_used_exist() -> None:
    symbols = set(re.findall(r'id="i-([\w-]+)"', (ROOT / "templates/components/icons.html").read_text()))
    for path in TEMPLATES:
        text = path.read_text()
        used = {*re.findall(r'\{% icon "([\w-]+)"', text), *re.findall(r'href="#i-([\w-]+)"', text)}
        assert used <= symbols, f"{path.name}: {used - symbols}"


def test_raw_colours_stand_only_in_tokens() -> None:
    for path in STYLES:
        text = re.sub(r"url\([^)]*\)|/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
        if path.name != "tokens.css":
            assert not re.search(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", text), path.name
            assert not re.search(r"^\s*--[\w-]+\s*:", text, flags=re.MULTILINE), path.name


def test_custom_properties_that_are_used_exist() -> None:
    known = set(re.findall(r"(--[\w-]+)\s*:", (ROOT / "static/css/tokens.css").read_text()))
    for path in STYLES:
        assert set(re.findall(r"var\((--[\w-]+)", path.read_text())) <= known, path.name


@pytest.mark.parametrize(
    ("back", "expected"),
    [
        ("/salaries/?country=BR", "/salaries/?country=BR"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
    ],
)
def test_theme_goes_back_only_to_this_site(client: Client, back: str, expected: str) -> None:
    response = client.post("/theme", {"theme": "dark", "next": back})
    assert response.status_code == 302
    assert response["Location"] == expected
    assert client.cookies["theme"].value == "dark"


@pytest.mark.parametrize("theme", ["", "nonsense", '"><script>'])
def test_theme_of_the_system(client: Client, theme: str) -> None:
    client.cookies["theme"] = "dark"
    client.post("/theme", {"theme": theme, "next": "/"})
    assert client.cookies["theme"].value == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("theme", "attribute"), [("dark", True), ("light", True), ("nonsense", False), ("", False)]
)
def test_theme_of_a_page(client: Client, theme: str, attribute: bool) -> None:
    client.cookies["theme"] = theme
    body = client.get("/account/sign-in").content.decode()
    assert (f'data-theme="{theme}"' in body) is attribute


@pytest.mark.django_db
def test_links_of_the_bar_are_alive(client: Client, django_user_model: type) -> None:
    user = django_user_model.objects.create_user("a@example.com")
    client.force_login(user)
    body = client.get("/imports/").content.decode()
    bar = re.search(r'class="nav-links">(.*?)</ul>', body, flags=re.DOTALL)
    assert bar is not None
    links = re.findall(r'href="([^"]+)"', bar[1])
    assert len(links) >= 3
    for link in links:
        assert client.get(link).status_code == 200, link


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("made", "error", "said"),
    [
        (None, "", "No backup yet"),
        ({}, "", "Backups: last 3\xa0hours ago, never rehearsed"),
        ({"rehearsed_at": timedelta(hours=2)}, "", "Backups: last 3\xa0hours ago, rehearsed 2\xa0hours ago"),
        (
            {"rehearsed_at": timedelta(hours=2)},
            "a row is lost",
            "Backups: last 3\xa0hours ago, the rehearsal failed",
        ),
    ],
    ids=["none", "made", "rehearsed", "failed"],
)
def test_foot_tells_staff_of_backups(
    client: Client, made: dict[str, timedelta] | None, error: str, said: str
) -> None:
    if made is not None:
        now = timezone.now()
        times = {name: now - ago for name, ago in {"created_at": timedelta(hours=3), **made}.items()}
        Backup.objects.create(name="a", place="here", rehearsal_error=error, **times)
    client.force_login(User.objects.create_user("staff@example.com", role=Role.STAFF))
    assert said in client.get("/imports/").content.decode()
    client.force_login(User.objects.create_user("viewer@example.com"))
    foot = client.get("/imports/").content.decode().split("<footer")[1]
    assert "ackup" not in foot
