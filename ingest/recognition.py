"""Which dataset a file is for, by its shape: how many columns, what is in them, what the file is called."""

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from django.utils.translation import gettext as _

from ingest.declarations import Dataset, datasets
from ingest.facts import Facts
from ingest.kinds import References
from ingest.mapping import Suggestion, suggest
from ingest.matching import fold
from ingest.readers import read

ENOUGH = 0.6  # score from which a file may be taken for a dataset's
SEVERAL, LITTLE, LEAD = (
    3,
    0.3,
    2.0,
)  # columns, score, and times the next one's, from which a file leads clearly
NAMED = 0.1  # what a file called like the dataset gains
KEYS_MAX = 1_000_000  # of a file, looked at to tell two datasets of one shape apart
TRIED_MAX = 6  # files of one shape that are told apart by their keys


@dataclass(frozen=True)
class Recognised:
    """A dataset that a file may be for. score: 0..1 and a little more where its name says so too."""

    dataset: Dataset
    suggestion: Suggestion
    score: float


def recognise(facts: Facts, name: str = "") -> list[Recognised]:
    """The datasets that can take the file as it is, best first: every required column is filled.

    Where many columns have no place anywhere, the one that takes several and leads clearly.
    """
    ranked = sorted(_options(facts, name), key=lambda one: -one.score)
    found = [one for one in ranked if one.score >= ENOUGH]
    best, *others = ranked
    taken = len(best.suggestion.mapping.columns)
    if not found and taken >= SEVERAL and all(best.score >= LEAD * other.score for other in others):
        found = [best] if best.score >= LITTLE else []
    return found


def likeliest(facts: Facts, name: str = "") -> list[Recognised]:
    """The dataset that a file is for; more than one where nothing in the file tells them apart.

    Where none takes the file as it is, those that have a place for most columns.
    """
    options = _options(facts, name)
    best = max(one.score for one in options)
    if best >= ENOUGH:
        return [one for one in options if one.score == best]
    most = max(len(one.suggestion.mapping.columns) for one in options)
    return [one for one in options if len(one.suggestion.mapping.columns) == most]


def _options(facts: Facts, name: str) -> list[Recognised]:
    """Every dataset; those whose rows would lack something have a score of 0."""
    options = []
    for dataset in datasets():
        suggestion = suggest(dataset, facts)
        taken = suggestion.mapping.columns
        score = 0.0
        if taken and not suggestion.missing:
            scores = [guess.score for guess in suggestion.guesses if guess.canonical in taken]
            # Columns that a dataset has no use for speak against it, as do those that it would lack.
            used = len(taken) / max(len(facts.columns), 1)
            score = used * (0.75 + 0.25 * sum(scores) / len(scores)) + NAMED * _named(dataset, name)
        options.append(Recognised(dataset, suggestion, round(score, 4)))
    return options


def _named(dataset: Dataset, name: str) -> float:
    """How much a file's name says that it holds this dataset."""
    said = fold(Path(name).stem)
    return 1.0 if fold(dataset.slug) in said or (said and fold(str(dataset.title)) in said) else 0.0


def recognise_together(files: Sequence[tuple[Path, Facts, str]]) -> list[Recognised | None]:
    """One dataset for each of the files (path, facts, name); None where nothing fits.

    Where two datasets have one shape, the files decide together: keys that another file refers to are in it.
    """
    options = [recognise(facts, name) for _path, facts, name in files]
    doubtful = [at for at, found in enumerate(options) if _tied(found)]
    chosen = [found[0] if found else None for found in options]
    if not 1 <= len(doubtful) <= TRIED_MAX:
        return [_doubted(one, _tied(found)) for one, found in zip(chosen, options, strict=True)]
    referred = _referred(files, chosen)
    keys = {at: _values(files[at], options[at][0], options[at][0].dataset.key) for at in doubtful}
    slugs = sorted({one.dataset.slug for at in doubtful for one in _tied(options[at])})
    best, best_score = None, -1.0
    for order in permutations([*slugs, *[""] * max(len(doubtful) - len(slugs), 0)], len(doubtful)):
        score = sum(_held(referred.get(slug), keys[at]) for at, slug in zip(doubtful, order, strict=True))
        if score > best_score:
            best, best_score = order, score
    if best is not None and best_score > 0:
        for at, slug in zip(doubtful, best, strict=True):
            chosen[at] = next((one for one in options[at] if one.dataset.slug == slug), chosen[at])
    for at in doubtful:
        one = chosen[at]
        if one is not None and not _held(referred.get(one.dataset.slug), keys[at]):
            chosen[at] = _doubted(one, _tied(options[at]))
    return chosen


def _doubted(one: Recognised | None, tied: list[Recognised]) -> Recognised | None:
    """With every guess to be checked, where another dataset would do as well."""
    if one is None or not tied:
        return one
    names = ", ".join(str(other.dataset.title) for other in tied)
    why = _("It could be one of these as well: %(names)s") % {"names": names}
    guesses = [replace(guess, word="check", why=why) for guess in one.suggestion.guesses]
    return replace(one, suggestion=replace(one.suggestion, guesses=guesses))


def _tied(found: list[Recognised]) -> list[Recognised]:
    """The best options where there is more than one."""
    best = [one for one in found if one.score == found[0].score]
    return best if len(best) > 1 else []


def _referred(
    files: Sequence[tuple[Path, Facts, str]], chosen: Sequence[Recognised | None]
) -> MappingOf[str, set[str]]:
    """Dataset → the keys that the files refer to."""
    referred: dict[str, set[str]] = {}
    for file, one in zip(files, chosen, strict=True):
        if one is None:
            continue
        for column in one.dataset.columns:
            if isinstance(column.kind, References) and column.name in one.suggestion.mapping.columns:
                values = _values(file, one, (column.name,))
                referred.setdefault(column.kind.dataset, set()).update(values)
    return referred


def _values(file: tuple[Path, Facts, str], one: Recognised, names: Sequence[str]) -> set[str]:
    """The distinct texts of a column."""
    index = one.suggestion.mapping.columns.get(names[0]) if names else None
    found: set[str] = set()
    if index is None:
        return found
    path, facts, _name = file
    for batch in read(path, facts, {index}):
        texts = pc.utf8_trim_whitespace(batch.columns[index].cast("string"))
        found.update(np.unique(np.asarray(texts, object)).tolist())
        if len(found) > KEYS_MAX:
            break
    return found - {""}


def _held(referred: set[str] | None, keys: set[str]) -> float:
    """How well keys answer what is referred to: all of it is there, and little else."""
    if not referred or not keys:
        return 0.0
    return len(referred & keys) / len(referred) + 0.5 * len(referred & keys) / len(keys)
