"""What a backup holds, as `manifest.json`: written last, so that without it there is no backup; sealed."""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

from skillora.lib.errors import DomainError

NAME = "manifest.json"
FORMAT = 1


class Damaged(DomainError):
    """Something of the backup is not as it was written. Nothing of it is used."""

    code = "backup_damaged"


class Incomplete(DomainError):
    """The backup has no manifest: it was broken off, or this is none."""

    code = "backup_incomplete"


class Newer(DomainError):
    """The backup has tables or changes that this version does not know."""

    code = "backup_newer"


@dataclass(frozen=True)
class Part:
    """One table in a backup. size in bytes; parts: the partitions that its rows need."""

    table: str
    label: str
    file: str
    columns: list[str]
    rows: int
    checksum: str
    size: int
    sha256: str
    sequences: dict[str, int]  # column → the last number its sequence has given
    parts: list[int]


@dataclass(frozen=True)
class Manifest:
    """A whole backup. migrations: app → names, the schema's version."""

    format: int
    name: str
    product: str  # version of the program
    created_at: str  # of the snapshot, ISO, UTC
    seconds: float
    migrations: dict[str, list[str]]
    tables: list[Part]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.tables)

    @property
    def size(self) -> int:
        """Bytes of all files of rows."""
        return sum(part.size for part in self.tables)

    def dump(self) -> bytes:
        """The file: JSON in one spelling only, with the SHA-256 of everything else in it."""
        return _sealed(asdict(self))


def _sealed(fields: dict[str, Any]) -> bytes:
    seal = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
    return json.dumps({**fields, "seal": seal}, indent=1, sort_keys=True).encode() + b"\n"


def load(raw: bytes) -> Manifest:
    """The manifest in a file. Damaged where a single bit is not as it was written."""
    try:
        fields = json.loads(raw)
        fields.pop("seal")
        if _sealed(fields) != raw:
            raise ValueError
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Damaged(_("The backup's manifest is damaged: use another backup.")) from error
    if fields["format"] > FORMAT:
        raise Newer(_("A newer version of Skillora wrote this backup: update this one, then restore."))
    return Manifest(**{**fields, "tables": [Part(**part) for part in fields["tables"]]})


def product_version() -> str:
    """The program's version."""
    with (Path(settings.BASE_DIR) / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def migrations_known() -> dict[str, list[str]]:
    """App → names of the migrations that this version has."""
    known: dict[str, list[str]] = {}
    for app, name in sorted(MigrationLoader(None, ignore_no_migrations=True).disk_migrations or ()):
        known.setdefault(app, []).append(name)
    return known


def refuse_newer(manifest: Manifest) -> None:
    """Newer where the backup's schema has changes that this version does not know."""
    known = migrations_known()
    unknown = [
        f"{app}.{name}"
        for app, names in manifest.migrations.items()
        for name in names
        if name not in known.get(app, [])
    ]
    if unknown:
        raise Newer(
            _("This backup is of version %(version)s, which is newer: it has %(unknown)s. Update first.")
            % {"version": manifest.product, "unknown": ", ".join(unknown[:5])}
        )
