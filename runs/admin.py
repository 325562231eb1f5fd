"""Runs in the admin: to look at and to cancel, never to write by hand."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from runs.models import Run
from runs.services import run_cancel
from skillora.lib.errors import Conflict

# Django's ModelAdmin is generic for the type checker only.
if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Run]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(Run)
class RunAdmin(ModelAdmin):
    list_display = ["id", "task", "state", "progress", "by", "attempt", "worker", "created_at", "finished_at"]
    list_filter = ["state", "task", "queue", "created_at"]
    list_select_related = ["by"]
    search_fields = ["=id", "task", "by__email", "error_message", "error_code", "worker"]
    date_hierarchy = "created_at"
    actions = ["cancel"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Run | None = None) -> list[str]:
        return [field.name for field in Run._meta.fields]

    def change_view(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["extra_context"] = {**(kwargs.get("extra_context") or {}), "show_save": False}
        kwargs["extra_context"] |= {"show_save_and_continue": False}
        return super().change_view(*args, **kwargs)

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, run: Run) -> str:
        total = "?" if run.progress_total is None else f"{run.progress_total:,}"
        return f"{run.progress_done:,} / {total}" if run.progress_done else ""

    @admin.action(description=gettext_lazy("Cancel the chosen runs"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        """Cancel what has not ended; say how many had."""
        cancelled = ended = 0
        for run in queryset:
            try:
                run_cancel(run=run, by=request.user)  # type: ignore[arg-type]
                cancelled += 1
            except Conflict:
                ended += 1
        if cancelled:
            text = ngettext("%(n)d run is cancelled.", "%(n)d runs are cancelled.", cancelled)
            messages.success(request, text % {"n": cancelled})
        if ended:
            messages.warning(request, _("%(n)d had ended before.") % {"n": ended})
