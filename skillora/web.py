"""`python -m skillora.web`: granian with Django, on one socket that its processes share.

SIGHUP puts new processes in the place of the old ones, one by one: they start before the old ones end, and what
arrives meanwhile waits at the shared socket. Granian's own way, a socket per process, would reset it.
"""

import os
import resource
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.net import SocketSpec  # type: ignore[attr-defined]
from granian.server.mp import MPServer

from skillora import env
from skillora.home import BASE_DIR

BACKLOG = 4096  # connections that wait to be taken
CONNECTIONS = 16_384  # of one process; those that are slow cost memory only
RESPAWN_SECONDS = 4.0  # from the start of a process to the end of the one that it replaces
KILL_SECONDS = 3


class OneSocket(MPServer):
    """All processes take from one queue of connections, so that none is lost with a process."""

    def _init_shared_socket(self) -> None:
        self._ssp = self._sso = None
        socket: Any = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._shd, self._sfd = socket, socket.get_fd()


def raise_file_limit() -> None:
    """As many open files as the system allows: each connection is one."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    """Serve until SIGTERM or SIGINT, as HOST, PORT and WEB_PROCESSES say."""
    env.load_dotenv(BASE_DIR / ".env")
    raise_file_limit()
    OneSocket(
        "skillora.asgi:application",
        address=env.text("HOST", "127.0.0.1"),
        port=env.number("PORT", 8000, low=1, high=65535),
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        workers=env.number("WEB_PROCESSES", min(4, os.cpu_count() or 1), low=1, high=64),
        backlog=BACKLOG,
        backpressure=CONNECTIONS,
        respawn_failed_workers=True,
        respawn_interval=RESPAWN_SECONDS,
        workers_kill_timeout=KILL_SECONDS,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
