"""What comes after a load, by API."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from ingest import services
from ingest.models import Import, row_id
from ingest.tests import faulty
from market.models import SalaryRecord
from runs.models import Run

pytestmark = pytest.mark.django_db(transaction=True)


def patch(client: Client, source: Import, *fixes: dict[str, Any], **headers: str) -> Any:
    body = json.dumps({"fixes": list(fixes)})
    return client.patch(
        f"/api/v1/imports/{source.pk}/rejects", body, "application/json", headers=headers or None
    )


def test_fixes_get_a_verdict_each(signed_in: Client, source: Import) -> None:
    answer = patch(
        signed_in,
        source,
        {"line": 22, "values": {"salary": "81000"}},
        {"line": 27, "cells": ["Data Engineer", "74000", "PT", "Mid", "nonsense", "x"]},
        {"line": 2, "values": {"salary": "1"}},
    ).json()
    assert [(one["line"], one["state"]) for one in answer["results"]] == [
        (22, "valid"),
        (27, "open"),
        (2, "missing"),
    ]
    assert answer["results"][1]["errors"][0]["code"] == "not_a_date"
    assert answer["valid"] == 1
    response = signed_in.post(answer["links"]["load"])
    assert response.status_code == 202 and response["Location"] == f"/api/v1/imports/{source.pk}"
    faulty.ran(Run.objects.get(task="ingest.fix"))
    body = signed_in.get(response["Location"]).json()
    assert (body["counters"]["inserted"], body["counters"]["rejected"]) == (21, 7)


@pytest.mark.parametrize(
    ("fix", "status"),
    [
        ({"line": 22, "values": {"nonsense": "1"}}, 422),
        ({"line": 0, "values": {"salary": "1"}}, 400),
        ({"line": 2**40, "values": {}}, 400),
        ({"line": 22, "cells": "abc"}, 400),
        ({"line": 22, "values": {"salary": "\x00"}}, 400),
    ],
)
def test_fix_that_is_none(signed_in: Client, source: Import, fix: dict[str, Any], status: int) -> None:
    assert patch(signed_in, source, fix).status_code == status
    assert not source.rejects.exclude(edited=None).exists()


def test_same_key_is_answered_once(signed_in: Client, source: Import) -> None:
    fix = {"line": 22, "values": {"salary": "81000"}}
    first = patch(signed_in, source, fix, **{"Idempotency-Key": "one"})
    again = patch(signed_in, source, fix, **{"Idempotency-Key": "one"})
    assert again.headers["Idempotent-Replayed"] == "true" and first.json() == again.json()
    assert source.rejects.get(line=22).version == 1


def test_rule_by_api(signed_in: Client, source: Import) -> None:
    rule = {
        "code": "unknown_country",
        "field": "country",
        "action": "replace",
        "value": "Brasill",
        "text": "BR",
    }
    answer = signed_in.post(f"/api/v1/imports/{source.pk}/rejects/rule", rule, "application/json")
    assert answer.json() == {"rows": 2, "valid": 2}


def test_sheet_by_api(signed_in: Client, source: Import) -> None:
    text = b"".join(services.rejects_csv(source)).decode("utf-8-sig").replace("abc", "81000")
    file = SimpleUploadedFile("back.csv", text.encode())
    answer = signed_in.post(f"/api/v1/imports/{source.pk}/rejects", {"file": file})
    assert answer.status_code == 202 and answer.json()["under_way"]["task"] == "ingest.fix"
    faulty.ran(Run.objects.get(task="ingest.fix"))
    assert SalaryRecord.objects.filter(pk=row_id(source.pk, 22)).exists()


def test_undo_by_api(signed_in: Client, source: Import) -> None:
    report = signed_in.get(f"/api/v1/imports/{source.pk}/undo").json()
    assert report["would"] == {"removed": 20, "restored": 0, "kept": 0, "blocked": 0, "reversed": 20}
    assert signed_in.post(f"/api/v1/imports/{source.pk}/undo").status_code == 202
    assert signed_in.post(f"/api/v1/imports/{source.pk}/undo").status_code == 409
    faulty.ran(Run.objects.get(task="ingest.undo"))
    body = signed_in.get(f"/api/v1/imports/{source.pk}").json()
    assert (body["state"], body["counters"]["inserted"]) == ("undone", 0)
    report = signed_in.get(f"/api/v1/imports/{source.pk}/undo").json()
    assert report["would"] is None and report["done"][0]["result"]["reversed"] == 20


def test_row_beside_its_line(signed_in: Client, source: Import) -> None:
    body = signed_in.get(f"/api/v1/imports/{source.pk}/rows/3").json()
    assert body["raw"] == faulty.GOOD[1]
    assert body["state"] == "loaded" and body["row"]["pay"] == 50001.0 and body["row"]["country"] == "Brazil"
    assert body["cells"][1] == {"column": "Salary", "text": "50001", "corrected": None, "field": "salary"}
    assert body["by"] == "ines@example.com"


def test_reject_beside_its_line(signed_in: Client, source: Import) -> None:
    patch(signed_in, source, {"line": 28, "values": {"salary": "1"}})
    body = signed_in.get(f"/api/v1/imports/{source.pk}/rows/28").json()
    assert body["raw"] == faulty.FAULTS[28]
    assert body["state"] == "rejected" and body["reject"]["code"] == "ragged_line"
    assert body["cells"][1]["corrected"] == "1" and len(body["cells"]) == 7


@pytest.mark.parametrize("line", [0, 1, 99, 2**31, 2**60])
def test_line_that_is_not_there(signed_in: Client, source: Import, line: int) -> None:
    assert signed_in.get(f"/api/v1/imports/{source.pk}/rows/{line}").status_code == 404
