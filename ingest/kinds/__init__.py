"""The kinds of columns: the only validation of row values in the product.

Each works on a column's distinct spellings: a vectorised path for ordinary ones, Python for the rest.
"""

from ingest.kinds.amounts import Money
from ingest.kinds.choices import Choice, CodeList
from ingest.kinds.dates import Date
from ingest.kinds.integers import Integer
from ingest.kinds.references import References
from ingest.kinds.texts import Lookup, Text
from ingest.kinds.times import DateTime

__all__ = ["Choice", "CodeList", "Date", "DateTime", "Integer", "Lookup", "Money", "References", "Text"]
