"""Imports and rejects in the admin: found, filtered, cancelled, handed out. Nothing is edited here."""

from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.permissions import member
from ingest import reasons, services
from ingest.models import Import, Reject, RememberedMapping, Stage
from runs.models import OPEN_STATES, State
from skillora.lib.errors import DomainError

COUNT_LIMIT = 10_000  # filtered rows are counted so far and no further


class EstimatePaginator(Paginator):  # type: ignore[type-arg]
    """Knows how many rows there are without reading them: the planner's estimate, or a bounded count."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        if not rows.query.where:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_partition_tree(%s::regclass) t "
                    "JOIN pg_class c ON c.oid = t.relid WHERE t.isleaf",
                    [rows.model._meta.db_table],
                )
                estimate = int(cursor.fetchone()[0])
            if estimate > COUNT_LIMIT:
                return estimate
        return int(rows.order_by()[:COUNT_LIMIT].count())


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """To look at: changes go through imports, never past the cleaning."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class StateFilter(admin.SimpleListFilter):
    """The state a person sees: of the load where there is one, of the upload before."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*Stage.choices, *State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Import]) -> QuerySet[Import]:
        if value := self.value():
            return queryset.filter(Q(load__state=value) | Q(load=None, stage=value))
        return queryset


@admin.register(Import)
class ImportAdmin(ReadOnly):
    """What came in."""

    list_display = (
        "name", "dataset", "state", "by", "created_at",
        "rows_read", "inserted", "updated", "unchanged", "rejected", "skipped",
    )  # fmt: skip
    list_filter = (StateFilter, "dataset", "origin", "created_at")
    search_fields = ("name", "stored", "sha256", "by__email")
    list_select_related = ("load", "by")
    date_hierarchy = None
    exclude = ("facts", "suggestion", "mapping")
    readonly_fields = ("state", "error", "on_the_page")
    actions = ("cancel", "rejects_download")

    @admin.display(description=gettext_lazy("state"), ordering="load__state")
    def state(self, source: Import) -> str:
        """In words."""
        labels = {str(value): label for value, label in [*Stage.choices, *State.choices]}
        return str(labels.get(source.state, source.state))

    @admin.display(description=gettext_lazy("why it failed"))
    def error(self, source: Import) -> str:
        """Of the load."""
        return source.load.error_message if source.load else ""

    @admin.display(description=gettext_lazy("page"))
    def on_the_page(self, source: Import) -> SafeString:
        """The report that members see."""
        try:
            url = reverse("ingest:import-detail", args=[source.pk])
        except NoReverseMatch:
            return format_html("{}", "")
        return format_html('<a href="{}">{}</a>', url, _("Open the report"))

    @admin.action(description=gettext_lazy("Cancel the loads of selected imports"))
    def cancel(self, request: HttpRequest, imports: QuerySet[Import]) -> None:
        """Stop what still runs; what has ended is named."""
        stopped = 0
        for source in imports.filter(load__state__in=OPEN_STATES).select_related("load"):
            try:
                services.import_cancel(source=source, by=member(request))
                stopped += 1
            except DomainError as error:
                self.message_user(request, f"{source}: {error.message}", messages.WARNING)
        self.message_user(request, _("Loads that are being cancelled: %(n)s.") % {"n": stopped})

    @admin.action(description=gettext_lazy("Download the rejects of one import (CSV)"))
    def rejects_download(
        self, request: HttpRequest, imports: QuerySet[Import]
    ) -> StreamingHttpResponse | None:
        """As the report's own download."""
        chosen = list(imports[:2])
        if len(chosen) != 1:
            self.message_user(request, _("Choose exactly one import."), messages.WARNING)
            return None
        return StreamingHttpResponse(
            services.rejects_csv(chosen[0]),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="rejects-{chosen[0].pk}.csv"'},
        )


class CodeFilter(admin.SimpleListFilter):
    """By reason; the choices are declared, not counted out of the table."""

    title = gettext_lazy("reason")
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(reason.code, reason.code) for reason in reasons.REASONS[1:]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Reject]) -> QuerySet[Reject]:
        return queryset.filter(code=self.value()) if self.value() else queryset


@admin.register(Reject)
class RejectAdmin(ReadOnly):
    """Lines that did not load."""

    list_display = ("line", "source", "column", "value", "code", "message", "state")
    list_filter = (CodeFilter, "state", "field")
    search_fields = ("=line", "source__name", "column", "value")
    list_select_related = ("source",)
    list_per_page = 50
    show_full_result_count = False


@admin.register(RememberedMapping)
class RememberedMappingAdmin(ReadOnly):
    """What is decided for files with the same headers; deleted, the next such file is looked at afresh."""

    list_display = ("dataset", "columns", "by", "decided_at", "short_fingerprint")
    list_filter = ("dataset", "decided_at")
    search_fields = ("dataset", "fingerprint", "by__email", "mapping")
    list_select_related = ("by",)

    @admin.display(description=gettext_lazy("mapped columns"))
    def columns(self, kept: RememberedMapping) -> str:
        """Canonical names, those of constants too."""
        parts = (kept.mapping.get(part) or {} for part in ("columns", "constants"))
        return ", ".join(name for part in parts for name in part)

    @admin.display(description=gettext_lazy("headers"), ordering="fingerprint")
    def short_fingerprint(self, kept: RememberedMapping) -> str:
        """Enough to tell them apart."""
        return kept.fingerprint[:12]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)
