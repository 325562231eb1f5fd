"""The dry run: the whole file through reading and cleaning, counted and explained; nothing is written."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.cleaning import Cleaner
from ingest.declarations import Dataset
from ingest.facts import Facts
from ingest.mapping import Mapping
from ingest.models import Import
from ingest.readers import read
from ingest.rejects import Groups
from runs.models import State

if TYPE_CHECKING:
    from runs.execution import Attempt


def check(source: Import, dataset: Dataset, path: Path, attempt: "Attempt") -> None:
    """End the run with {read, inserted, …, rejected, blanked, groups, seconds} as its result."""
    started = time.monotonic()
    facts = Facts.from_json(source.facts)
    cleaner = Cleaner(dataset, Mapping.from_json(source.mapping), facts, lenient=source.lenient, dry=True)
    groups, total, good, rejected = Groups(), 0, 0, 0
    for batch in read(path, facts, cleaner.wanted):
        attempt.check()
        clean = cleaner.clean(batch)
        total, good = total + clean.read, good + len(clean.lines)
        rejected += len(clean.rejected)
        for one in clean.rejected:
            groups.add(one)
        attempt.progress(total, facts.rows or None, detail={"good": good, "rejected": rejected})
    result = {
        "read": total,
        "inserted": good,
        "updated": 0,
        "unchanged": 0,
        "rejected": rejected,
        "skipped": 0,
        "blanked": cleaner.blanked,
        "groups": groups.to_json(),
        "seconds": round(time.monotonic() - started, 3),
    }
    attempt.finish(State.DONE_WITH_REJECTS if rejected else State.DONE, result)
