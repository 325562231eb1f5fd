"""The dry run: the whole file through reading and cleaning, counted and explained; nothing is written.

Of an upsert dataset every row is looked up, so that new, changed, the same and doubled are told apart.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest import declarations, upserting
from ingest.cleaning import Cleaner
from ingest.declarations import Dataset
from ingest.facts import Facts
from ingest.loading import Counts
from ingest.mapping import Mapping
from ingest.models import Import
from ingest.readers import read
from ingest.refused import Refused
from ingest.rejects import EXAMPLES, Groups, ListedRow
from ingest.storage import stored_path
from ingest.writing import count
from runs.models import State

if TYPE_CHECKING:
    from runs.execution import Attempt


def check(source: Import, dataset: Dataset, path: Path, attempt: "Attempt") -> None:
    """End the run with {read, inserted, …, rejected, blanked, groups, doubled, seconds} as its result."""
    started = time.monotonic()
    facts = Facts.from_json(source.facts)
    cleaner = Cleaner(dataset, Mapping.from_json(source.mapping), facts, lenient=source.lenient, dry=True)
    counts, groups, doubled = Counts(), Groups(), list[dict[str, Any]]()
    if dataset.mode == "upsert":
        pieces = _upserted(
            upserting.Preparation(dataset, source.pk, path, facts, cleaner, dry=True), counts, doubled
        )
    else:
        pieces = _appended(path, facts, cleaner, counts)
    for rejected in pieces:
        attempt.check()
        counts.rejected += len(rejected)
        groups.add(rejected)
        detail = {"good": counts.inserted + counts.updated + counts.unchanged, "rejected": counts.rejected}
        attempt.progress(counts.read, facts.rows or None, detail=detail)
    result = {
        **vars(counts),
        "blanked": cleaner.blanked,
        "groups": groups.to_json(),
        "doubled": {"rows": counts.skipped, "examples": doubled},
        "seconds": round(time.monotonic() - started, 3),
    }
    attempt.finish(State.DONE_WITH_REJECTS if counts.rejected else State.DONE, result)


def rejects_found(source: Import) -> Iterator[ListedRow]:
    """What the load of a mapped import would refuse; reads the file anew. NotFound where that is gone."""
    path, facts = stored_path(source), Facts.from_json(source.facts)
    mapping = Mapping.from_json(source.mapping)
    cleaner = Cleaner(declarations.dataset(source.dataset), mapping, facts, lenient=source.lenient, dry=True)
    return (
        (one.line, [(error.code, error.message) for error in one.errors], one.cells)
        for batch in read(path, facts, cleaner.wanted)
        for one in cleaner.clean(batch).rejected
    )


def _appended(path: Path, facts: Facts, cleaner: Cleaner, counts: Counts) -> Iterator[Refused]:
    """The file's rejects, batch by batch; good rows are new."""
    for batch in read(path, facts, cleaner.wanted):
        clean = cleaner.clean(batch)
        counts.read += clean.read
        counts.inserted += len(clean.lines)
        yield clean.rejected


def _upserted(
    preparation: upserting.Preparation, counts: Counts, doubled: list[dict[str, Any]]
) -> Iterator[Refused]:
    """The same where rows have keys; the first examples of doubles go into `doubled`."""
    for piece in preparation.pieces():
        counts.read += piece.read
        count(counts, piece.chunk)
        for lines, winners in piece.chunk.left_out:
            for line, winner in zip(lines[:EXAMPLES].tolist(), winners[:EXAMPLES].tolist(), strict=True):
                if len(doubled) < EXAMPLES:
                    message = upserting.repeated(preparation.dataset, winner)
                    doubled.append({"line": line, "value": "", "message": message})
        yield piece.rejected
