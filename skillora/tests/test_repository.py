"""Measures of the repository itself."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from skillora.home import BASE_DIR

APPS = ("skillora", "accounts", "runs", "ingest", "analytics", "hiring", "market")
MODULE_LINES = 400
FUNCTION_LINES = 60
# A chart's SVG: a template of ours drew it, every text in it escaped.
MARKED_SAFE = {"analytics/drawing.py"}
VAGUE = {"utils", "helpers", "common", "managers", "misc"}


def tracked(pattern: str) -> list[Path]:
    """Files of the repository, or of the folder where it is no clone."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=BASE_DIR, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        files = [BASE_DIR / name for name in listed.stdout.split("\0") if name]
    else:
        files = [f for app in (*APPS, "templates", "static", "docs") for f in (BASE_DIR / app).rglob("*")]
    return [f for f in files if f.match(pattern) and f.is_file()]


def code() -> list[Path]:
    return [f for f in tracked("*.py") if "migrations" not in f.parts]


def short(path: Path) -> str:
    return str(path.relative_to(BASE_DIR))


def test_modules_are_short() -> None:
    long = {short(f): n for f in code() if (n := len(f.read_text().splitlines())) > MODULE_LINES}
    assert long == {}


def test_functions_are_short() -> None:
    long = {}
    for file in code():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long[f"{short(file)}:{node.name}"] = lines
    assert long == {}


def test_module_names_say_something() -> None:
    assert [short(f) for f in code() if f.stem in VAGUE] == []


def test_tests_lie_in_their_app() -> None:
    strays = [short(f) for f in code() if f.name.startswith("test_") and "tests" not in f.parts]
    assert strays == []
    assert [app for app in APPS if not list((BASE_DIR / app / "tests").rglob("test_*.py"))] == []


def test_templates_hold_no_inline_script_or_style() -> None:
    inline = re.compile(
        r"<style\b|\sstyle=|<script(?![^>]*\bsrc=)[^>]*>|\son[a-z]+=\"|javascript:", re.IGNORECASE
    )
    found = [short(f) for f in tracked("*.html") if inline.search(f.read_text())]
    assert found == []


def test_nothing_is_marked_safe() -> None:
    """Markup is made by templates and format_html alone."""
    unsafe = re.compile(r"\bmark_safe\(|\|\s*safe\b|autoescape off")
    sources = [f for f in (*code(), *tracked("*.html")) if "tests" not in f.parts]
    assert [short(f) for f in sources if unsafe.search(f.read_text())] == sorted(MARKED_SAFE)


def test_no_file_names_a_package_registry() -> None:
    """Installing must work from whatever registry the machine's pip knows."""
    hosts = re.compile(r"pypi\.org|pythonhosted|--index-url|--find-links|npmjs")
    kinds = ("*.txt", "*.in", "*.toml", "*.sh", "*.yml", "Makefile", "Dockerfile", "run")
    found = {short(f) for kind in kinds for f in tracked(kind) if hosts.search(f.read_text())}
    assert found == set()


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_locks_pin_every_package_with_hashes(lock: str) -> None:
    text = (BASE_DIR / lock).read_text()
    pinned = re.findall(r"^([a-z0-9][\w.-]*)==\S+", text, re.MULTILINE)
    blocks = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(pinned) == len(blocks)
    assert all("--hash=sha256:" in block for block in blocks)


def test_run_time_lock_is_part_of_the_development_lock() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9][\w.-]*==\S+)", (BASE_DIR / name).read_text(), re.MULTILINE))

    assert pins("requirements.txt") - pins("requirements-dev.txt") == set()
