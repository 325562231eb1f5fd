"""The tasks there are: a name, the function that does the work, and when it is due by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runs.execution import Attempt

Handler = Callable[["Attempt"], None]


@dataclass(frozen=True)
class Task:
    """What `Run.task` names. `every`: a slot at each multiple since 1970; `at`: a slot a day, in UTC."""

    name: str
    handler: Handler
    queue: str = "default"
    every: timedelta | None = None
    at: time | None = None


_tasks: dict[str, Task] = {}
_preparations: list[Callable[[], object]] = []


def task(
    name: str, *, queue: str = "default", every: timedelta | None = None, at: time | None = None
) -> Callable[[Handler], Handler]:
    """Register a handler under `name`. Lives in an app's `tasks.py`, which is found like `admin.py`.

    The handler gets an `Attempt`. It does its work in one transaction and ends that with `attempt.finish(…)`;
    then whatever is killed at whatever moment, the work is there once or not at all.
    """

    def register(handler: Handler) -> Handler:
        if name in _tasks and _tasks[name].handler is not handler:
            raise ValueError(f"two tasks are called {name!r}")
        _tasks[name] = Task(name, handler, queue, every, at)
        return handler

    return register


def find(name: str) -> Task:
    """The task of that name; LookupError where no app declares it."""
    try:
        return _tasks[name]
    except KeyError:
        raise LookupError(f"no task {name!r}; there are: {', '.join(sorted(_tasks)) or 'none'}") from None


def scheduled() -> list[Task]:
    """Tasks that are due by themselves."""
    return [t for t in _tasks.values() if t.every or t.at]


def before_fork(preparation: Callable[[], object]) -> None:
    """Have each worker call `preparation` once, before it forks: what is slow to import or to build."""
    _preparations.append(preparation)


def prepare() -> None:
    """Call every preparation."""
    for preparation in _preparations:
        preparation()
