"""Requests made of the OpenAPI document, sane and hostile, as every role: none may be our mistake."""

import argparse
import http.client
import itertools
import json
import os
import re
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench._making import PASSWORD, Known, Made, Maker
from bench._product import product, tokens

CALLERS = 6
WEB = 2  # processes
KEPT_FOR = 20  # requests on one connection: a process keeps all that it has taken
ACTORS = {"staff": 3, "editor": 4, "viewer": 2, "anonymous": 1}  # how often each calls
KEPT = 20  # requests shown that were answered with 5xx
LOG_KEPT = 20_000  # bytes of the product's log, shown beside them
SHOWN = Path(__file__).resolve().parent / "results" / "fuzz_failures.json"
PROBLEM = {"type", "title", "status", "detail", "instance", "request_id"}


class Tally:
    """What came back; shared by the callers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.left = 0
        self.statuses: Counter[int] = Counter()
        self.operations: Counter[str] = Counter()
        self.good: set[str] = set()
        self.bad: list[dict[str, Any]] = []
        self.odd: list[dict[str, Any]] = []
        self.slowest = (0.0, "")

    def take(self) -> bool:
        """Whether another request is due."""
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def add(self, made: Made, actor: str, status: int, kind: str, body: bytes, seconds: float) -> None:
        """Count one answer; 0: the connection ended without one."""
        told: dict[str, Any] = {
            "actor": actor,
            "status": status,
            "call": f"{made.method} {made.target[:300]}",
            "headers": made.headers,
            "body": (made.body or b"")[:1500].decode("latin-1"),
            "answer": body[:300].decode("latin-1"),
        }
        with self.lock:
            self.statuses[status] += 1
            self.operations[made.operation] += 1
            self.slowest = max(self.slowest, (seconds, told["call"]))
            if 200 <= status < 400:
                self.good.add(made.operation)
            if status >= 500 or status == 0:
                self.bad.append(told)
            elif status >= 400 and made.method != "HEAD" and not _is_problem(kind, body):
                self.odd.append(told)


def _is_problem(kind: str, body: bytes) -> bool:
    try:
        return kind.startswith("application/problem+json") and set(json.loads(body)) >= PROBLEM
    except (ValueError, TypeError):
        return False


def _call(port: int, maker: Maker, keys: dict[str, str], tally: Tally) -> None:
    """One caller, until there is nothing left to send."""
    visit = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number in itertools.count():
        if not tally.take():
            break
        if number % KEPT_FOR == 0:
            visit.close()
        made, (actor,) = maker.make(), maker.random.choices(list(ACTORS), list(ACTORS.values()))
        headers = dict(made.headers)
        if keys[actor] and maker.random.random() < 0.98:
            headers["Authorization"] = f"Bearer {keys[actor]}"
        began = time.perf_counter()
        try:
            visit.request(made.method, made.target, made.body, headers)
            answer = visit.getresponse()
            status, kind, body = answer.status, answer.headers.get("Content-Type", ""), answer.read()
            _learn(maker.known, answer.headers.get("Location", ""), body)
        except (OSError, http.client.HTTPException) as error:
            status, kind, body = 0, "", repr(error).encode()
            visit.close()
        tally.add(made, actor, status, kind, body, time.perf_counter() - began)


def _learn(known: Known, location: str, body: bytes) -> None:
    """Remember what was made."""
    if found := re.fullmatch(r"/api/v1/imports/([0-9]+)", location):
        known.ids.append(found[1])
    elif found := re.fullmatch(r"/api/v1/uploads/([0-9a-f-]+)", location):
        known.uploads.append(found[1])
    elif found := re.fullmatch(r"/api/v1/tokens/([0-9]+)", location):
        known.tokens.append(found[1])
    if named := re.search(rb'"file_id":"([^"]{1,60})"', body[:2000]):
        known.files.append(named[1].decode())
    del known.ids[:-60], known.uploads[:-10], known.files[:-10], known.tokens[:-10]


def run(argv: list[str]) -> dict[str, Any]:
    """`--requests` in all, `--seed` of what they are; requests that failed are in results/fuzz_failures.json."""
    parser = argparse.ArgumentParser(prog="python -m bench fuzz")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    from accounts.models import User
    from analytics.declarations import reports
    from ingest.batches import batch_load
    from ingest.declarations import datasets

    keys = tokens()
    own = User.objects.get(email="viewer@bench.example")  # who signs in by password is one of the callers
    own.set_password(PASSWORD)
    own.save()
    rows = [{"id": n, "department": f"D{n}"} for n in (1, 2)]
    batch_load(by=None, dataset="departments", rows=rows, mode="atomic")
    batch_load(by=None, dataset="jobs", rows=[{"id": 1, "job": "J"}], mode="atomic")
    slugs, names = tuple(d.slug for d in datasets()), tuple(r.slug for r in reports())
    tally = Tally()
    with product(web=WEB, DISK_FREE_MIN="0", IMPORTS_OPEN_PER_USER="1000") as running:
        port = running.port
        visit = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        visit.request("GET", "/api/v1/schema/")
        document = json.loads(visit.getresponse().read())
        known = Known(slugs=slugs, reports=names, account=own.email)
        makers = [Maker(document, given.seed * 1000 + n, known) for n in range(CALLERS)]
        tally.left = given.requests
        callers = [threading.Thread(target=_call, args=(port, m, keys, tally)) for m in makers]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    SHOWN.parent.mkdir(exist_ok=True)
    never = sorted({o["operationId"] for _m, _p, o in makers[0].operations} - tally.good)
    kept: dict[str, Any] = {
        "failed": tally.bad[:KEPT],
        "no_problem": tally.odd[:KEPT],
        "never_succeeded": never,
    }
    if tally.bad:
        log = Path(os.environ["SKILLORA_HOME"]) / "product.log"
        kept["log"] = log.read_text(errors="replace")[-LOG_KEPT:].splitlines()
    SHOWN.write_text(json.dumps(kept, indent=1))
    return {
        "requests": sum(tally.statuses.values()),
        "answers_5xx": sum(1 for told in tally.bad if told["status"]),
        "dropped_connections": sum(1 for told in tally.bad if not told["status"]),
        "errors_that_are_no_problem": len(tally.odd),
        "distinct_operations": len(tally.operations),
        "operations_in_document": len(makers[0].operations),
        "operations_that_succeeded": len(tally.good),
        "statuses": str(dict(sorted(tally.statuses.items()))),
        "slowest_s": round(tally.slowest[0], 2),
        "slowest": tally.slowest[1][:120],
        "seed": given.seed,
    }
