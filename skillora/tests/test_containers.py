"""Dockerfile and docker-compose.yml, as far as a parser can judge them."""

import re
from typing import Any

import yaml

from skillora.home import BASE_DIR
from skillora.tests.test_settings import example_names

COMPOSE = (BASE_DIR / "docker-compose.yml").read_text()
DOCKERFILE = (BASE_DIR / "Dockerfile").read_text()


def services() -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(COMPOSE)["services"])


def test_compose_has_every_part_with_a_health_check() -> None:
    parts = services()
    assert set(parts) == {"migrate", "web", "worker", "scheduler", "postgres", "valkey"}
    assert all("test" in parts[name]["healthcheck"] for name in ("worker", "scheduler", "postgres", "valkey"))
    assert "HEALTHCHECK" in DOCKERFILE  # web's


def test_compose_scales_workers_and_migrates_first() -> None:
    parts = services()
    assert "container_name" not in COMPOSE
    assert "ports" not in parts["worker"]
    for name in ("web", "worker", "scheduler"):
        assert parts[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_compose_variables_are_in_the_example_and_secrets_have_no_default() -> None:
    used = dict(re.findall(r"\$\{([A-Z_]+)(:[-?])", COMPOSE))
    assert set(used) <= example_names()
    assert used["POSTGRES_PASSWORD"] == used["SECRET_KEY"] == ":?"
    assert set(services()["web"]["environment"]) <= example_names()


def test_compose_volumes_are_named_and_declared() -> None:
    declared = set(yaml.safe_load(COMPOSE)["volumes"])
    used = {v.split(":")[0] for part in services().values() for v in part.get("volumes", [])}
    assert used == declared


def test_dockerfile_runs_as_an_ordinary_user_from_the_locked_requirements() -> None:
    lines = [
        line for line in DOCKERFILE.replace("\\\n", " ").splitlines() if line and not line.startswith("#")
    ]
    words = {line.split()[0] for line in lines}
    assert words <= {
        "FROM",
        "ENV",
        "WORKDIR",
        "COPY",
        "RUN",
        "USER",
        "VOLUME",
        "EXPOSE",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "CMD",
    }
    last_stage = lines[max(i for i, line in enumerate(lines) if line.startswith("FROM")) :]
    assert [line for line in last_stage if line.startswith("USER")] == ["USER skillora"]
    assert "--require-hashes" in DOCKERFILE
    assert not re.search(r"(SECRET_KEY|PASSWORD)\s*=", DOCKERFILE)
