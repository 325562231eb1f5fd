"""The documents are under test: what they name exists."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

from skillora.home import BASE_DIR

DOCS = [BASE_DIR / "README.md", BASE_DIR / "CONTRIBUTING.md", *sorted((BASE_DIR / "docs").rglob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", (BASE_DIR / "Makefile").read_text(), re.MULTILINE))
PATH = re.compile(r"^[\w.-]+(?:/[\w.-]+)*/?$")
TOP = {p.name for p in BASE_DIR.iterdir()}


def ids(path: Path) -> str:
    return str(path.relative_to(BASE_DIR))


def spans(doc: Path) -> list[str]:
    """What stands between backticks, outside of code blocks."""
    return re.findall(
        r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", doc.read_text(), flags=re.MULTILINE | re.DOTALL)
    )


@pytest.mark.parametrize("doc", DOCS, ids=ids)
def test_paths_in_docs_exist(doc: Path) -> None:
    missing = []
    for span in spans(doc):
        path = span.split("::")[0]
        if PATH.match(path) and path.split("/")[0] in TOP and "/" in path and not (BASE_DIR / path).exists():
            missing.append(span)
    assert missing == []


@pytest.mark.parametrize("doc", DOCS, ids=ids)
def test_tests_named_in_docs_exist(doc: Path) -> None:
    missing = []
    for span in spans(doc):
        file, _, name = span.partition("::")
        if name and f"def {name}(" not in (BASE_DIR / file).read_text():
            missing.append(span)
    assert missing == []


@pytest.mark.parametrize("doc", DOCS, ids=ids)
def test_commands_in_docs_exist(doc: Path) -> None:
    text = doc.read_text()
    targets = set(re.findall(r"(?:^|`|\n)make ([a-z-]+)", text))
    assert targets - TARGETS == set()
    commands = set(re.findall(r"manage\.py ([a-z_]+)", text)) - {"run", "down"}
    assert commands - set(get_commands()) == set()


@pytest.mark.parametrize("doc", DOCS, ids=ids)
def test_links_in_docs_lead_somewhere(doc: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", doc.read_text())
    assert [link for link in links if not (doc.parent / link).exists()] == []


def test_every_make_target_has_its_help() -> None:
    text = (BASE_DIR / "Makefile").read_text()
    phony = set(re.search(r"\.PHONY: ((?:.*\\\n)*.*)", text).group(1).replace("\\", "").split())
    assert phony == TARGETS
