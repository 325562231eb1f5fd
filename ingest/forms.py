"""The two forms of the mapping page: how the file is written, and which column is what."""

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from ingest import presenting, services
from ingest.declarations import Column, dataset
from ingest.facts import ColumnFacts, Facts
from ingest.kinds import CodeList
from ingest.mapping import Guess, Mapping, Suggestion
from ingest.models import Import
from ingest.readers.decoding import ENCODINGS
from skillora.lib.errors import DomainError

Label = str | Promise
Post = MappingOf[str, str]

DELIMITERS: tuple[tuple[str, str, Label], ...] = (
    ("comma", ",", gettext_lazy("Comma ,")),
    ("semicolon", ";", gettext_lazy("Semicolon ;")),
    ("tab", "\t", gettext_lazy("Tab")),
    ("pipe", "|", gettext_lazy("Pipe |")),
)
ENCODING_NAMES = {"utf-8": "UTF-8", "cp1252": "Windows-1252", "cp850": "MS-DOS 850", "mac-roman": "Mac Roman"}
NUMBERS = {"1,234.56": (".", ","), "1.234,56": (",", "."), "1234.56": (".", ""), "1234,56": (",", ""),
           "1 234,56": (",", " "), "1'234.56": (".", "'")}  # fmt: skip
DATES: dict[str, Label] = {
    "ymd": gettext_lazy("Year first"),
    "dmy": gettext_lazy("Day first"),
    "mdy": gettext_lazy("Month first"),
}
HEADER_LINES = 20
SPELLINGS = 12  # unknown ones of a column that are asked about
COLUMNS_SHOWN = 100  # of the file, until all are asked for


@dataclass(frozen=True)
class Choice:
    """A labelled select."""

    name: str
    label: Label
    choices: list[tuple[str, Label]]
    value: str


class FactsForm:
    """How the file is written, as selects; whatever is not asked stays decided from the file."""

    def __init__(self, source: Import) -> None:
        self.facts = Facts.from_json(source.facts)

    def fields(self) -> list[Choice]:
        """The selects of the page, with what holds now."""
        facts = self.facts
        fields = []
        if facts.format == "csv":
            current = next((name for name, sign, _label in DELIMITERS if sign == facts.delimiter), "other")
            signs = [(n, label) for n, _s, label in DELIMITERS]
            if current == "other":
                signs.append(("other", _("Other: %(sign)s") % {"sign": facts.delimiter}))
            fields.append(Choice("delimiter", _("Separator"), signs, current))
            known = [
                (name, ENCODING_NAMES.get(name, name.upper()))
                for name in dict.fromkeys([*ENCODINGS, facts.encoding])
            ]
            fields.append(Choice("encoding", _("Encoding"), list(known), facts.encoding))
        if len(facts.members) > 1:
            fields.append(
                Choice("member", _("File in it"), [(name, name) for name in facts.members], facts.member)
            )
        if len(facts.sheets) > 1:
            fields.append(Choice("sheet", _("Sheet"), [(name, name) for name in facts.sheets], facts.sheet))
        lines: list[tuple[str, Label]] = [("0", _("None"))]
        for line in sorted({*range(1, HEADER_LINES + 1), facts.header_line} - {0}):
            lines.append((str(line), _("On line %(line)s") % {"line": line}))
        fields.append(Choice("header_line", _("Header"), lines, str(facts.header_line)))
        if styles := {column.number_style for column in facts.columns if column.number_style}:
            fields.append(
                self._styles("numbers", _("Numbers"), [(n, n) for n in NUMBERS], self._number(styles))
            )
        if orders := {column.date_order for column in facts.columns if column.date_order is not None}:
            current = orders.pop() if len(orders) == 1 else ""
            fields.append(self._styles("dates", _("Dates"), list(DATES.items()), current or ""))
        return fields

    def said(self) -> str:
        """What holds now, in one line."""
        chosen = [(item.label, dict(item.choices).get(item.value, "")) for item in self.fields()]
        return " · ".join(f"{label}: {choice}" for label, choice in chosen if choice)

    @staticmethod
    def _styles(name: str, label: Label, choices: list[tuple[str, Label]], current: str) -> Choice:
        """A select whose first entry, where columns differ or nothing is decided, says so."""
        return Choice(name, label, choices if current else [("", _("Column by column")), *choices], current)

    @staticmethod
    def _number(styles: set[tuple[str, str]]) -> str:
        decimals = {decimal for decimal, _thousands in styles}
        grouping = {thousands for _decimal, thousands in styles if thousands}
        if len(decimals) > 1 or len(grouping) > 1:
            return ""
        wanted = (decimals.pop(), grouping.pop() if grouping else "")
        return next((name for name, style in NUMBERS.items() if style == wanted), "")

    def overrides(self, post: Post) -> dict[str, Any]:
        """What the person decided, for `import_facts_change`; styles only while the columns stay the same."""
        now = {item.name: item.value for item in self.fields()}
        chosen = {name: str(post.get(name, value)) for name, value in now.items()}
        asked: dict[str, Any] = {}
        if "delimiter" in chosen:
            asked["delimiter"] = next(
                (s for n, s, _l in DELIMITERS if n == chosen["delimiter"]), self.facts.delimiter
            )
            asked["encoding"] = chosen["encoding"] if chosen["encoding"] in ENCODINGS else self.facts.encoding
        if "sheet" in chosen:
            asked["sheet"] = chosen["sheet"]
        if "member" in chosen:
            asked["member"] = chosen["member"]
            if chosen["member"] != now["member"]:
                return {"member": chosen["member"]}
        line = chosen["header_line"]
        layout = ("delimiter", "encoding", "sheet", "header_line")
        anew = any(chosen.get(name) != now.get(name) for name in layout)
        if chosen["header_line"] != now["header_line"] or not anew:
            asked["header_line"] = int(line) if line.isdecimal() and len(line) < 8 else self.facts.header_line
        if not anew:
            asked["columns"] = self._columns(chosen)
        return asked

    def _columns(self, chosen: dict[str, str]) -> dict[str, dict[str, str]]:
        decided: dict[str, dict[str, str]] = {}
        for column in self.facts.columns:
            style: dict[str, str] = {}
            if column.number_style and chosen.get("numbers") in NUMBERS:
                style["decimal"], style["thousands"] = NUMBERS[chosen["numbers"]]
            if column.date_order is not None and chosen.get("dates") in DATES:
                style["date_order"] = chosen["dates"]
            if style:
                decided[str(column.index)] = style
        return decided


@dataclass(frozen=True)
class Sure:
    """How sure a mapping is: a word and an icon."""

    tone: str
    icon: str
    label: Label


SURE = {
    "remembered": Sure("ok", "memory", gettext_lazy("Remembered")),
    "certain": Sure("ok", "check", gettext_lazy("Certain")),
    "likely": Sure("info", "info", gettext_lazy("Likely")),
    "check": Sure("warn", "help", gettext_lazy("Please check")),
    "chosen": Sure("info", "user", gettext_lazy("Your choice")),
    "none": Sure("", "minus", gettext_lazy("Not loaded")),
}


@dataclass
class Row:
    """One column of the file, as the mapping table shows it."""

    known: ColumnFacts
    target: str
    sure: Sure
    why: str
    doubtful: bool
    error: str = ""


@dataclass
class Constant:
    """What every row gets where no column says it."""

    column: Column
    value: str
    error: str = ""


@dataclass(frozen=True)
class Spelling:
    """What a column of fixed choices says and the dataset does not know, and what it stands for."""

    name: str  # of the form's field
    column: str  # canonical label
    text: str
    value: str  # "" = not decided: such rows become rejects
    options: list[str]


@dataclass
class MappingForm:
    """Which column is what: as sent, else as chosen before, else as suggested."""

    source: Import
    post: Post | None = None
    targets: dict[int, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    lenient: bool = False

    def __post_init__(self) -> None:
        self.dataset = dataset(self.source.dataset)
        self.facts = Facts.from_json(self.source.facts)
        self.suggestion = Suggestion.from_json(self.source.suggestion)
        self.before = (
            Mapping.from_json(self.source.mapping) if self.source.mapping else self.suggestion.mapping
        )
        self.targets = {index: name for name, index in self.before.columns.items()}
        self.constants = dict(self.before.constants)
        self.values = {name: dict(given) for name, given in self.before.values.items()}
        self.lenient = self.source.lenient
        if self.post is not None:
            self._read(self.post)

    def _read(self, post: Post) -> None:
        known = {column.name for column in self.dataset.columns}
        sent = {c.index: str(post.get(f"to-{c.index}", "")) for c in self.facts.columns}
        self.targets = {index: name for index, name in sent.items() if name in known}
        texts = {name: str(post.get(f"all-{name}", ""))[:200].strip() for name in known}
        self.constants = {name: text for name, text in texts.items() if text}
        self.lenient = post.get("lenient") == "1"
        for spelling in self.spellings():
            name, given = spelling.name.split("-")[1], str(post.get(spelling.name, spelling.value))
            self.values.setdefault(name, {}).pop(spelling.text, None)
            if given in spelling.options:
                self.values[name][spelling.text] = given

    def spellings(self) -> list[Spelling]:
        """The unknown spellings of mapped columns with few choices, the most frequent of each."""
        found = []
        for index, name in sorted(self.targets.items()):
            column = self.dataset.column(name)
            if not isinstance(column.kind, CodeList) or not (options := column.kind.options()):
                continue
            texts = [text.strip() for text in self.facts.columns[index].distinct if text.strip()]
            unknown = [text for text in dict.fromkeys(texts) if column.kind.number(text) is None]
            given = self.values.get(name, {})
            found += [
                Spelling(f"value-{name}-{n}", str(column.label), text, given.get(text, ""), options)
                for n, text in enumerate(unknown[:SPELLINGS])
            ]
        return found

    @property
    def doubled(self) -> set[str]:
        """Canonical columns that two columns of the file go to."""
        names = list(self.targets.values())
        return {name for name in names if names.count(name) > 1}

    @property
    def missing(self) -> list[Column]:
        """Required columns that nothing fills."""
        filled = {*self.targets.values(), *self.constants}
        return [
            c
            for c in self.dataset.columns
            if c.required and not c.default and not c.made and c.name not in filled
            if not (self.lenient and c.may_lack)
        ]

    def save(self, *, by: User) -> Import:
        """Store the choices. DomainError 422: a target used twice, a required column without a source."""
        if self.doubled:
            names = ", ".join(str(self.dataset.column(name).label) for name in sorted(self.doubled))
            message = _("Two columns go to the same field: %(names)s. Choose one of them.") % {"names": names}
            raise DomainError(message, "duplicate_target")
        if self.missing:
            names = ", ".join(str(column.label) for column in self.missing)
            message = _("Say which column holds: %(names)s. Without it no row can be loaded.") % {
                "names": names
            }
            raise DomainError(message, "missing_column")
        columns = {name: index for index, name in self.targets.items()}
        constants = {name: text for name, text in self.constants.items() if name not in columns}
        values = {name: given for name, given in self.values.items() if given and name in columns}
        mapping = Mapping(columns, constants, values, self.before.styles)
        return services.import_map(source=self.source, by=by, mapping=mapping, lenient=self.lenient)

    def rows(self) -> list[Row]:
        """One row a column of the file, in the file's order."""
        guesses = {guess.column: guess for guess in self.suggestion.guesses}
        return [self._row(known, guesses.get(known.index)) for known in self.facts.columns]

    def _row(self, known: ColumnFacts, guess: Guess | None) -> Row:
        target = self.targets.get(known.index, "")
        if not target:
            return self._open_row(known, guess)
        guessed = guess is not None and guess.canonical == target
        word = guess.word if guess and guessed else "chosen"
        why = guess.why if guess and guessed else ""
        if known.question:
            word, why = "check", known.question
        error = _("Another column goes there too") if target in self.doubled else ""
        return Row(known, target, SURE[word], why, doubtful=word == "check", error=error)

    def _open_row(self, known: ColumnFacts, guess: Guess | None) -> Row:
        """A column that goes nowhere: it fits nothing, or what it may be is too doubtful to be taken unasked."""
        if guess is None or guess.canonical in {*self.targets.values(), *self.constants}:
            return Row(known, "", SURE["none"], "", doubtful=False)
        if not guess.canonical:
            return Row(known, "", SURE["none"], guess.why, doubtful=False)
        values = {"label": self.dataset.column(guess.canonical).label, "why": guess.why}
        return Row(known, "", SURE["check"], _("Perhaps %(label)s: %(why)s") % values, doubtful=True)

    def open_constants(self) -> list[Constant]:
        """Fields for what no column of the file gives."""
        taken = set(self.targets.values())
        free = [c for c in self.dataset.columns if c.name not in taken and not c.required]
        return [Constant(column, self.constants.get(column.name, "")) for column in free]

    def context(self, *, whole: bool = False) -> dict[str, Any]:
        """What the page needs besides the facts; of very many columns those that are mapped, and the first."""
        rows = self.rows()
        shown = [row for row in rows if whole or row.target or row.known.index < COLUMNS_SHOWN]
        used = sum(bool(row.target) for row in rows)
        doubts = sum(row.doubtful for row in rows)
        others = [dataset(slug) for slug in self.suggestion.others]
        filled = {*self.targets.values(), *self.constants}
        required = ", ".join(
            str(c.label) for c in self.dataset.columns if c.required and (c.name in filled or not c.made)
        )
        return {
            "dataset": self.dataset,
            "rows": shown,
            "hidden": len(rows) - len(shown),
            "whole": whole,
            "row_count": self.facts.rows,
            "has_header": bool(self.facts.header_line),
            "lenient": self.lenient,
            "lenient_sentence": presenting.lenient_said([self.dataset]),
            "constants": self.open_constants(),
            "spellings": self.spellings(),
            "others": others,
            "other_titles": ", ".join(str(other.title) for other in others),
            "mapped_sentence": _("%(n)s of %(all)s columns mapped") % {"n": used, "all": len(rows)},
            "doubtful_sentence": (
                ngettext("%(n)s column to check.", "%(n)s columns to check.", doubts) % {"n": doubts}
                if doubts
                else ""
            ),
            "missing_sentence": _("Still without a column: %(names)s.")
            % {"names": ", ".join(str(c.label) for c in self.missing)}
            if self.missing
            else "",
            "complete_sentence": _("All required fields have a column: %(names)s.") % {"names": required},
            "targets": [(column.name, str(column.label)) for column in self.dataset.columns],
        }
