"""How a file is written: format, encoding, delimiter, header line, and a profile of every column."""

from ingest.facts.deciding import facts_of
from ingest.facts.record import ColumnFacts, Facts

__all__ = ["ColumnFacts", "Facts", "facts_of"]
