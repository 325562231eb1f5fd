"""Derived data, never behind the rows: written in the load's (undo's, edit's) own transaction."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Segment(models.Model):
    """One part of a dataset's percentile index: the rows with ids in `spans`, as columns in value order.

    Immutable: a change of rows replaces the segments that cover them, so the set of visible ids is the
    version of the data (analytics.index.data_version). The table stays the truth; a segment can be rebuilt.
    """

    dataset = models.CharField(max_length=40)
    spans = ArrayField(
        ArrayField(models.BigIntegerField(), size=2)
    )  # [[first id, last id], …], both inclusive
    rows = models.BigIntegerField()
    excluded = models.BigIntegerField(default=0)  # rows without a value, which no percentile counts
    data: "models.BinaryField[Any, Any]" = models.BinaryField()  # analytics.segments
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["dataset", "id"], name="analytics_segment_dataset")]

    def __str__(self) -> str:
        return f"{self.dataset} {self.pk}: {self.rows} rows"
