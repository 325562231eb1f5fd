"""Processes on Linux: children that end with their parent, orphans that can be found, and a small supervisor.

Every process of one product carries the same marker in its environment, so that whatever is left of it,
however it was started and whoever was killed, can be told from the processes of others.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

MARKER = "SKILLORA_TREE"
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
BACKOFF_MAX_SECONDS = 10.0
STEADY_SECONDS = 30.0  # a child that lived this long starts its back-off anew

try:
    _prctl: Callable[..., int] | None = ctypes.CDLL(None, use_errno=True).prctl
except (AttributeError, OSError):  # not Linux: children of a killed supervisor stay
    _prctl = None


def become_subreaper() -> None:
    """Inherit the orphans of our children, so that they can be found and reaped."""
    if _prctl is not None:
        _prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(sig: int) -> None:
    """Have the kernel send us `sig` when the process that started us is gone."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)


def dying_with_parent(sig: int) -> Callable[[], None]:
    """For Popen's `preexec_fn`: the child gets `sig` when we are gone, even by kill -9."""
    parent = os.getpid()

    def before_exec() -> None:
        die_with_parent(sig)
        if os.getppid() != parent:  # gone between fork and here
            os._exit(1)

    return before_exec


def reap_orphans(known: Iterable[int] = ()) -> None:
    """Take the exit status of ended processes that we inherited; those in `known` belong to a Popen."""
    keep = set(known)
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if ended.si_pid in keep:
                return
            os.waitpid(ended.si_pid, 0)


def status_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, group, …; empty where it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return []


def alive(pid: int) -> bool:
    """Whether `pid` runs; a zombie does not."""
    return status_of(pid)[:1] not in ([], ["Z"], ["X"])


def command_of(pid: int) -> str:
    """The command line of `pid`, words separated by blanks; empty where it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def catches(pid: int, sig: int) -> bool:
    """Whether `pid` has a handler for `sig`."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        mask = next(line.split()[1] for line in lines if line.startswith("SigCgt:"))
        return bool(int(mask, 16) >> (sig - 1) & 1)
    return False


def _pids() -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        yield int(entry.name)


def children_of(parent: int) -> list[int]:
    """Living processes whose parent is `parent`."""
    return [pid for pid in _pids() if status_of(pid)[1:2] == [str(parent)] and alive(pid)]


def marked(marker: str) -> list[int]:
    """Living processes, ourselves apart, that carry `marker` in their environment."""
    wanted = f"{MARKER}={marker}".encode()
    found = []
    for pid in _pids():
        with contextlib.suppress(OSError):
            if (
                pid != os.getpid()
                and wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                and alive(pid)
            ):
                found.append(pid)
    return found


def send(pids: Iterable[int], sig: int) -> None:
    """Send `sig` to each process that is still there and ours."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, sig)


def wait_gone(pids: Iterable[int], seconds: float) -> bool:
    """Whether all of `pids` ended within `seconds`."""
    left = list(pids)
    end = time.monotonic() + seconds
    while left := [pid for pid in left if alive(pid)]:
        if time.monotonic() > end:
            return False
        time.sleep(0.03)
    return True


def end_marked(marker: str, seconds: float) -> int:
    """End every process with `marker`: politely, after `seconds` by force. Returns how many there were."""
    found = marked(marker)
    send(found, signal.SIGTERM)
    if not wait_gone(found, seconds):
        send(marked(marker), signal.SIGKILL)
        wait_gone(found, 2)
    reap_orphans()
    return len(found)


@dataclass
class Child:
    """One process of the tree, and how to start it again."""

    name: str
    command: list[str]
    log: Path
    env: dict[str, str]
    alone: bool = False  # whether what is left of its process group goes before it starts again
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    retry_at: float = 0.0
    failures: int = field(default=0)

    def start(self) -> None:
        """Start it in a process group of its own, its output going to its log."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.env,
                process_group=0,
                preexec_fn=dying_with_parent(signal.SIGTERM),  # noqa: PLW1509 - this process has one thread
            )
        self.started = time.monotonic()

    @property
    def pids(self) -> list[int]:
        return [self.process.pid] if self.process else []

    def end_group(self, sig: int) -> None:
        """Send `sig` to the whole process group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, sig)


class Tree:
    """The supervisor's children: started together, started again when they die, ended together."""

    def __init__(self, marker: str, say: Callable[[str], None]) -> None:
        self.marker = marker
        self.say = say
        self.children: list[Child] = []

    def add(self, child: Child) -> None:
        """Start `child` and look after it from now on."""
        child.env = {**child.env, MARKER: self.marker}
        self.children.append(child)
        child.start()

    def look(self) -> None:
        """Start again what has died, each with a back-off of its own."""
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                code = child.process.returncode
                child.failures = 1 if now - child.started > STEADY_SECONDS else child.failures + 1
                pause = min(BACKOFF_MAX_SECONDS, 0.25 * 2 ** (child.failures - 1))
                child.retry_at = now + pause
                how = f"signal {-code}" if code < 0 else f"status {code}"
                self.say(f"{child.name} ended ({how}), starting it again in {pause:g} s; see {child.log}")
                if child.alone:
                    child.end_group(signal.SIGKILL)
                child.process = None
            elif child.process is None and now >= child.retry_at:
                child.start()
        reap_orphans(pid for child in self.children for pid in child.pids)

    def end(self, seconds: float) -> None:
        """End everything: politely, after `seconds` by force, orphans included."""
        for child in self.children:
            send(child.pids, signal.SIGTERM)
        limit = time.monotonic() + seconds
        for child in self.children:
            if child.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.05, limit - time.monotonic()))
                child.end_group(signal.SIGKILL)
                child.process.wait()
        send(marked(self.marker), signal.SIGKILL)
        wait_gone(marked(self.marker), 2)
        reap_orphans()
