"""How pages fare while a thousand uploads stand still half way: their p95 beside that of a quiet server.

    python -m bench slow_clients [--stalled 1000] [--pages 300]

Each stalled upload is signed in, has sent its headers and the first KB of a body of 1 MB, and then nothing. Pages
are fetched one after the other, as one person does, before and meanwhile. An upload that is not slow goes through
in the midst of them.
"""

import argparse
import contextlib
import http.client
import resource
import socket
import time
from typing import Any

from bench._product import load_sample, product, session, tokens

BOUNDARY = "bench"
PART = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="dataset"\r\n\r\nsalary_records\r\n'
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="slow.csv"\r\n'
    "Content-Type: text/csv\r\n\r\ntitle,salary\r\n"
).encode()
PAGES = ("/", "/imports/", "/salaries/", "/api/v1/imports")
ROWS = 20_000  # that the pages tell about


def stalled(port: int, token: str) -> socket.socket:
    """An upload that has begun, and does not go on."""
    body = PART + b"Engineer,100000\r\n" * 60
    head = (
        f"POST /api/v1/imports HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: 1000000\r\n\r\n"
    )
    made = socket.create_connection(("127.0.0.1", port), timeout=30)
    made.sendall(head.encode() + body[:1024])
    return made


def seconds(port: int, cookie: str, pages: int) -> list[float]:
    """How long each page took, sorted; each must be answered well."""
    found = []
    visit = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for n in range(pages):
        began = time.perf_counter()
        visit.request("GET", PAGES[n % len(PAGES)], headers={"Cookie": cookie})
        answer = visit.getresponse()
        answer.read()
        found.append(time.perf_counter() - began)
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{PAGES[n % len(PAGES)]}: {answer.status}")
    visit.close()
    return sorted(found)


def upload(port: int, token: str) -> int:
    """The status that an upload in one go gets."""
    visit = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = PART + b"Engineer,100000\r\n" * 1000 + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Authorization": f"Bearer {token}"}
    visit.request("POST", "/api/v1/imports", body, kind)
    return visit.getresponse().status


def run(argv: list[str]) -> dict[str, Any]:
    """`--stalled` uploads, `--pages` fetched each time, `--web` processes."""
    parser = argparse.ArgumentParser(prog="python -m bench slow_clients")
    parser.add_argument("--stalled", type=int, default=1000)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--web", type=int, default=2)
    given = parser.parse_args(argv)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    token = tokens()["editor"]
    cookie = session("editor@bench.example")
    load_sample("salary_records", ROWS)
    with product(web=given.web, workers=0) as running, contextlib.ExitStack() as stack:
        seconds(running.port, cookie, 200)  # warm
        before = seconds(running.port, cookie, given.pages)
        slow = [stack.enter_context(stalled(running.port, token)) for _ in range(given.stalled)]
        time.sleep(2)
        meanwhile = seconds(running.port, cookie, given.pages)
        status = upload(running.port, token)
        alive = sum(_stands_still(one) for one in slow)

    def p95(times: list[float]) -> float:
        return times[int(0.95 * len(times))] * 1000

    return {
        "stalled": given.stalled,
        "still_open": alive,
        "pages": given.pages,
        "baseline_p50_ms": round(before[len(before) // 2] * 1000, 1),
        "baseline_p95_ms": round(p95(before), 1),
        "p50_ms": round(meanwhile[len(meanwhile) // 2] * 1000, 1),
        "p95_ms": round(p95(meanwhile), 1),
        "max_ms": round(meanwhile[-1] * 1000, 1),
        "ratio_p95": round(p95(meanwhile) / p95(before), 2),
        "upload_meanwhile": status,
        "web_processes": given.web,
    }


def _stands_still(one: socket.socket) -> bool:
    """Whether the server still waits for the rest: neither closed nor answered."""
    one.setblocking(False)
    try:
        one.recv(1)
    except BlockingIOError:
        return True
    return False
