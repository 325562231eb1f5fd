"""`python -m bench NAME [options]`: run one benchmark; without NAME, list them; `all` runs every one.

A benchmark is `bench/<name>.py` with `run(argv: list[str]) -> dict` of figures; its docstring's first line
says what it shows. The last line printed is one JSON object with the figures, which are also written to
`bench/results/<name>.json`. Servers are throw-away but durable (fsync on), in a folder of their own, unless
DATABASE_URL names others; a benchmark with `OWN_SERVERS = True` starts (and kills) its own.
"""

import contextlib
import importlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.db import connections

from skillora import embedded

HERE = Path(__file__).resolve().parent
Figures = dict[str, Any]


def names() -> list[str]:
    """Every benchmark there is."""
    files = sorted(HERE.glob("*.py"))
    return [
        f.stem for f in files if not f.stem.startswith("_") and "\ndef run(" in f.read_text(encoding="utf-8")
    ]


@contextlib.contextmanager
def throwaway_home() -> Iterator[Path]:
    """A data folder for durable servers that is gone afterwards; SKILLORA_HOME points to it meanwhile."""
    path = Path(tempfile.mkdtemp(prefix="skl-bench-"))
    path.chmod(0o755)
    home = path / "home"
    home.mkdir(mode=0o755)
    before = os.environ.get("SKILLORA_HOME")
    os.environ["SKILLORA_HOME"] = str(home)
    try:
        yield home
    finally:
        if before is None:
            del os.environ["SKILLORA_HOME"]
        else:
            os.environ["SKILLORA_HOME"] = before
        data = (home / "postgres").resolve()  # lies elsewhere where the server's user cannot reach our folder
        shutil.rmtree(path, ignore_errors=True)
        if not data.is_relative_to(path):
            shutil.rmtree(data, ignore_errors=True)


@contextlib.contextmanager
def servers() -> Iterator[None]:
    """Durable servers with an empty, migrated database, and Django set up."""
    with contextlib.ExitStack() as stack:
        if not os.environ.get("DATABASE_URL"):
            home = stack.enter_context(throwaway_home())
            os.environ.pop("REDIS_URL", None)
            stack.enter_context(embedded.servers(embedded.Home(home)))
        django.setup()
        call_command("migrate", verbosity=0)
        yield
        connections.close_all()


def measure(name: str, argv: list[str]) -> Figures:
    """Run one benchmark, print its table and write its results."""
    module = importlib.import_module(f"bench.{name}")
    start = time.perf_counter()
    with contextlib.nullcontext() if getattr(module, "OWN_SERVERS", False) else servers():
        figures: Figures = module.run(argv)
    figures = {
        "bench": name,
        **figures,
        "seconds_in_all": round(time.perf_counter() - start, 1),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    width = max(map(len, figures))
    print(f"\n{name}: {(module.__doc__ or '').splitlines()[0]}")
    for key, value in figures.items():
        shown = f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else value
        print(f"  {key:<{width}}  {shown}")
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures), flush=True)
    return figures


def end_by_signal(number: int, frame: object) -> None:
    """SIGTERM as an exception, so that what was started is ended and what was made is removed; once."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def apart(name: str) -> None:
    """Run a benchmark in a process of its own, which ends with this one."""
    with subprocess.Popen([sys.executable, "-m", "bench", name]) as running:
        try:
            running.wait()
        except BaseException:
            running.terminate()
            raise


def main(argv: list[str]) -> int:
    """The command line; exit status 2 for a name that is not there."""
    signal.signal(signal.SIGTERM, end_by_signal)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skillora.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    if not argv:
        for name in names():
            module = importlib.util.find_spec(f"bench.{name}")
            doc = (
                Path(module.origin).read_text(encoding="utf-8").split('"""')[1]
                if module and module.origin
                else ""
            )
            print(f"{name:<12} {doc.strip().splitlines()[0] if doc else ''}")
        return 0
    wanted = names() if argv[0] == "all" else [argv[0]]
    if unknown := set(wanted) - set(names()):
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    for name in wanted:
        if len(wanted) == 1:
            measure(name, argv[1:])
        else:  # a process each: Django is set up once per process, and memory figures stay clean
            apart(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
