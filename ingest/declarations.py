"""A Dataset is declared once, in a domain's `datasets.py`; wizard, cleaning, COPY, API, admin and docs follow it.

Imports no other module of ingest, so that everything may import it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from django.db import models
from django.utils.functional import Promise
from django.utils.module_loading import autodiscover_modules

from skillora.lib.errors import NotFound

# Model attname → one value per row: int64 cents, ids as integers (0 = unknown), dates as datetime64[D] with NaT,
# text as object arrays.
Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, kw_only=True)
class Style:
    """How one column's cells are written; decided from the whole file, shown, editable, remembered."""

    decimal: Literal[".", ","] = "."
    thousands: str = ""  # "", ",", ".", "'", " "
    date_order: Literal["ymd", "dmy", "mdy", ""] = ""  # "": the data cannot decide
    values: Mapping[str, str] = field(default_factory=dict)  # the user's translation of spellings


@dataclass(frozen=True)
class Verdicts:
    """What became of each distinct spelling of a column.

    outputs: model attname → array (n,); codes: uint8 (n,), 0 = good, otherwise an index into ingest.reasons.
    """

    outputs: Arrays
    codes: np.ndarray[Any, Any]


class Kind(Protocol):
    """One kind of column: a vectorised function from distinct texts to typed values and error codes."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Suffixes of what it fills: ("",) for one attname, ("", "_max") for a range of money."""
        ...

    def clean(self, texts: "pa.StringArray", style: Style, attname: str) -> Verdicts:
        """Text in (outer blanks removed, "" = empty, which the caller handles), values and codes out."""
        ...

    def fit(self, texts: "pa.StringArray") -> float:
        """How well a sample of distinct spellings looks like this kind: 0..1, for mapping by values."""
        ...

    def help(self, text: str) -> str:
        """What a person can do about a refused spelling: "did you mean Brazil?", or what is accepted."""
        ...


@dataclass(frozen=True, kw_only=True)
class Column:
    """One canonical column. `name` is what column_map and the batch API call it."""

    name: str
    label: str | Promise
    kind: Kind
    attname: str = ""  # the model's column; `name` where empty
    required: bool = False
    may_lack: bool = False  # a lenient import may leave it empty though it is required; wrong stays wrong
    made: bool = (
        False  # where no column is mapped to it, the database makes it (the key of an upsert dataset)
    )
    default: str = ""  # cleaned like a cell where the column is not mapped or the cell is empty
    guesses: tuple[str, ...] = ()  # header names in three languages, folded or not
    # (words in the header, another column, its text): a header that says "monthly" or "USD" settles that column for
    # all rows, so that none is mapped to it.
    hints: tuple[tuple[str, str, str], ...] = ()
    help_text: str | Promise = ""

    @property
    def target(self) -> str:
        return self.attname or self.name


Derive = Callable[[Arrays], Arrays]
Keys = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Parts:
    """A table in partitions, each a range of one column, which is beside the key in the primary key.

    numbers: values of the column (n,) → numbers of their partitions (n,). table: a partition's name, with %d.
    missing: those of some numbers that have no table. make: a table for one inside the caller's transaction, apart
    and without indexes; False where somebody else was faster. join: what `make` made become partitions.
    """

    column: str
    numbers: Callable[[np.ndarray[Any, Any]], Keys]
    table: str
    missing: Callable[[list[int]], list[int]]
    make: Callable[[int], bool]
    join: Callable[[list[int]], None]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A table that files are loaded into.

    mode append: id = import << 32 | line, rows are never compared. mode upsert: rows are found by `key`, one
    bigint column, the model's own key; the model's `origin` takes import << 32 | line of whoever wrote it last.
    apart: whether an append dataset's table is partitioned by ranges of id, so that large imports get parts of their
    own (ingest.apart).
    parts: how an upsert dataset's table is partitioned; loads then write into one partition after the other.
    used: tells which keys (n,) may be in use, as booleans (n,), where that is cheaper than to ask the table.
    order: positions (n,) of cleaned rows in the order that their indexes take best; otherwise by key.
    deriving: called once per load, gives the function that computes further columns from cleaned ones, a batch at
    a time (arrays in, arrays out), e.g. yearly pay in dollars; it may read small tables.
    """

    slug: str
    title: str | Promise
    model: type[models.Model]
    columns: tuple[Column, ...]
    mode: Literal["append", "upsert"] = "append"
    key: tuple[str, ...] = ()
    apart: bool = False
    parts: Parts | None = None
    used: Callable[[Keys], np.ndarray[Any, np.dtype[np.bool_]]] | None = None
    order: Callable[[Arrays], Keys] | None = None
    deriving: Callable[[], Derive] | None = None
    # Clean synthetic rows for tests and demos: (generator, rows, rows before them) → canonical name → texts.
    sample: Callable[[np.random.Generator, int, int], dict[str, list[str]]] | None = None
    headless: bool = False  # its files have no header line as a rule, so samples have none
    answers_url: str = ""  # URL name of the page that a finished import links to
    rows_url: str = ""  # URL name of the list of rows; it takes ?import=<id>

    def column(self, name: str) -> Column:
        """The column called `name`; NotFound otherwise."""
        for column in self.columns:
            if column.name == name:
                return column
        known = ", ".join(c.name for c in self.columns)
        raise NotFound(
            f"{self.title} has no column {name!r}; it has {known}", code="unknown_column", status=422
        )


_datasets: dict[str, Dataset] = {}


def register(dataset: Dataset) -> Dataset:
    """Make a dataset known; called at import of a domain's `datasets.py`."""
    _datasets[dataset.slug] = dataset
    return dataset


def datasets() -> tuple[Dataset, ...]:
    """All datasets, in the order they were declared."""
    autodiscover_modules("datasets")
    return tuple(_datasets.values())


def dataset(slug: str) -> Dataset:
    """The dataset called `slug`; NotFound names those that exist."""
    if slug not in _datasets and slug not in {d.slug for d in datasets()}:
        raise NotFound(
            f"There is no dataset {slug[:60]!r}; there are: {', '.join(_datasets)}", code="unknown_dataset"
        )
    return _datasets[slug]
