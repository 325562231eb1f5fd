"""Settings by environment: complete in .env.example, and a wrong value says what would be right."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client, override_settings

from skillora import env
from skillora.home import BASE_DIR

APPS = ("skillora", "accounts", "runs", "ingest", "analytics", "hiring", "market")
READ = re.compile(
    r"""(?:env\.(?:text|flag|number|choice|words|networks|database)\(|environ(?:\.get)?[(\[])\s*["']([A-Z][A-Z_]+)["']"""
)
# Read, but not a setting of the product: the test run's own, and what make tells its children.
NOT_SETTINGS = {"MAKELEVEL", "PYTEST_XDIST_WORKER", "REQUIRE_BROWSER", "SKILLORA_TEST_SERVERS"}
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "PUBLISHED_PORT"}


def read_names() -> set[str]:
    files = [f for app in APPS for f in (BASE_DIR / app).rglob("*.py") if "tests" not in f.parts]
    return {name for f in files for name in READ.findall(f.read_text())} - NOT_SETTINGS


def example_names() -> set[str]:
    return set(re.findall(r"^([A-Z_]+)=", (BASE_DIR / ".env.example").read_text(), re.MULTILINE))


def test_env_example_names_every_variable_that_is_read() -> None:
    assert example_names() == read_names() | {"DATABASE_URL"} | COMPOSE_ONLY


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of their own."""
    servers = {"DATABASE_URL": "postgresql://a@/b", "REDIS_URL": "redis://127.0.0.1"}
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "import skillora.settings as s; print(s.SECURE_SSL_REDIRECT if s.PRODUCTION else s.DEMO)",
        ],
        cwd=BASE_DIR,
        env={**os.environ, "SKILLORA_ENV": "development", **servers, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (
            {"MAX_UPLOAD_SIZE": "2GB"},
            "skillora: MAX_UPLOAD_SIZE='2GB' cannot be used: use a whole number from 1024",
        ),
        ({"DEBUG": "maybe"}, "skillora: DEBUG='maybe' cannot be used: use 1 or 0"),
        ({"SKILLORA_ENV": "prod"}, "use one of development, production, test"),
        ({"DATABASE_URL": "sqlite:///x"}, "use postgresql://user:password@host:5432/database"),
        ({"SKILLORA_ENV": "production"}, "SECRET_KEY"),
        ({"SKILLORA_ENV": "production", "SECRET_KEY": "my_secret_key"}, "SECRET_KEY"),
    ],
)
def test_wrong_value_stops_the_start_and_says_what_is_right(environment: dict[str, str], words: str) -> None:
    done = start(**environment)
    assert done.returncode == 1
    assert words in done.stderr.strip().splitlines()[-1]


def test_production_is_never_a_demo_and_wants_https() -> None:
    done = start(SKILLORA_ENV="production", SECRET_KEY="x" * 50, DEMO="1")
    assert done.stdout.strip() == "True", done.stderr


def test_dotenv_gives_way_to_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("# a comment\nSKL_A='one'\nSKL_B=two=2\nnonsense\n")
    monkeypatch.setenv("SKL_A", "kept")
    monkeypatch.delenv("SKL_B", raising=False)
    env.load_dotenv(file)
    assert (os.environ["SKL_A"], os.environ.pop("SKL_B")) == ("kept", "two=2")


def test_database_address_may_name_a_socket_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:a%40b@/x?host=/srv/a%20b&sslmode=prefer")
    entry = env.database()
    assert (entry["HOST"], entry["PASSWORD"], entry["OPTIONS"]) == ("/srv/a b", "a@b", {"sslmode": "prefer"})


def test_shown_address_hides_the_password() -> None:
    assert env.hidden("postgresql://me:secret@host/x") == "postgresql://me:***@host/x"


@override_settings(CORS_ORIGINS=["https://pages.example"])
def test_cors_answers_listed_origins_alone(client: Client) -> None:
    headers = {"Origin": "https://pages.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/api/v1/tokens", headers=headers)
    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Origin"] == "https://pages.example"
    assert "authorization" in answer["Access-Control-Allow-Headers"]
    stranger = client.options("/api/v1/tokens", headers={**headers, "Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in stranger


def test_probes_answer_any_host(client: Client, db: None) -> None:
    for path in ("/healthz", "/readyz"):
        assert client.get(path, headers={"Host": "10.1.2.3"}).status_code == 200
        assert client.post(path).status_code == 405


@override_settings(REDIS_URL="redis://127.0.0.1:1/0")
def test_health_without_the_queue_is_503(client: Client, db: None) -> None:
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["services"]["redis"] == "unhealthy"
    assert answer.json()["services"]["database"] == "healthy"


def test_health_without_workers_is_degraded(client: Client, db: None) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
