"""Mapping: generated salary files in three languages with messy values; which column is suggested for what.

right: columns of the dataset whose suggestion, to be checked or not, is right. silently_wrong: mapped without a
word of doubt to something they are not, distractors included. distractors_taken: columns of no concern for which
anything is suggested at all.
"""

import argparse
import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from bench import _alone
from bench._headers import headed_file

OWN_SERVERS = True  # needs none


def run(argv: list[str]) -> dict[str, Any]:
    """Figures: files, columns, right, silently_wrong, distractors_taken, right_unasked (shares of one)."""
    parser = argparse.ArgumentParser(prog="bench mapping")
    parser.add_argument("--files", type=int, default=480)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--show", type=int, default=0, help="print that many of what is not right")
    asked = parser.parse_args(argv)
    _alone.setup()
    rng = random.Random(asked.seed)
    seen: Counter[str] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="skl-bench-mapping-") as folder:
        for _number in range(asked.files):
            _one(rng, Path(folder) / "file.csv", seen, wrong)
    for line in wrong[: asked.show]:
        print(" ", line)
    columns, distractors = max(seen["columns"], 1), max(seen["distractors"], 1)
    return {
        "files": asked.files,
        "columns": seen["columns"],
        "right": round(seen["right"] / columns, 4),
        "right_unasked": round(seen["unasked"] / columns, 4),
        "silently_wrong": seen["silently_wrong"],
        "distractors": seen["distractors"],
        "distractors_taken": round(seen["taken"] / distractors, 4),
    }


def _one(rng: random.Random, path: Path, seen: "Counter[str]", wrong: list[str]) -> None:
    """Suggest for one file and count."""
    from ingest import declarations
    from ingest.facts import facts_of
    from ingest.mapping import suggest

    made = headed_file(rng)
    path.write_text(made.text, encoding="utf-8")
    facts = facts_of(path, path.name)
    suggestion = suggest(declarations.dataset("salary_records"), facts)
    mapped = {index: name for name, index in suggestion.mapping.columns.items()}
    guesses = {guess.column: guess for guess in suggestion.guesses}
    for index, truth in enumerate(made.truth):
        guess = guesses[index].canonical
        sure = index in mapped and guesses[index].word != "check"
        seen["silently_wrong"] += sure and mapped[index] != truth
        if truth is None:
            seen["distractors"] += 1
            seen["taken"] += guess is not None
        else:
            seen["columns"] += 1
            seen["right"] += guess == truth or truth in suggestion.mapping.constants
            seen["unasked"] += mapped.get(index) == truth
        if guess != truth:
            known = facts.columns[index]
            wrong.append(
                f"{known.header!r} {known.distinct[:2]} is {truth}, guessed {guess} ({guesses[index].word})"
            )
