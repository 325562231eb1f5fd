"""Two hundred people send the same file at once: how many imports of it are loaded.

    python -m bench double_submit [--clients 200] [--rows 2000]

Each client sends file and mapping in one call, all at the same moment. One is taken; the others are told, with 409,
which import has the file.
"""

import argparse
import http.client
import json
import threading
import time
from collections import Counter
from typing import Any

from bench._product import product, tokens
from bench.slow_clients import BOUNDARY

FINAL_SECONDS = 60.0


def upload(rows: int) -> bytes:
    """The form with the file of so many rows, as each client sends it."""
    lines = "".join(f"Engineer {n},{50_000 + n}\n" for n in range(rows))
    fields = (
        ("dataset", "", "salary_records"),
        ("fill", "", "true"),
        ("file", '; filename="same.csv"\r\nContent-Type: text/csv', f"title,salary\n{lines}"),
    )
    parts = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
        for name, more, value in fields
    )
    return ("".join(parts) + f"--{BOUNDARY}--\r\n").encode()


def run(argv: list[str]) -> dict[str, Any]:
    """`--clients` at once, a file of `--rows`."""
    parser = argparse.ArgumentParser(prog="python -m bench double_submit")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rows", type=int, default=2000)
    given = parser.parse_args(argv)
    from ingest.models import Import
    from market.models import SalaryRecord
    from runs.models import OPEN_STATES

    token = tokens()["editor"]
    body = upload(given.rows)
    told: Counter[int] = Counter()
    named: set[int] = set()
    lock, gate = threading.Lock(), threading.Barrier(given.clients)

    def send(port: int) -> None:
        visit = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        visit.connect()
        kind = {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Authorization": f"Bearer {token}",
        }
        gate.wait()
        visit.request("POST", "/api/v1/imports", body, kind)
        answer = visit.getresponse()
        said = json.loads(answer.read())
        with lock:
            told[answer.status] += 1
            if answer.status == http.HTTPStatus.CONFLICT:
                named.update(error["value"] for error in said.get("errors", []))

    with product(web=2, workers=1, IMPORTS_OPEN_PER_USER="1000", IMPORTS_OPEN="1000") as running:
        clients = [threading.Thread(target=send, args=(running.port,)) for _ in range(given.clients)]
        began = time.monotonic()
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        answered = time.monotonic() - began
        end = time.monotonic() + FINAL_SECONDS
        while Import.objects.filter(load__state__in=OPEN_STATES).exists() and time.monotonic() < end:
            time.sleep(0.1)
    loaded = Import.objects.filter(load__state__in=("done", "done_with_rejects"))
    return {
        "clients": given.clients,
        "imports": Import.objects.exclude(load=None).count(),
        "loaded": loaded.count(),
        "rows": SalaryRecord.objects.count(),
        "rows_of_file": given.rows,
        "accepted": told[202] + told[201],
        "told_which_import": told[409],
        "named_that_one": named == set(loaded.values_list("pk", flat=True)),
        "other_answers": str({k: v for k, v in told.items() if k not in {201, 202, 409}}),
        "answered_s": round(answered, 1),
    }
