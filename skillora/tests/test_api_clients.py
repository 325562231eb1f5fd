"""Clients as documents describe them, against granian and a worker: their lines run as they stand, with a token."""

import csv
import io
import json
import re
import shlex
import socket
import statistics
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client

from accounts.models import ApiToken, Role, User
from ingest import samples
from ingest.declarations import dataset
from skillora.tests.serving import Product
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

# S2's text, "API Endpoints", with {task_id} filled in.
S2_UPLOAD = """\
curl -X POST "http://localhost:8000/api/v1/upload/csv/departments" \\
  -H "accept: application/json" \\
  -H "Content-Type: multipart/form-data" \\
  -F "file=@departments.csv\""""
S2_TASK = 'curl "http://localhost:8000/api/v1/task/{task_id}"'
S2_BATCH = """\
curl -X POST "http://localhost:8000/api/v1/batch/departments" \\
  -H "Content-Type: application/json" \\
  -d '{
    "table": "departments",
    "rows": [
      {"id": 1, "department": "Engineering"},
      {"id": 2, "department": "Sales"}
    ]
  }'"""
S2_QUARTERS = 'curl "http://localhost:8000/api/v1/analytics/hired/by-quarter?year=2021"'
S2_ABOVE = 'curl "http://localhost:8000/api/v1/analytics/departments/above-average?year=2021"'
S2_ABOVE_CSV = 'curl "http://localhost:8000/api/v1/analytics/departments/above-average?year=2021&format=csv"'
S2_HEALTH = "curl http://localhost:8000/api/v1/health"
# S3's text names its addresses, no lines.
S3_GETS = (
    "/metrics/hired-employees-by-quarter",
    "/metrics/departments-above-average-hiring",
    "/visuals/hired-employees-by-quarter",
    "/visuals/departments-above-average-hiring",
)


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
    """One line of a text on this product."""
    here = re.sub(r"http://localhost:80[08]0", product.url, line)
    return Call.of(here).send(folder=folder, headers=headers)


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


def people(year: int) -> list[dict[str, Any]]:
    """Hires into three departments, unevenly, over the four quarters."""
    rows = []
    for number in range(1, 61):
        department = 1 if number % 2 else 2 if number % 3 else 3
        time_ = f"{year}-{1 + number % 12:02}-15T10:00:00Z"
        rows.append(
            {"id": number, "name": f"P {number}", "datetime": time_, "department_id": department, "job_id": 1}
        )
    return rows


def inserted(product: Product, headers: dict[str, str], table: str, rows: list[dict[str, Any]]) -> Any:
    """S3's POST /insert."""
    body = json.dumps({"table": table, "data": rows})
    line = f"curl -X POST {product.url}/insert -H 'Content-Type: application/json' -d {shlex.quote(body)}"
    answer = Call.of(line).send(folder=Path(), headers=headers)
    assert answer.status == 200, answer.body
    return answer.json()


def test_lines_of_s2_and_addresses_of_s3_run_with_a_token(
    product: Product, headers: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "departments.csv").write_text("1,Engineering\n2,Sales\n3,Legal\n4,Research and Development\n")
    lines = (S2_UPLOAD, S2_BATCH, S2_QUARTERS, S2_ABOVE, S2_TASK.replace("{task_id}", "1"))
    assert {replay(product, line, {}, tmp_path).status for line in lines} == {401}
    accepted = replay(product, S2_UPLOAD, headers, tmp_path)
    assert accepted.status == 202, accepted.body
    assert accepted.json()["rows_to_process"] == 4
    line = S2_TASK.replace("{task_id}", accepted.json()["task_id"])
    end = time.monotonic() + SECONDS
    while (task := replay(product, line, headers, tmp_path).json())["status"] in {"pending", "processing"}:
        assert time.monotonic() < end, task
        time.sleep(0.1)
    assert (task["status"], task["result"]["rows_processed"]) == ("completed", 4)
    batch = replay(product, S2_BATCH, headers, tmp_path)
    assert (batch.status, batch.json()["table"], batch.json()["rows_inserted"]) == (200, "departments", 2)

    jobs = [{"id": 1, "job": "Recruiter"}, {"job": "numbered by the database"}]
    assert inserted(product, headers, "jobs", jobs)["success"] is True
    rows = people(2021)
    wrong = {**rows[0], "id": 99, "department_id": 77}
    said = inserted(product, headers, "hired_employees", [*rows, wrong])
    assert said["message"] == "60 records inserted into hired_employees"
    assert [failed["record"] for failed in said["failed_records"]] == [wrong]

    names = {1: "Engineering", 2: "Sales", 3: "Legal"}
    expected: dict[str, list[int]] = {name: [0] * 4 for name in sorted(names.values())}
    for row in rows:
        expected[names[row["department_id"]]][(int(row["datetime"][5:7]) - 1) // 3] += 1
    quarters = replay(product, S2_QUARTERS, headers, tmp_path).json()
    found = {row["department"]: [row[f"Q{n}"] for n in range(1, 5)] for row in quarters["data"]}
    assert (quarters["year"], found, quarters["total_rows"]) == (2021, expected, 3)
    hires = {name: sum(counts) for name, counts in expected.items()}
    mean = sum(hires.values()) / len(hires)
    above = replay(product, S2_ABOVE, headers, tmp_path).json()
    assert above["mean_hires"] == pytest.approx(mean)
    assert {row["department"]: row["hired"] for row in above["data"]} == {
        name: n for name, n in hires.items() if n > mean
    }
    text = replay(product, S2_ABOVE_CSV, headers, tmp_path)
    assert text.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "departments_above_average_2021.csv" in text.headers["Content-Disposition"]
    assert replay(product, S2_HEALTH, {}, tmp_path).json()["status"] in {"healthy", "degraded"}
    gets = {at: Call.of(f"curl {product.url}{at}").send(folder=tmp_path, headers=headers) for at in S3_GETS}
    assert {answer.status for answer in gets.values()} == {200}
    assert [sum(row[f"q{n}"] for row in gets[S3_GETS[0]].json()) for n in range(1, 5)] == [
        sum(counts[n] for counts in expected.values()) for n in range(4)
    ]
    assert {row["department"] for row in gets[S3_GETS[1]].json()} == {
        row["department"] for row in above["data"]
    }
    assert {gets[at].headers["Content-Type"] for at in S3_GETS[2:]} == {"image/png"}


def loaded(product: Product, accepted: Answer, headers: dict[str, str], folder: Path) -> Answer:
    """What the address of a load that is still under way says once it has ended."""
    end = time.monotonic() + SECONDS
    while True:
        line = f"curl {product.url}{accepted.headers['Location']}"
        answer = Call.of(line).send(folder=folder, headers=headers)
        if answer.json()["state"] not in {"queued", "running"}:
            return answer
        assert time.monotonic() < end, answer.body
        time.sleep(0.1)


def test_lines_of_the_quick_start_run(product: Product, headers: dict[str, str], tmp_path: Path) -> None:
    host = product.url.removeprefix("http://")
    page = Client(headers={"Host": host}).get("/api/")
    lines = [line for _says, line in page.context["examples"]]
    assert len(lines) == 5
    token = headers["Authorization"].split()[1]
    answers = []
    for line in lines:
        answers.append(Call.of(line.replace("$TOKEN", token)).send(folder=tmp_path, headers={}))
        if answers[-1].status == 202:  # the line waits for its load, but not for ever
            answers[-1] = loaded(product, answers[-1], headers, tmp_path)
    assert [answer.status for answer in answers] in ([200, 201, *[200] * 3], [200] * 5), [
        a.body for a in answers
    ]
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
        said = b""
        while b"\r\n\r\n" not in said and (more := visit.recv(65536)):
            said += more
    assert said.startswith(b"HTTP/1.1 413"), said[:300]
    assert b"application/problem+json" in said


def test_who_may_not_upload_is_told_why(product: Product, tmp_path: Path) -> None:
    (tmp_path / "pay.csv").write_text("title,salary\nEngineer,120000\n")
    kept = list(product.uploads.glob("*"))
    line = f"curl -F 'file=@pay.csv' {product.url}/api/jobs/ingest/upload"
    viewer = {"Authorization": f"Bearer {token_of(Role.VIEWER)}"}
    refused = Call.of(line).send(folder=tmp_path, headers=viewer)
    assert refused.status == 403
    assert "editor" in refused.json()["detail"]
    expired = {"Authorization": f"Bearer {token_of(Role.EDITOR, timedelta(seconds=-1))}"}
    refused = Call.of(line).send(folder=tmp_path, headers=expired)
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert list(product.uploads.glob("*")) == kept
