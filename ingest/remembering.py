"""What people decided about a file with these headers before: it goes before any guess."""

import hashlib
import json

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from ingest.declarations import Dataset
from ingest.facts import Facts
from ingest.mapping import Guess, Mapping, Suggestion, missing
from ingest.matching import fold
from ingest.models import Import, RememberedMapping


def fingerprint(facts: Facts) -> str:
    """SHA-256 of the folded headers in their order; "" for a file without any, whose columns tell nothing."""
    if not facts.header_line:
        return ""
    return hashlib.sha256(json.dumps([fold(header) for header in facts.headers]).encode()).hexdigest()


def mapping_remember(source: Import, facts: Facts, mapping: Mapping) -> None:
    """Keep what was decided for the import's headers; what was kept for them before gives way."""
    if known := fingerprint(facts):
        decided = {"mapping": mapping.to_json(), "by": source.by, "decided_at": timezone.now()}
        RememberedMapping.objects.update_or_create(
            dataset=source.dataset, fingerprint=known, defaults=decided
        )


def mapping_recall(dataset: Dataset, facts: Facts) -> Suggestion | None:
    """What was decided for a file with these headers, or None. Columns that the dataset has lost are left out."""
    known = fingerprint(facts)
    kept = (
        RememberedMapping.objects.filter(dataset=dataset.slug, fingerprint=known).first() if known else None
    )
    if kept is None:
        return None
    names = {column.name for column in dataset.columns}
    parts = {part: {n: v for n, v in held.items() if n in names} for part, held in kept.mapping.items()}
    mapping = Mapping.from_json(parts)
    if missing(dataset, mapping):
        return None
    when = date_format(timezone.localtime(kept.decided_at), "DATE_FORMAT")
    why = _("As on %(day)s") % {"day": when}
    targets = {index: name for name, index in mapping.columns.items()}
    guesses = [
        Guess(c.index, targets.get(c.index), 1.0, "remembered" if c.index in targets else "none", why)
        for c in facts.columns
    ]
    return Suggestion(guesses, mapping, [])
