"""Departments, jobs and hired employees in the admin. What the database refuses is said, not a server error."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from import_export.admin import ImportExportModelAdmin

from hiring.datasets import FIRST_YEAR, LAST_YEAR
from hiring.models import Department, HiredEmployee, HiresByQuarter, Job
from ingest.admin import EstimatePaginator
from ingest.attention import Matter, matters
from ingest.models import row_origin
from ingest.resources import cleaned_resource

COUNT_LIMIT = 10_000
REFUSALS = {
    "hired_employees_id": gettext_lazy("An employee with this id exists already: choose another id."),
    "hired_employees_department": gettext_lazy("This department does not exist (any more): choose another."),
    "hired_employees_job": gettext_lazy("This job does not exist (any more): choose another."),
    "hired_employees_departments": gettext_lazy(
        "People were hired into this department: move them to another first."
    ),
    "hired_employees_jobs": gettext_lazy("People were hired into this job: move them to another first."),
}


def refusal(error: IntegrityError) -> str:
    """What a guard of the database refused, and what to do next."""
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""
    return str(REFUSALS.get(constraint, _("The database refused this change, nothing was saved.")))


class Guarded(admin.ModelAdmin):  # type: ignore[type-arg]
    """A refusal of the database becomes a message on the same page; its transaction is undone by then."""

    def _said(self, request: HttpRequest, view: Callable[[], Any]) -> Any:
        try:
            return view()
        except IntegrityError as error:
            self.message_user(request, refusal(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        return self._said(
            request, lambda: super(Guarded, self).changeform_view(request, object_id, form_url, extra_context)
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """What somebody corrects by hand is no import's any more: its undo keeps the row as it is."""
        if form.has_changed():
            obj.origin = 0
        super().save_model(request, obj, form, change)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        return self._said(
            request, lambda: super(Guarded, self).delete_view(request, object_id, extra_context)
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return self._said(request, lambda: super(Guarded, self).changelist_view(request, extra_context))


class PlaceAdmin(Guarded, ImportExportModelAdmin):  # type: ignore[misc]
    """A department or job: corrected here, or by file through the cleaning of every file."""

    list_per_page = 100
    skip_export_form = True  # its page needs inline scripts, which the content policy refuses
    counted_by = ""  # column of the rollup

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The people are counted by the rollup: there may be millions, too many to list."""
        used = {
            pk: hired
            for pk, hired in HiresByQuarter.objects.hired_by(self.counted_by).items()
            if pk in {obj.pk for obj in objs}
        }
        protected = [
            ngettext("%(place)s: %(n)s person was hired", "%(place)s: %(n)s people were hired", used[obj.pk])
            % {"place": obj, "n": f"{used[obj.pk]:,}"}
            for obj in objs
            if obj.pk in used
        ]
        return [str(obj) for obj in objs], {self.opts.verbose_name_plural: len(objs)}, set(), protected

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """By the database alone, whose guard has the last word: Django would read everybody first."""
        self.model._default_manager.filter(pk=obj.pk)._raw_delete("default")

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        chosen = list(queryset.values_list("pk", flat=True))
        self.model._default_manager.filter(pk__in=chosen)._raw_delete("default")

    @admin.display(description=gettext_lazy("hired"))
    def people(self, place: Model) -> SafeString:
        """Opens them."""
        name = self.counted_by.removesuffix("_id")
        url = reverse("admin:hiring_hiredemployee_changelist") + f"?{name}__id__exact={place.pk}"
        return format_html('<a href="{}">{}</a>', url, _("people"))


@admin.register(Department)
class DepartmentAdmin(PlaceAdmin):
    """Found by name."""

    resource_classes = [cleaned_resource("departments", Department, "id", "department")]
    list_display = ("id", "department", "people")
    list_display_links = ("id", "department")
    search_fields = ("department", "=id")
    counted_by = "department_id"


@admin.register(Job)
class JobAdmin(PlaceAdmin):
    """Found by name."""

    resource_classes = [cleaned_resource("jobs", Job, "id", "job")]
    list_display = ("id", "job", "people")
    list_display_links = ("id", "job")
    search_fields = ("job", "=id")
    counted_by = "job_id"


class YearFilter(admin.SimpleListFilter):
    """By UTC year of hire: one partition."""

    title = gettext_lazy("year")
    parameter_name = "year"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(year), str(year)) for year in reversed(HiresByQuarter.objects.years())]

    def queryset(
        self, request: HttpRequest, queryset: "QuerySet[HiredEmployee]"
    ) -> "QuerySet[HiredEmployee]":
        value = self.value() or ""
        known = value.isascii() and value.isdigit() and FIRST_YEAR <= int(value[:5]) <= LAST_YEAR
        return queryset.filter(pk__in=()) if value and not known else _for_year(queryset, value)


def _for_year(queryset: "QuerySet[HiredEmployee]", year: str) -> "QuerySet[HiredEmployee]":
    return queryset & HiredEmployee.objects.for_year(int(year)) if year else queryset


class IncompleteFilter(admin.SimpleListFilter):
    """What lenient imports let in."""

    title = gettext_lazy("complete")
    parameter_name = "incomplete"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("name, department or job missing"))]

    def queryset(
        self, request: HttpRequest, queryset: "QuerySet[HiredEmployee]"
    ) -> "QuerySet[HiredEmployee]":
        return queryset & HiredEmployee.objects.incomplete() if self.value() == "1" else queryset


class HiredEmployeeForm(ModelForm):  # type: ignore[type-arg]
    """The year must be one that the rollup knows."""

    class Meta:
        model = HiredEmployee
        fields = ("name", "hired_at", "department", "job")

    def clean_hired_at(self) -> Any:
        """Refuses a year that has no quarters."""
        at = self.cleaned_data["hired_at"]
        if not FIRST_YEAR < at.year < LAST_YEAR:
            message = _("Choose a year from %(first)s to %(last)s.")
            raise ValidationError(message % {"first": FIRST_YEAR + 1, "last": LAST_YEAR - 1})
        return at


@admin.register(HiredEmployee)
class HiredEmployeeAdmin(Guarded):
    """One hire. Edits go through the guards of the database, which keep the rollup right."""

    form = HiredEmployeeForm
    list_display = ("id", "name", "hired_at", "department", "job", "import_id")
    list_display_links = ("id", "name")
    list_filter = (YearFilter, IncompleteFilter, "department", "job")
    list_select_related = ("department", "job")
    autocomplete_fields = ("department", "job")
    search_fields = ("name",)
    search_help_text = gettext_lazy("An id, or a part of the name; among many people choose a year first.")
    ordering = ("-pk",)
    sortable_by = ()
    list_per_page = 50
    paginator = EstimatePaginator
    show_full_result_count = False

    @admin.display(description=gettext_lazy("import"))
    def import_id(self, person: HiredEmployee) -> str:
        """The import that wrote the row last; empty for rows made by hand."""
        source = row_origin(person.origin)[0]
        return str(source) if source else ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Digits are an id, found by the key; anything else is a part of a name."""
        if search_term.isascii() and search_term.isdigit() and len(search_term) < 19:
            return queryset.filter(pk=int(search_term)), False
        return super().get_search_results(request, queryset, search_term)

    def save_model(self, request: HttpRequest, obj: HiredEmployee, form: Any, change: bool) -> None:
        """A year that nobody was hired in before gets its partition first."""
        HiredEmployee.objects.year_made(obj.hired_at)
        super().save_model(request, obj, form, change)


@matters
def incomplete_hires() -> list[Matter]:
    """Hires without name, department or job."""
    count = HiredEmployee.objects.incomplete().order_by()[:COUNT_LIMIT].count()
    if not count:
        return []
    text = ngettext(
        "%(n)s hire lacks a name, department or job", "%(n)s hires lack a name, department or job", count
    )
    more = "+" if count == COUNT_LIMIT else ""
    url = reverse("admin:hiring_hiredemployee_changelist") + "?incomplete=1"
    return [Matter(text % {"n": f"{count:,}{more}"}, url)]
