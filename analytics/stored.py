"""What backups need to know of these tables."""

from analytics import index
from ingest.backups.declarations import leave_out, rebuild


def segments_rebuild() -> None:
    """Every percentile index again, out of the restored rows."""
    for declared in index.indexes():
        index.rebuild(declared.dataset)


leave_out("analytics.segment", "built again from the rows it describes")
rebuild(segments_rebuild)
