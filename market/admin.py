"""Salary records and reference tables in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from import_export import resources
from import_export.admin import ImportExportModelAdmin

from ingest.admin import EstimatePaginator, ReadOnly
from ingest.models import Import
from market.models import Country, Currency, FxRate, SalaryRecord, Title

TITLES_LIMIT = 2_000


class ImportFilter(admin.SimpleListFilter):
    """One of the newest imports, as a range of the key."""

    title = _("import")
    parameter_name = "import"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        newest = Import.objects.filter(dataset="salary_records", inserted__gt=0)[:20]
        return [(str(source.pk), str(source)) for source in newest]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        if value.isascii() and value.isdigit() and len(value) < 8:
            source = Import.objects.filter(pk=int(value)).first()
            return queryset.filter(pk__range=source.key_range()) if source else queryset.none()
        return queryset


@admin.register(SalaryRecord)
class SalaryRecordAdmin(ReadOnly):
    """Pay as the files say it; found by title. Changes are imports."""

    list_display = (
        "title", "pay", "pay_max", "currency", "period", "pay_year_usd",
        "country", "seniority", "stack", "day", "import_id", "line",
    )  # fmt: skip
    list_filter = (ImportFilter, "seniority", "period")
    list_select_related = ("title", "currency", "country", "stack", "company", "city")
    search_fields = ("title__name",)
    search_help_text = _("A part of the title; the first 2,000 titles that contain it are looked at.")
    ordering = ("-pk",)
    sortable_by = ()
    list_per_page = 50
    paginator = EstimatePaginator
    show_full_result_count = False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The small table is searched, the big one only asked for ids."""
        if not search_term:
            return queryset, False
        titles = Title.objects.filter(name__icontains=search_term).values_list("pk", flat=True)
        return queryset.filter(title_id__in=list(titles[:TITLES_LIMIT])), False


def reference(model: type[Model], *fields: str) -> type[resources.ModelResource]:
    """How a reference table is imported and exported: by code, never by our own ids."""
    meta = type(
        "Meta", (), {"model": model, "fields": fields, "import_id_fields": fields[:1], "use_bulk": False}
    )
    return type(f"{model.__name__}Resource", (resources.ModelResource,), {"Meta": meta})


class ReferenceAdmin(ImportExportModelAdmin):  # type: ignore[misc]
    """A small table that staff may correct, also by file."""

    list_per_page = 100
    skip_export_form = True  # its page needs inline scripts, which the content policy refuses


@admin.register(Title)
class TitleAdmin(ReadOnly):
    """Titles as files write them."""

    search_fields = ("name",)
    paginator = EstimatePaginator
    show_full_result_count = False


@admin.register(Country)
class CountryAdmin(ReferenceAdmin):
    """ISO 3166-1."""

    resource_classes = [reference(Country, "id", "code", "name")]
    list_display = ("code", "name")
    search_fields = ("code", "name")


@admin.register(Currency)
class CurrencyAdmin(ReferenceAdmin):
    """ISO 4217."""

    resource_classes = [reference(Currency, "id", "code", "name")]
    list_display = ("code", "name")
    search_fields = ("code", "name")


@admin.register(FxRate)
class FxRateAdmin(ReferenceAdmin):
    """Units of a currency that one US dollar bought on a day."""

    resource_classes = [reference(FxRate, "id", "currency", "day", "per_usd")]
    list_display = ("currency", "day", "per_usd")
    list_filter = ("currency",)
    date_hierarchy = "day"
    list_select_related = ("currency",)
