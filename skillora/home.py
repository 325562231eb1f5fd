"""One data folder: where its parts lie, which addresses its servers have, and who runs them."""

import contextlib
import hashlib
import os
import pwd
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

BASE_DIR = Path(__file__).resolve().parent.parent
DATABASE = "skillora"
SOCKET_PATH_MAX = 90  # sun_path holds 108 bytes with the server's own file name in it
LOG_MAX_BYTES = 20 * 1024**2


class EmbeddedError(SystemExit):
    """The servers cannot be started; the message is one clear line."""

    def __init__(self, message: str) -> None:
        super().__init__(f"skillora: {message}")


@dataclass(frozen=True)
class Home:
    """One data folder with its servers. `throwaway`: faster than safe, and gone with its last user."""

    path: Path
    throwaway: bool = False

    @property
    def data(self) -> Path:
        return self.path / "postgres"

    @property
    def run(self) -> Path:
        """The folder of the sockets: under home, or a short stable one where home's path would not do."""
        run = self.path / "run"
        plain = re.fullmatch(r"[\w/.+-]+", str(run), re.ASCII) is not None
        if plain and len(str(run)) <= SOCKET_PATH_MAX and reachable(self.path, server_user()):
            return run
        digest = hashlib.sha256(str(self.path).encode()).hexdigest()[:12]
        return Path("/tmp") / f"skillora-{os.geteuid()}-{digest}"  # noqa: S108 - its owner is checked before use

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def password(self) -> str:
        """The database password: random, made once, readable by the owner alone."""
        file = self.path / "database-password"
        with (
            contextlib.suppress(FileExistsError),
            os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f,
        ):
            f.write(secrets.token_urlsafe(24))
        return file.read_text().strip()

    def address(self, database: str = DATABASE) -> str:
        """The postgresql:// address of one database."""
        return f"postgresql://{DATABASE}:{self.password()}@/{database}?host={quote(str(self.run), safe='/')}"

    @property
    def redis_url(self) -> str:
        return f"unix://{quote(str(self.run), safe='/')}/valkey.sock?db=0"

    def log(self, name: str) -> Path:
        """A log file, the last one set aside where it has grown big."""
        self.logs.mkdir(exist_ok=True)
        file = self.logs / f"{name}.log"
        if file.exists() and file.stat().st_size > LOG_MAX_BYTES:
            file.replace(file.with_suffix(".log.1"))
        return file


def home() -> Home:
    """The home that SKILLORA_HOME names, `.skillora` beside manage.py by default; made if missing."""
    path = Path(os.environ.get("SKILLORA_HOME") or BASE_DIR / ".skillora").resolve()
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o755)
        (path / "users.lock").touch()
    except OSError as error:
        raise EmbeddedError(
            f"the data folder {path} cannot be used ({error.strerror}); set SKILLORA_HOME"
        ) from None
    return Home(path)


def server_user() -> pwd.struct_passwd | None:
    """The account that PostgreSQL runs as: None for our own; root cannot run it, so root lends it one."""
    if os.geteuid() != 0:
        return None
    for name in (os.environ.get("SKILLORA_PG_USER"), "postgres", "nobody"):
        with contextlib.suppress(KeyError):
            if name:
                return pwd.getpwnam(name)
    raise EmbeddedError(
        "PostgreSQL cannot run as root, and no user 'postgres' or 'nobody' exists; set SKILLORA_PG_USER"
    )


def reachable(path: Path, user: pwd.struct_passwd | None) -> bool:
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
