"""One advisory lock per run, held by the session that does the work.

The lock dies with the session, whatever kills it: no time-outs to guess. Ending the holder's session ends its
transaction too, so that a zombie cannot commit. Session locks do not pass through a transaction-mode pooler.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import connection

NAMESPACE = 0x52554E << 40  # "RUN": keeps clear of other users of advisory locks; run ids stay under 2**40

HOLDERS = """
    SELECT ((l.classid::bigint << 32) | l.objid::bigint) - %s AS run_id, l.pid, a.state_change
    FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
    JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND (l.classid::bigint >> 8) = %s
"""


def acquire(run_id: int) -> bool:
    """Take the run's lock for this session; False at once where another session has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [NAMESPACE + run_id])
        return bool(cursor.fetchone()[0])


def acquire_for_transaction(run_id: int) -> bool:
    """The same, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [NAMESPACE + run_id])
        return bool(cursor.fetchone()[0])


def release(run_id: int) -> None:
    """Give the lock back; nothing happens where this session does not hold it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [NAMESPACE + run_id])


class Holder(NamedTuple):
    """A session that holds a run's lock: its process id, and when it last began or ended work."""

    pid: int
    since: datetime


def holders() -> dict[int, Holder]:
    """Run id → who holds its lock."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS, [NAMESPACE, NAMESPACE >> 40])
        return {run_id: Holder(pid, since) for run_id, pid, since in cursor.fetchall()}


def terminate(pids: Iterable[int]) -> None:
    """End these sessions; PostgreSQL rolls back what they had open."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [list(pids)])


def session() -> int:
    """This session's process id in PostgreSQL."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])
