"""What is known about how a file is written."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

DateOrder = Literal["ymd", "dmy", "mdy", ""]


@dataclass
class ColumnFacts:
    """One column of a file, as all of its cells show it.

    filled: cells that are not empty. samples: three telling texts. distinct: the most frequent spellings.
    number_style: (decimal, thousands), None where the cells are no numbers. date_order: "" = cannot be
    decided, None = no dates. question: what a person has to decide because the data cannot, "" mostly.
    """

    index: int
    header: str
    filled: int = 0
    samples: list[str] = field(default_factory=list)
    distinct: list[str] = field(default_factory=list)
    number_style: tuple[str, str] | None = None
    date_order: DateOrder | None = None
    question: str = ""


@dataclass
class Facts:
    """How a file is written; decided from all of it, shown, editable, remembered.

    delimiter: one character, or several (", " and "||").
    header_line: 1-based physical line or row of a sheet, 0 = none. first_line: that of the first data row.
    lane: "fast" where the whole file is strictly quoted. even: every line behind the header is one record.
    rows: data lines, faults included. size: bytes.
    """

    format: Literal["csv", "xlsx", "xls", "ods"] = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    escape: str = ""  # what stands before a quote inside a cell, where it is not doubled
    newline: str = "\n"
    header_line: int = 1
    first_line: int = 2
    member: str = ""  # the table inside a .gz or .zip
    members: list[str] = field(default_factory=list)
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)
    lane: Literal["fast", "careful"] = "fast"
    even: bool = False
    rows: int = 0
    faults: int = 0  # lines among `rows` that cannot be cut into the header's number of cells
    size: int = 0
    columns: list[ColumnFacts] = field(default_factory=list)

    @property
    def headers(self) -> list[str]:
        return [column.header for column in self.columns]

    def to_json(self) -> dict[str, Any]:
        """For `Import.facts`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The facts that `to_json` made."""
        columns = [
            ColumnFacts(**{**c, "number_style": tuple(c["number_style"]) if c["number_style"] else None})
            for c in value.get("columns", [])
        ]
        return cls(**{**value, "columns": columns})
