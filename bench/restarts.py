"""Web restarted twenty times under load: requests that failed; and a worker ended in the midst of a load.

    python -m bench restarts [--restarts 20] [--clients 4]

A restart is SIGHUP: a new process in the place of each old one. Clients fetch pages over kept connections and over
new ones, and upload; a request failed where it got no answer, or one of 500 and more. A kept connection that the
server closes between two requests is opened anew, as every HTTP client does, and counted.
"""

import argparse
import http.client
import json
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench._product import Running, load_sample, product, session, tokens
from bench.slow_clients import BOUNDARY, PAGES, PART, ROWS
from skillora import processes

RESUMED_SECONDS = 30.0
LOAD_ROWS = 400_000
OPEN = ("queued", "running")


class Client:
    """Sends requests until told to stop, and counts what comes back."""

    def __init__(self, port: int, token: str, cookie: str, number: int) -> None:
        self.told: Counter[str] = Counter()
        self.failed: list[str] = []
        self.slowest = 0.0
        self._port, self._number = port, number
        self._token, self._cookie = {"Authorization": f"Bearer {token}"}, {"Cookie": cookie}
        self._visit = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def work(self, over: threading.Event) -> None:
        """One request after the other."""
        n = 0
        while not over.is_set():
            n += 1
            began = time.perf_counter()
            try:
                if n % 10 == 0:
                    status = self._upload(n)
                elif n % 3 == 0:
                    status = self._get(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60), n)
                else:
                    status = self._kept(n)
                self.told[str(status)] += 1
                if status >= 500:
                    self.failed.append(str(status))
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                self._visit.close()
            self.slowest = max(self.slowest, time.perf_counter() - began)

    def _get(self, visit: http.client.HTTPConnection, n: int) -> int:
        visit.request("GET", PAGES[n % len(PAGES)], headers=self._cookie)
        answer = visit.getresponse()
        answer.read()
        return answer.status

    def _kept(self, n: int) -> int:
        fresh = self._visit.sock is None
        try:
            return self._get(self._visit, n)
        except (ConnectionError, http.client.RemoteDisconnected):
            if fresh:
                raise
            self.told["reopened"] += 1
            self._visit.close()
            return self._get(self._visit, n)

    def _upload(self, n: int) -> int:
        rows = b"Engineer %d,%d\r\n" % (self._number, n) * 2000
        body = PART + rows + f"\r\n--{BOUNDARY}--\r\n".encode()
        visit = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        visit.request("POST", "/api/v1/imports", body, self._token | kind)
        answer = visit.getresponse()
        answer.read()
        visit.close()
        return answer.status


def restart(running: Running) -> float:
    """New web processes in the place of all old ones; seconds until the last old one is gone."""
    old, began = set(processes.children_of(running.web.pid)), time.monotonic()
    running.web.send_signal(signal.SIGHUP)
    while old & set(processes.children_of(running.web.pid)):
        time.sleep(0.05)
    return time.monotonic() - began


def stopped_mid_load(running: Running) -> dict[str, Any]:
    """SIGTERM to the worker that loads, with another one beside it: what was rolled back, when it went on."""
    from ingest import declarations, samples, services
    from market.models import SalaryRecord
    from runs.models import Run

    before = SalaryRecord.objects.count()
    path = Path(os.environ["SKILLORA_HOME"]) / "large.csv"
    with path.open("wb") as file:
        file.writelines(samples.sample(declarations.dataset("salary_records"), rows=LOAD_ROWS, seed=1))
    source = services.import_create(by=None, dataset="salary_records", upload=path, name=path.name)
    source = services.import_map(source=source, by=None, fill=True)
    run = services.import_submit(source=source, by=None)
    while run.state == "queued" or not run.progress_done:
        time.sleep(0.02)
        run.refresh_from_db()
    horse = int(run.worker.rpartition(":")[2])
    parent = int(processes.status_of(horse)[1])
    worker = next(one for one in running.workers if one.pid == parent)
    began = time.monotonic()
    worker.terminate()
    status = worker.wait(20)
    stopped = time.monotonic() - began
    rows_after_stop = SalaryRecord.objects.count() - before
    while (run := Run.objects.get(pk=run.pk)).attempt < 2 and time.monotonic() - began < RESUMED_SECONDS:
        time.sleep(0.02)
    resumed = time.monotonic() - began
    while run.state in OPEN and time.monotonic() - began < 120:
        time.sleep(0.1)
        run.refresh_from_db()
    source.refresh_from_db()
    return {
        "worker_exit_status": status,
        "worker_stopped_s": round(stopped, 2),
        "rows_after_stop": rows_after_stop,
        "resumed_s": round(resumed, 2),
        "rows": source.rows_read,
        "rows_lost": LOAD_ROWS - source.inserted - source.rejected,
        "rows_doubled": SalaryRecord.objects.count() - before - source.inserted,
    }


def run(argv: list[str]) -> dict[str, Any]:
    """`--restarts` of web under `--clients`; then one worker stopped in its load, another takes over."""
    parser = argparse.ArgumentParser(prog="python -m bench restarts")
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--clients", type=int, default=4)
    given = parser.parse_args(argv)
    token = tokens()["editor"]
    cookie = session("editor@bench.example")
    load_sample("salary_records", ROWS)
    over = threading.Event()
    with product(web=2, workers=2) as running:
        stop = stopped_mid_load(running)
        clients = [Client(running.port, token, cookie, n) for n in range(given.clients)]
        threads = [threading.Thread(target=client.work, args=(over,)) for client in clients]
        for thread in threads:
            thread.start()
        seconds = [restart(running) for _ in range(given.restarts)]
        over.set()
        for thread in threads:
            thread.join()
        log = (Path(os.environ["SKILLORA_HOME"]) / "product.log").read_text(errors="replace")
        logged = log[-1500:] if any(client.failed for client in clients) else ""
    told = sum((client.told for client in clients), Counter())
    failed = [text for client in clients for text in client.failed]
    return {
        "restarts": given.restarts,
        "requests": sum(n for status, n in told.items() if status.isdecimal()) + len(failed),
        "failed": len(failed),
        "failed_as": json.dumps(Counter(failed).most_common(5)),
        "logged": logged,
        "reopened": told["reopened"],
        "statuses": str({k: v for k, v in sorted(told.items()) if k.isdecimal()}),
        "slowest_s": round(max(client.slowest for client in clients), 2),
        "seconds_per_restart": round(sum(seconds) / len(seconds), 1),
        **stop,
    }
