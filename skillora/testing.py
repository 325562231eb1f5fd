"""pytest plugin: a throw-away PostgreSQL and Valkey for the whole run, up before Django is set up.

Tests marked `browser` drive the Chromium that is there. Where there is none they are left out, loudly; with
REQUIRE_BROWSER=1 that is a failure.
"""

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from skillora import embedded

os.environ["SKILLORA_ENV"] = "test"


def _start() -> None:
    """Servers for this run; its xdist workers and the products under test share them by the environment."""
    if os.environ.get("SKILLORA_TEST_SERVERS"):
        _own_queue(os.environ.get("PYTEST_XDIST_WORKER", ""))
        return
    path = Path(tempfile.mkdtemp(prefix="skl-test-")).resolve()
    path.chmod(0o755)
    # The tests never touch servers or settings that the environment names for the product.
    for name in ("DATABASE_URL", "REDIS_URL", "DEMO", "UPLOAD_DIR", "PORT", "HOST"):
        os.environ.pop(name, None)
    os.environ["SKILLORA_HOME"] = str(path)
    stack = contextlib.ExitStack()
    stack.enter_context(embedded.servers(embedded.Home(path, throwaway=True)))
    os.environ["SKILLORA_TEST_SERVERS"] = str(path)
    atexit.register(stack.close)


def _own_queue(worker: str) -> None:
    """Each xdist worker has a queue database of its own: the server has sixteen, the first is the run's."""
    if worker:
        number = int(worker.removeprefix("gw")) % 15 + 1
        os.environ["REDIS_URL"] = os.environ["REDIS_URL"].partition("?")[0] + f"?db={number}"


_start()

LEFT_OUT = pytest.StashKey[int]()


def chromium() -> str | None:
    """The browser's program, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long comes first, so that no core waits at the end; browser tests only where there is a browser.

    Coverage is not measured where other processes do the work: there it only costs, half of a test's time.
    """
    long = ("browser", "integration")
    items.sort(
        key=lambda item: next((at for at, mark in enumerate(long) if item.get_closest_marker(mark)), 9)
    )
    for item in items:
        if any(item.get_closest_marker(mark) for mark in (*long, "slow")):
            item.add_marker("no_cover")
    if chromium():
        return
    out = [item for item in items if item.get_closest_marker("browser")]
    if out:
        items[:] = [item for item in items if item not in out]
        config.hook.pytest_deselected(items=out)
        _leave_out(config, len(out))


def _leave_out(config: pytest.Config, count: int) -> None:
    """Remember how many; an xdist worker tells its controller."""
    config.stash[LEFT_OUT] = count
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_out"] = count


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """What an xdist worker said about browser tests."""
    if count := getattr(node, "workeroutput", {}).get("left_out"):
        node.config.stash[LEFT_OUT] = count


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With REQUIRE_BROWSER=1 a test left out is a failure."""
    left_out = session.config.stash.get(LEFT_OUT, 0)
    if left_out and os.environ.get("REQUIRE_BROWSER") == "1" and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One loud line for what was left out."""
    if left_out := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f"!!! NO BROWSER: {left_out} browser tests were LEFT OUT. Install Chromium "
            "(Debian, Ubuntu: apt-get install chromium) and run again.",
            red=True,
            bold=True,
        )
