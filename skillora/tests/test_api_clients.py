"""Clients as documents describe them, against granian and a worker: their lines run as they stand, with a token."""

import csv
import io
import socket
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client

from accounts.models import ApiToken, Role, User
from ingest import samples
from ingest.declarations import dataset
from skillora.tests.serving import Product, serving
from skillora.tests.shell_lines import Answer, Call

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.integration]
SECONDS = 120.0
ROWS = 3_000
IN_USA = {"us", "usa", "united states", "estados unidos", "eua"}  # as the sample writes it

# S0's own text, "Using the APIs"; only host, <uuid> and <task_id> are filled in.
S0_UPLOAD = (
    'curl -F "file=@backend/sample_data/jobs_dataset_reference.csv"'
    "   http://localhost:8080/api/jobs/ingest/upload"
)
S0_MAP = """\
curl -X POST http://localhost:8080/api/jobs/ingest/map   -H "Content-Type: application/json"   -d '{
    "file_id": "<uuid>.csv",
    "column_map": {
      "title": "job_title",
      "salary": "compensation",
      "currency": "currency",
      "country": "country",
      "seniority": "seniority",
      "stack": "stack"
    }
  }'"""
S0_TASK = "curl http://localhost:8080/api/jobs/ingest/tasks/<task_id>"
S0_SUMMARY = 'curl "http://localhost:8080/api/jobs/analytics/salary/summary?title=Engineer&country=USA"'
S0_COMPARE = 'curl "http://localhost:8080/api/jobs/analytics/stack/compare?title=Engineer"'


@pytest.fixture
def product(transactional_db: None, tmp_path: Path) -> Iterator[Product]:
    uploads = tmp_path / "uploads"
    with serving(tmp_path, UPLOAD_DIR=str(uploads)) as running:
        yield running


def token_of(role: Role, lifetime: timedelta = timedelta(days=1)) -> str:
    user = User.objects.create_user(f"{role}-{time.monotonic_ns()}@example.com", None, role=role)
    return ApiToken.issue(user=user, lifetime=lifetime)[1]


@pytest.fixture
def headers(transactional_db: None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(Role.EDITOR)}"}


def salaries(folder: Path) -> list[dict[str, str]]:
    """S0's reference file, made anew: its header, dollars only; the rows that must load."""
    text = b"".join(samples.sample(dataset("salary_records"), rows=ROWS, seed=7, faults=0.0)).decode()
    names = {"title": "job_title", "salary": "compensation"}
    kept = ("title", "salary", "currency", "country", "seniority", "stack")
    rows = []
    for row in csv.DictReader(io.StringIO(text)):
        amount = row["salary"].strip().lstrip("$").replace(",", "")
        pay = amount.removesuffix("k") + ("000" if amount.endswith("k") else "")
        rows.append({**{name: row[name] for name in kept}, "salary": pay, "currency": "USD"})
    file = folder / "backend/sample_data/jobs_dataset_reference.csv"
    file.parent.mkdir(parents=True)
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([names.get(name, name) for name in kept])
        writer.writerows([row[name] for name in kept] for row in rows)
    return rows


def replay(product: Product, line: str, headers: dict[str, str], folder: Path) -> Answer:
    """One line of S0's text on this product."""
    return Call.of(line.replace("http://localhost:8080", product.url)).send(folder=folder, headers=headers)


def finished(product: Product, task: str, headers: dict[str, str], folder: Path) -> dict[str, Any]:
    """The task, asked for by S0's line until it is ready."""
    end = time.monotonic() + SECONDS
    while True:
        answer = replay(product, S0_TASK.replace("<task_id>", task), headers, folder)
        assert answer.status == 200, answer.body
        body: dict[str, Any] = answer.json()
        if body["ready"]:
            return body
        assert body["state"] in {"PENDING", "STARTED", "PROGRESS"}
        assert time.monotonic() < end, body
        time.sleep(0.1)


def test_lines_of_s0_run_with_a_token(product: Product, headers: dict[str, str], tmp_path: Path) -> None:
    rows = salaries(tmp_path)
    assert replay(product, S0_UPLOAD, {}, tmp_path).status == 401
    uploaded = replay(product, S0_UPLOAD, headers, tmp_path)
    assert uploaded.status == 200, uploaded.body
    file_id = uploaded.json()["file_id"]
    mapped = replay(product, S0_MAP.replace("<uuid>.csv", file_id), headers, tmp_path)
    assert mapped.status == 200, mapped.body
    assert mapped.json()["status"] == "queued"
    task = finished(product, mapped.json()["task_id"], headers, tmp_path)
    assert (task["state"], task["successful"]) == ("SUCCESS", True)
    assert task["result"]["file_id"] == file_id
    assert (task["result"]["inserted"], task["result"]["total"]) == (ROWS, ROWS)
    assert 1 <= len(task["result"]["sample"]) <= 3

    engineers = [row for row in rows if "engineer" in row["title"].casefold()]
    pays = np.array([float(row["salary"]) for row in engineers if row["country"].strip().lower() in IN_USA])
    assert len(pays) > 50
    summary = replay(product, S0_SUMMARY, headers, tmp_path).json()
    assert summary["n"] == len(pays)
    for percent in (50, 75, 90):
        assert summary[f"p{percent}"] == pytest.approx(np.percentile(pays, percent), abs=0.005)

    by_stack: dict[frozenset[str], list[float]] = {}
    for row in engineers:
        skills = frozenset(skill.strip().casefold() for skill in row["stack"].split(",") if skill.strip())
        by_stack.setdefault(skills, []).append(float(row["salary"]))
    compared = replay(product, S0_COMPARE, headers, tmp_path).json()
    found = {frozenset(s.strip().casefold() for s in row["stack"].split(",")): row for row in compared}
    assert [row["p50"] for row in compared] == sorted((row["p50"] for row in compared), reverse=True)
    for skills, values in by_stack.items():
        if skills:
            assert found[skills]["n"] == len(values)
            assert found[skills]["p50"] == pytest.approx(statistics.median(values), abs=0.005)


def test_lines_of_the_quick_start_run(product: Product, headers: dict[str, str], tmp_path: Path) -> None:
    host = product.url.removeprefix("http://")
    page = Client(headers={"Host": host}).get("/api/")
    lines = [line for _says, line in page.context["examples"]]
    assert len(lines) == 5
    token = headers["Authorization"].split()[1]
    answers = [Call.of(line.replace("$TOKEN", token)).send(folder=tmp_path, headers={}) for line in lines]
    assert [answer.status for answer in answers] == [200, 201, 200, 200, 200], [a.body for a in answers]
    assert "salary_records" in [found["slug"] for found in answers[0].json()["results"]]
    counters = {"read": 2, "inserted": 1, "updated": 0, "unchanged": 0, "rejected": 1, "skipped": 0}
    assert answers[1].json()["counters"] == counters
    assert answers[2].json()["results"][0]["counters"] == counters
    assert answers[3].json()["n"] == 1
    assert answers[4].headers["Content-Type"].startswith("image/svg+xml")


def test_ten_gigabytes_are_refused_before_they_are_sent(product: Product, headers: dict[str, str]) -> None:
    head = (
        "POST /api/v1/imports HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Authorization: {headers['Authorization']}\r\nContent-Length: {10 * 1024**3}\r\n\r\n--x\r\n"
    )
    with socket.create_connection(("127.0.0.1", product.port), timeout=60) as visit:
        visit.sendall(head.encode())
        said = visit.recv(65536)
    assert said.startswith(b"HTTP/1.1 413"), said[:300]
    assert b"application/problem+json" in said


def test_who_may_not_upload_is_told_why(product: Product, tmp_path: Path) -> None:
    (tmp_path / "pay.csv").write_text("title,salary\nEngineer,120000\n")
    line = f"curl -F 'file=@pay.csv' {product.url}/api/jobs/ingest/upload"
    viewer = {"Authorization": f"Bearer {token_of(Role.VIEWER)}"}
    refused = Call.of(line).send(folder=tmp_path, headers=viewer)
    assert refused.status == 403
    assert "editor" in refused.json()["detail"]
    expired = {"Authorization": f"Bearer {token_of(Role.EDITOR, timedelta(seconds=-1))}"}
    refused = Call.of(line).send(folder=tmp_path, headers=expired)
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert list(tmp_path.glob("uploads/*")) == []
