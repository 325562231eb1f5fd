"""Derived data, never behind the rows: written in the load's (undo's, edit's) own transaction."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models


class DataVersion(models.Model):
    """How often a dataset's rows have changed; ETags, cached fragments and loaded indexes are keyed by it."""

    dataset = models.CharField(primary_key=True, max_length=40)
    version = models.BigIntegerField(default=0)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.dataset} v{self.version}"


class Segment(models.Model):
    """One part of a dataset's percentile index: the rows with ids in `spans`, in value order, with bitmaps.

    Immutable: a change of rows replaces the segments that cover them. The table stays the truth; a segment can
    be rebuilt from it at any time.
    """

    dataset = models.CharField(max_length=40)
    spans = ArrayField(ArrayField(models.BigIntegerField(), size=2))  # [[first id, last id], …], both inclusive
    rows = models.BigIntegerField()
    data: "models.BinaryField[Any, Any]" = models.BinaryField()  # analytics.segments
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["dataset", "id"], name="analytics_segment_dataset")]

    def __str__(self) -> str:
        return f"{self.dataset} {self.pk}: {self.rows} rows"
