"""Who was hired, when, where and as what: departments, jobs, and the people hired into them.

`hired_employees` is partitioned by year of hire. Its table, guards and rollup come from migration SQL (0002):
the database itself refuses an orphan or a doubled id and keeps `hires_by_quarter` right, whoever writes.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Department(models.Model):
    """A department; the id is the caller's, or the database's where none is given."""

    department = models.CharField(_("department"), max_length=200)
    origin = models.BigIntegerField(
        default=0, db_default=0, editable=False
    )  # import << 32 | line that wrote it last

    class Meta:
        db_table = "departments"
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.department


class Job(models.Model):
    """A position that people are hired into (never a posting, never queued work)."""

    job = models.CharField(_("job"), max_length=200)
    origin = models.BigIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        db_table = "jobs"
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.job


class HiredEmployeeQuerySet(models.QuerySet["HiredEmployee"]):
    def for_year(self, year: int) -> "HiredEmployeeQuerySet":
        """Hired within the UTC year: bounds that PostgreSQL prunes partitions by."""
        return self.filter(hired_at__gte=f"{year}-01-01T00:00Z", hired_at__lt=f"{year + 1}-01-01T00:00Z")

    def incomplete(self) -> "HiredEmployeeQuerySet":
        """Rows that lenient imports let in without name, department or job."""
        return self.filter(Q(name="") | Q(department=None) | Q(job=None))


class HiredEmployee(models.Model):
    """One hire. Strict imports fill every field; lenient ones may leave out all but the hire time."""

    name = models.CharField(_("name"), max_length=200, blank=True)
    hired_at = models.DateTimeField(_("hired"))
    department = models.ForeignKey(
        Department, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="hires"
    )
    job = models.ForeignKey(
        Job, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="hires"
    )
    origin = models.BigIntegerField(default=0, db_default=0, editable=False)

    objects = HiredEmployeeQuerySet.as_manager()

    class Meta:
        db_table = "hired_employees"
        verbose_name = _("hired employee")
        verbose_name_plural = _("hired employees")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name or f"{self.pk}"


class HiresByQuarter(models.Model):
    """The rollup that reports read: hires of one department and job in one UTC year. Kept by triggers alone.

    0 stands for a missing department or job (lenient imports).
    """

    department_id = models.BigIntegerField()
    job_id = models.BigIntegerField()
    year = models.SmallIntegerField()
    q1 = models.IntegerField(default=0)
    q2 = models.IntegerField(default=0)
    q3 = models.IntegerField(default=0)
    q4 = models.IntegerField(default=0)
    pk = models.CompositePrimaryKey("year", "department_id", "job_id")

    class Meta:
        db_table = "hires_by_quarter"

    def __str__(self) -> str:
        return f"{self.year}: {self.department_id}, {self.job_id}"
