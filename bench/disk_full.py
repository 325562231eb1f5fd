"""A disk that fills up in the midst of loads: rows left half, what people are told, and that it goes on by itself.

    python -m bench disk_full [--rows 300000] [--mb 1200] [--left 30]

Needs root: home (database, write-ahead log, uploads) lies on a tmpfs of `--mb`, filled by another file up to
`--left` MB while a load waits for its worker. An upload over HTTP meets the full disk too. Then the filler goes.
"""

import argparse
import contextlib
import http.client
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench._world import World
from skillora import embedded

OWN_SERVERS = True
MB = 1 << 20
TOLD_SECONDS = 120.0
FINAL_SECONDS = 180.0
RUN = "SELECT state, attempt, error_code, error_message FROM runs_run WHERE id = %s"
ROWS = """
    SELECT (SELECT count(*) FROM market_salaryrecord WHERE id >> 32 & 1048575 = %s),
           (SELECT count(*) FROM ingest_reject WHERE import_id = %s),
           (SELECT coalesce(sum(rows), 0)::bigint FROM analytics_segment WHERE dataset = 'salary_records')
"""


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system of that size, gone afterwards. RuntimeError where it may not be mounted."""
    with tempfile.TemporaryDirectory(prefix="skl-bench-disk-") as place:
        Path(place).chmod(0o755)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", place]
        if (done := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
            raise RuntimeError(
                f"a file system of its own is needed, and root to mount it: {done.stderr.strip()}"
            )
        try:
            yield Path(place)
        finally:
            subprocess.run(["umount", "--lazy", place], check=True)


def fill(path: Path, left: int) -> int:
    """Write a file until only `left` bytes of its disk are free; its size."""
    disk = os.statvfs(path.parent)
    size = int(disk.f_bavail * disk.f_frsize - left)
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return size


def uploaded(here: World, token: str, size: int) -> tuple[int, str]:
    """(status, detail) of an upload of `size` bytes: what is answered before any of them is sent."""
    visit = http.client.HTTPConnection("127.0.0.1", here.port, timeout=60)
    visit.putrequest("POST", "/api/v1/imports")
    visit.putheader("Authorization", f"Bearer {token}")
    visit.putheader("Content-Type", "multipart/form-data; boundary=b")
    visit.putheader("Content-Length", str(size))
    visit.endheaders()
    answer = visit.getresponse()
    said = json.loads(answer.read())
    return answer.status, str(said.get("detail", ""))


def told(here: World, run: int) -> tuple[str, str, float]:
    """(code, message) once the run says why it waits, and after how many seconds."""
    began = time.monotonic()
    while time.monotonic() - began < TOLD_SECONDS:
        _state, _attempt, code, message = here.query(RUN, run)[0]
        if code:
            return code, message, time.monotonic() - began
        time.sleep(0.2)
    return "", "", TOLD_SECONDS


def run(argv: list[str]) -> dict[str, Any]:
    """`--rows` of the load, `--mb` of the disk, `--left` MB free when it starts."""
    parser = argparse.ArgumentParser(prog="python -m bench disk_full")
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--mb", type=int, default=1200)
    parser.add_argument("--left", type=int, default=30)
    given = parser.parse_args(argv)
    with small_disk(given.mb) as disk, contextlib.ExitStack() as stack:
        home = disk / "home"
        home.mkdir()
        stack.enter_context(embedded.Lease(embedded.Home(home)))
        here = World(home, 1, 1, DISK_FREE_MIN="0", RUN_MAX_STALLS="5")
        here.start()
        stack.callback(here.stop)
        token = here.command("token", "editor@bench.example", "--create", "--role", "editor").strip()
        filler = disk / "filler"
        here.pause_process(here.workers()[0])
        said = here.command("workload_import", str(home), str(given.rows))
        source, pk, rows = map(int, said.split())
        fill(filler, given.left * MB)
        here.wake_process(here.workers()[0])
        code, message, seconds = told(here, pk)
        partial = here.query(ROWS, source, source)[0]
        status, detail = uploaded(here, token, 2 * given.left * MB)
        filler.unlink()
        began = time.monotonic()
        stuck = here.until_final(FINAL_SECONDS)
        state, attempts, *_ = here.query(RUN, pk)[0]
        stored, rejected, indexed = here.query(ROWS, source, source)[0]
        return {
            "rows": rows,
            "disk_mb": given.mb,
            "told_code": code,
            "told": message,
            "told_after_s": round(seconds, 1),
            "partial_rows": sum(partial),
            "upload_status": status,
            "upload_told": detail,
            "resumed_and_done_s": round(time.monotonic() - began, 1),
            "state": state,
            "attempts": attempts,
            "lost": rows - stored - rejected,
            "index_off_by": abs(indexed - stored),
            "stuck": len(stuck),
        }
