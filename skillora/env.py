"""Settings by environment: read once, typed; a wrong value says which variable, and what would be right."""

import ipaddress
import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit


class EnvError(SystemExit):
    """A variable has a value that cannot be used; the process ends with one line that says what to set."""

    def __init__(self, name: str, value: str, wanted: str) -> None:
        super().__init__(
            f"skillora: {name}={value!r} cannot be used: {wanted}. Set it in the environment or in .env."
        )


def load_dotenv(path: Path) -> None:
    """Read KEY=value lines of `path`, if it is there; the real environment wins."""
    if not path.is_file():
        return
    for raw in path.read_text(encoding="utf-8").splitlines():
        line = raw.strip()
        if not line or line.startswith("#") or "=" not in line:
            continue
        key, _, value = line.partition("=")
        os.environ.setdefault(key.strip(), value.strip().strip("'\""))


def text(name: str, default: str = "") -> str:
    """The variable, or `default` where it is missing or empty."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    """A yes/no variable: 1/0, true/false, yes/no, on/off."""
    value = text(name).lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise EnvError(name, value, "use 1 or 0")


def number(name: str, default: int, *, low: int, high: int) -> int:
    """A whole number within [low, high]."""
    value = text(name)
    if not value:
        return default
    if not (value.isascii() and value.isdigit()) or not low <= int(value) <= high:
        raise EnvError(name, value, f"use a whole number from {low} to {high}")
    return int(value)


def choice(name: str, default: str, among: Iterable[str]) -> str:
    """One of a few words."""
    value = text(name, default)
    if value not in set(among):
        raise EnvError(name, value, "use one of " + ", ".join(sorted(among)))
    return value


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty entries."""
    return [w.strip() for w in text(name, default).split(",") if w.strip()]


def networks(name: str) -> list[str]:
    """A comma-separated list of addresses and networks; EnvError for anything else."""
    found = words(name)
    for word in found:
        try:
            ipaddress.ip_network(word)
        except ValueError:
            raise EnvError(name, word, "name addresses or networks such as 10.0.0.0/8") from None
    return found


def hidden(url: str) -> str:
    """An address as it may be shown: its password as stars."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


def database(name: str = "DATABASE_URL") -> dict[str, object]:
    """Django's DATABASES entry of a postgresql:// address; a socket folder may stand in `?host=`.

    Raises EnvError where the variable is missing or is not a PostgreSQL address.
    """
    url = text(name)
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        wanted = "use postgresql://user:password@host:5432/database, or start with `make run`"
        raise EnvError(name, hidden(url), wanted)
    query = dict(p.split("=", 1) for p in parts.query.split("&") if "=" in p)
    host = unquote(query.pop("host", "") or parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "OPTIONS": {key: unquote(value) for key, value in query.items()},
    }
