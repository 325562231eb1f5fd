"""Batches of text → typed columns of good rows, and the rejected ones with every reason.

Each distinct spelling of a column is judged once and remembered; a row is as good as its worst cell.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest import reasons
from ingest.declarations import Arrays, Column, Dataset, Style, Verdicts
from ingest.kinds import Lookup
from ingest.refused import CellError, Refused, Rejected, bytes_of, together

if TYPE_CHECKING:
    from ingest.facts import Facts
    from ingest.mapping import Mapping
    from ingest.readers import Batch

REMEMBERED = 50_000  # spellings per column whose verdict is kept between batches
VARIED = 0.3  # share of distinct spellings from which looking each up costs more than judging each cell
EXPLAINED = 1_000  # distinct refused spellings per column that get a suggestion
VALUE_MAX = 1_000  # characters of a refused value kept apart from its line
CELL_MAX = 20_000  # characters of one cell kept in a reject
NOTHING = (
    "",
    "-",
    "--",
    "\u2014",
    "N/A",
    "n/a",
    "#N/A",
    "NULL",
    "Null",
    "null",
    "NONE",
    "None",
    "none",
    "NaN",
    "nan",
)
REQUIRED = reasons.number("required")
UNREADABLE = reasons.number("unreadable_text")
_CODE_BITS = 8  # of a number in ingest.reasons
NUL_SHOWN = "\u2400"  # PostgreSQL stores no NUL; people see this sign


@dataclass(frozen=True)
class Clean:
    """One batch after cleaning. lines: int64 (n,) of the good rows; columns: attname → (n,)."""

    read: int
    lines: np.ndarray[Any, np.dtype[np.int64]]
    columns: Arrays
    rejected: Refused


class Cleaner:
    """Cleans the batches of one file. dry: small tables are neither read nor written, ids stay 0.

    blanked: canonical name → refused values of optional columns that a lenient import left empty.
    """

    def __init__(
        self,
        dataset: Dataset,
        mapping: "Mapping",
        facts: "Facts",
        *,
        lenient: bool = False,
        dry: bool = False,
    ) -> None:
        self.columns = [
            _Cells(
                column,
                mapping.style_of(column.name, facts),
                index=mapping.columns.get(column.name),
                header=facts.headers[mapping.columns[column.name]] if column.name in mapping.columns else "",
                constant=mapping.constants.get(column.name, ""),
                lenient=lenient,
                dry=dry,
            )
            for column in dataset.columns
        ]
        self.wanted = {c.index for c in self.columns if c.index is not None}
        self._derive = dataset.deriving() if dataset.deriving else None

    @property
    def given(self) -> set[str]:
        """Attnames that the file, the mapping or defaults say anything about."""
        targets = [
            c.column.target + suffix for c in self.columns if c.given for suffix in c.column.kind.outputs
        ]
        return {*targets}

    @property
    def blanked(self) -> dict[str, int]:
        return {c.column.name: c.blanked for c in self.columns if c.blanked}

    def clean(self, batch: "Batch") -> Clean:
        """Typed columns of the batch's good rows; its other rows and faults as rejects, in line order."""
        n = len(batch.lines)
        good = np.ones(n, np.bool_)
        judged = [cells.judge(batch) for cells in self.columns]
        for verdicts, indices in judged:
            if verdicts.codes.any():
                good &= verdicts.codes[indices] == 0
        bad = np.flatnonzero(~good)
        columns: Arrays = {}
        for cells, (verdicts, indices) in zip(self.columns, judged, strict=True):
            by_row = isinstance(indices, slice)
            kept = indices if not len(bad) else good if by_row else indices[good]
            places = None if by_row else kept.astype(np.intp)  # for all outputs at once
            for attname, values in verdicts.outputs.items():
                columns[attname] = values[kept] if places is None else values.take(places)
            cells.count_blanked(kept)
        self.wanted -= {cells.index for cells in self.columns if cells.varied}
        lines = batch.lines[good] if len(bad) else batch.lines
        if self._derive:
            columns |= self._derive(columns)
        refused = [self._refused(batch, bad, judged)] if len(bad) else []
        if batch.faults:
            refused.append(Refused.of([_faulty(fault) for fault in batch.faults]))
        return Clean(n + len(batch.faults), lines, columns, together(refused))

    def _refused(self, batch: "Batch", bad: Any, judged: list[tuple[Any, Any]]) -> Refused:
        """The rows `bad` of a batch, with all that is wrong with each."""
        rows = pa.array(bad)
        texts = _storable_all([_texts(column, rows) for column in batch.columns])
        wrong = []
        for cells, (verdicts, indices) in zip(self.columns, judged, strict=True):
            codes = verdicts.codes[bad if isinstance(indices, slice) else indices[bad]]
            at = np.flatnonzero(codes)
            if len(at):
                values = None if cells.index is None else texts[cells.index].take(pa.array(at))
                wrong.append((at, *cells.errors(values, codes[at])))
        return Refused.judged(batch.lines[bad], texts, wrong)


@dataclass
class _Cells:
    """One canonical column of one file: its cells, or the constant or default that stands in for them."""

    column: Column
    style: Style
    index: int | None  # the file's column; None = not mapped
    header: str
    constant: str
    lenient: bool
    dry: bool
    blanked: int = 0
    varied: bool = False  # hardly a spelling comes twice: the reader need not tell them apart
    _judged: "tuple[pa.StringArray, Arrays, Any, Any] | None" = (
        None  # spellings, and what `_fresh` says of them
    )
    _ids: dict[str, int] = field(default_factory=dict)
    _errors: dict[tuple[str, int], CellError] = field(default_factory=dict)  # the same for the same value
    _left_empty: Any = None

    def judge(self, batch: "Batch") -> tuple[Verdicts, Any]:
        """(verdicts by spelling, each row's spelling; a slice of all where verdicts are by row)."""
        if self.index is None:
            return self._of(pa.array([self.constant]), remember=True), np.zeros(len(batch.lines), np.int32)
        cells = batch.columns[self.index]
        if not pa.types.is_dictionary(cells.type):
            if self.varied:
                return self._of(cells, remember=False, readable=batch.readable), slice(None)
            cells = cells.dictionary_encode()
        spellings = cells.dictionary
        self.varied = len(spellings) > VARIED * len(cells) and len(spellings) > 1000
        return self._of(spellings, remember=not self.varied), cells.indices.to_numpy()

    @property
    def required(self) -> bool:
        """Whether an empty cell is refused."""
        column = self.column
        if column.made and self.index is None and not self.constant:
            return False
        return column.required and not (self.lenient and column.may_lack)

    @property
    def given(self) -> bool:
        """Whether the file, the mapping or a default says anything about this column."""
        return self.index is not None or bool(self.constant or self.column.default)

    def count_blanked(self, kept: Any) -> None:
        """Add the good rows whose refused value was left empty."""
        if self._left_empty is not None and self._left_empty.any():
            self.blanked += int(self._left_empty[kept].sum())

    def errors(self, values: pa.StringArray | None, codes: Any) -> tuple[Any, list[CellError]]:
        """(number of each refused cell's error, the errors that differ). values None: all are the constant."""
        if values is None:
            spellings, places = [self.constant], np.zeros(len(codes), np.int64)
        else:
            encoded = values.dictionary_encode()
            spellings, places = encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)
        pairs, which = np.unique(places << _CODE_BITS | codes, return_inverse=True)
        mask = (1 << _CODE_BITS) - 1
        return which, [self._error(spellings[pair >> _CODE_BITS], pair & mask) for pair in pairs.tolist()]

    def _error(self, value: str, code: int) -> CellError:
        """Why a cell is refused."""
        error = self._errors.get((value, code))
        if error is None:
            reason = reasons.REASONS[code]
            help_text = ""
            if code not in {REQUIRED, UNREADABLE} and len(self._errors) < EXPLAINED:
                help_text = self.column.kind.help(value[:VALUE_MAX])
            shown = _storable(value, VALUE_MAX)
            message = explained(str(self.column.label), shown, reason, help_text)
            error = CellError(self.header, self.column.name, shown, reason.code, message)
            if len(self._errors) < EXPLAINED:
                self._errors[value, code] = error
        return error

    def _of(self, spellings: pa.StringArray, *, remember: bool, readable: bool = False) -> Verdicts:
        """One verdict per spelling; those seen before are not judged again."""
        if not remember or self._judged is None:
            outputs, codes, self._left_empty = self._fresh(spellings, readable=readable)
            if remember and len(spellings) <= REMEMBERED:
                self._judged = (spellings, outputs, codes, self._left_empty)
            return Verdicts(outputs, codes)
        texts, outputs, codes, left = self._judged
        at = pc.index_in(spellings, value_set=texts)
        position: Any = np.asarray(pc.fill_null(at, -1))
        missing = position < 0
        if missing.any():
            new = spellings.filter(pa.array(missing))
            position = position.copy()
            position[missing] = np.arange(len(texts), len(texts) + len(new))
            more, more_codes, more_left = self._fresh(new)
            texts = pa.concat_arrays([texts, new])
            outputs = {name: np.concatenate([outputs[name], more[name]]) for name in more}
            codes, left = np.concatenate([codes, more_codes]), np.concatenate([left, more_left])
            if len(texts) <= REMEMBERED:
                self._judged = (texts, outputs, codes, left)
        self._left_empty = left[position]
        return Verdicts({name: values[position] for name, values in outputs.items()}, codes[position])

    def _fresh(self, spellings: pa.StringArray, *, readable: bool = False) -> tuple[Arrays, Any, Any]:
        """(outputs, codes, which refused values are left empty) of spellings as they stand in the file.

        readable: whether each is known to hold neither NUL nor the sign for undecodable bytes.
        """
        texts = pc.utf8_trim_whitespace(spellings)
        if self.style.values:
            readable = False
            given = self.style.values
            texts = pa.array([given.get(text, text) for text in texts.to_pylist()], pa.utf8())
        empty = np.asarray(pc.is_in(texts, _nothing()))
        if empty.any() and self.column.default:
            texts = pc.if_else(pa.array(empty), self.column.default, texts)
            empty = np.zeros(len(texts), np.bool_)
        unreadable = np.zeros(len(texts), np.bool_) if readable else _unreadable(texts)
        sound = ~(empty | unreadable)
        outputs, codes = self._cleaned(texts, sound)
        codes[unreadable] = UNREADABLE
        left = np.zeros(len(texts), np.bool_)
        if self.required:
            codes[empty] = REQUIRED
        elif self.lenient and not self.column.required:
            left = codes > 0
            codes[left] = 0
            for values in outputs.values():
                values[left] = self._blank(values)
        return outputs, codes, left

    def _cleaned(self, texts: pa.StringArray, sound: Any) -> tuple[Arrays, Any]:
        """The kind's verdicts where `sound`, blanks elsewhere."""
        kind = self.column.kind
        every = bool(sound.all())
        verdicts = kind.clean(
            texts if every else texts.filter(pa.array(sound)), self.style, self.column.target
        )
        outputs = dict(verdicts.outputs)
        if isinstance(kind, Lookup):
            names = outputs[self.column.target]
            found = np.zeros(len(names), np.int32)
            usable = verdicts.codes == 0
            if not self.dry:
                found[usable] = kind.ids(names[usable].tolist(), self._ids)
            outputs[self.column.target] = found
        if every:
            return outputs, verdicts.codes.copy()
        codes = np.zeros(len(texts), np.uint8)
        codes[sound] = verdicts.codes
        full: Arrays = {}
        for name, values in outputs.items():
            full[name] = np.full(len(texts), self._blank(values), values.dtype)
            full[name][sound] = values
        return full, codes

    def _blank(self, values: Any) -> Any:
        """What an empty cell is in an output of this type: NaT, "" or 0."""
        return {"M": np.datetime64("NaT"), "O": "", "f": np.nan}.get(values.dtype.kind, 0)


def explained(label: str, value: str, reason: reasons.Reason, help_text: str) -> str:
    """The sentence that a person reads: label, value, what is wrong, what to do."""
    shown = value if len(value) <= 60 else value[:59] + "…"
    what = f"{label}: “{shown}” {reason.message}" if shown else f"{label} {reason.message}"
    return (f"{what}; {help_text}" if help_text else what)[:300]


@cache
def _nothing() -> pa.StringArray:
    """Not made while modules are imported: the first list that Arrow sees costs an import of pandas."""
    return pa.array(NOTHING)


def _unreadable(texts: pa.StringArray) -> Any:
    """Which texts hold NUL or the sign for undecodable bytes."""
    found = np.zeros(len(texts), np.bool_)
    _validity, _offsets, data = texts.buffers()
    held = bytes(data or b"")
    for sign in ("\x00", "\ufffd"):
        if sign.encode() in held:
            found |= np.asarray(pc.match_substring(texts, sign))
    return found


def _texts(column: pa.Array, rows: pa.Array) -> pa.StringArray:
    """Some cells of a column."""
    if pa.types.is_dictionary(column.type):
        return pc.cast(column.dictionary.take(column.indices.take(rows)), pa.utf8())
    return pc.cast(column.take(rows), pa.utf8())


def _storable_all(columns: list[pa.StringArray]) -> list[pa.StringArray]:
    """Columns of cells as a reject keeps them; nearly always that is as they are."""
    cells = pa.concat_arrays(columns)
    longest = pc.max(pc.binary_length(cells)).as_py() or 0
    if longest <= CELL_MAX and not (bytes_of(cells) == 0).any():
        return columns
    return [
        pa.array([_storable(text, CELL_MAX) for text in texts.to_pylist()], pa.utf8()) for texts in columns
    ]


def _storable(text: str, longest: int) -> str:
    """As PostgreSQL can keep it."""
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return text.replace("\x00", NUL_SHOWN) if "\x00" in text else text


def _faulty(fault: Any) -> Rejected:
    cells = [_storable(cell, CELL_MAX) for cell in fault.cells]
    shown = cells[0][:VALUE_MAX] if len(cells) == 1 else ""
    return Rejected(fault.line, [CellError("", "", shown, fault.code, str(fault.message)[:300])], cells)
