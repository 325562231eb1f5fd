"""Files by table name, as a hiring system's clients send them: one call uploads, maps by recognition, and loads."""

from pathlib import PurePath
from typing import Any

from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.idempotency import idempotent
from accounts.models import User
from accounts.permissions import member
from ingest import services
from ingest.batch_api import table_named
from ingest.declarations import dataset
from ingest.mapping import Suggestion
from ingest.models import IMPORT_MAX, Import
from runs.models import Run, State
from skillora.lib.errors import Conflict, DomainError, NotFound

SUFFIXES = (".csv", ".tsv", ".txt")
NAME_LENGTH = 255
WORDS = {
    State.QUEUED: "pending",
    State.RUNNING: "processing",
    State.FAILED: "failed",
    State.CANCELLED: "failed",
}

ACCEPTED = inline_serializer(
    "TableUploadAccepted",
    {
        "task_id": serializers.CharField(),
        "status": serializers.CharField(),
        "message": serializers.CharField(),
        "filename": serializers.CharField(),
        "rows_to_process": serializers.IntegerField(allow_null=True),
    },
)
TASK = inline_serializer(
    "TableTask",
    {
        "task_id": serializers.CharField(),
        "status": serializers.ChoiceField(["pending", "processing", "completed", "failed"]),
        "progress": serializers.IntegerField(),
        "total": serializers.IntegerField(allow_null=True),
        "result": serializers.DictField(allow_null=True),
        "error": serializers.CharField(allow_null=True),
    },
)


class TableFile(serializers.Serializer[Any]):
    """One file."""

    file = serializers.FileField(allow_empty_file=True, max_length=NAME_LENGTH)


def loaded_once(*, source: Import, by: User) -> Import:
    """Start the load; where the same file was loaded in the same way before, forget this one: here is that."""
    try:
        services.import_submit(source=source, by=by)
    except Conflict as error:
        existing: Import | None = getattr(error, "existing", None)
        if existing is None:
            raise
        services.import_delete(source=source, by=by)
        return existing
    return source


def mapped_by_recognition(*, source: Import, by: User) -> Import:
    """Map as suggested where the suggestion leaves no doubt; 422 says which columns are in doubt."""
    suggestion = Suggestion.from_json(source.suggestion)
    headers = [str(column["header"]) for column in source.facts["columns"]]
    doubtful: list[dict[str, object]] = [
        {
            "pointer": f"#/columns/{guess.column}",
            "code": "doubtful_column",
            "detail": guess.why,
            "value": headers[guess.column],
        }
        for guess in suggestion.guesses
        if guess.word == "check"
    ]
    if suggestion.missing or doubtful:
        missing = ", ".join(suggestion.missing) or "—"
        message = _(
            "It is not certain which column is which. Not found: %(missing)s; the file has: %(headers)s. "
            "Map it by hand: POST /api/v1/imports, or the upload page."
        ) % {"missing": missing, "headers": ", ".join(headers)[:300]}
        raise DomainError(message, code="mapping_uncertain", errors=doubtful)
    return services.import_map(source=source, by=by, mapping=suggestion.mapping)


class TableUpload(APIView):
    """POST /api/v1/upload/csv/{table}"""

    parser_classes = [MultiPartParser]
    takes_files = True

    @extend_schema(
        operation_id="upload_csv",
        request={"multipart/form-data": TableFile},
        responses={202: ACCEPTED, 422: OpenApiTypes.OBJECT},
    )
    @idempotent
    def post(self, request: Request, table: str) -> HttpResponseBase:
        """A CSV, with a header or without, into the table of that name; ask for the task until it is completed."""
        by = member(request)
        slug = table_named(table)
        upload = request.FILES.get("file")
        if upload is None:
            raise DomainError(_("Send the CSV as the form field file."), code="no_file")
        name = (upload.name or "")[-NAME_LENGTH:]
        if PurePath(name).suffix.lower() not in SUFFIXES:
            raise DomainError(_("Send a CSV file: its name ends in .csv."), code="not_a_csv", status=400)
        source = services.import_create(by=by, dataset=slug, upload=upload, name=name)
        rows = source.facts.get("rows")
        try:
            source = mapped_by_recognition(source=source, by=by)
        except DomainError:
            services.import_delete(source=source, by=by)
            raise
        source = loaded_once(source=source, by=by)
        body = {
            "task_id": str(source.pk),
            "status": "accepted",
            "message": _("The file is being loaded into %(table)s.") % {"table": slug},
            "filename": source.name,
            "rows_to_process": rows,
        }
        headers = {"Location": f"/api/v1/task/{source.pk}", "Retry-After": "1"}
        return Response(body, status=202, headers=headers)


class TableTask(APIView):
    """GET /api/v1/task/{id}"""

    @extend_schema(operation_id="task", responses=TASK)
    def get(self, request: Request, task_id: str) -> Response:
        """How far the load is, and once it has ended, what came of it."""
        source = task_named(task_id, member(request))
        run = source.load
        if run is None:
            raise NotFound(_("Nothing was started for this id."), code="unknown_task")
        status = WORDS.get(State(run.state), "completed")
        ended = status == "completed"
        return Response(
            {
                "task_id": str(source.pk),
                "status": status,
                "progress": source.rows_read if ended else run.progress_done,
                "total": source.rows_read if ended else run.progress_total or source.facts.get("rows"),
                "result": _result(source, run) if ended else None,
                "error": (run.error_message or _("The load was cancelled.")) if status == "failed" else None,
            }
        )


def task_named(task_id: str, by: User) -> Import:
    """The import that a seed system's client calls a task; NotFound."""
    if not (task_id.isascii() and task_id.isdigit() and len(task_id) < 10 and int(task_id) <= IMPORT_MAX):
        raise NotFound(_("There is no task with this id."), code="unknown_task")
    return services.import_for(by=by, pk=int(task_id))


def _result(source: Import, run: Run) -> dict[str, Any]:
    seconds = run.seconds or 0.001
    undone = run.state == State.UNDONE
    written = 0 if undone else source.loaded
    return {
        "status": "success" if not source.rejected else "success_with_rejects",
        "table": dataset(source.dataset).slug,
        "rows_processed": written,
        "rows_rejected": source.rejected,
        "duration_seconds": round(seconds, 3),
        "throughput_rows_per_sec": round(source.rows_read / max(seconds, 0.001)),
    }
