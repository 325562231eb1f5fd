"""S0's paths for salary files: upload, map, task, summary, compare. Thin aliases over ingest and reports."""

from typing import Any

from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.idempotency import idempotent
from accounts.permissions import member
from ingest import services
from ingest.api import ColumnMap, checked
from ingest.bodies import row_body
from ingest.declarations import dataset
from ingest.lineage import rows_of_import
from ingest.models import Import
from ingest.table_api import loaded_once, task_named
from market import reports
from runs.models import Run, State
from skillora.lib.errors import DomainError, NotFound

DATASET = "salary_records"
SUFFIXES = (".csv", ".xlsx", ".xls")
TEXT_LENGTH = 300
SAMPLE = 3
OBJECT = OpenApiTypes.OBJECT


class SeedUpload(serializers.Serializer[Any]):
    """One file."""

    file = serializers.FileField(allow_empty_file=True, max_length=255)


class SeedMap(serializers.Serializer[Any]):
    """`column_map` is canonical name → header in the file."""

    file_id = serializers.CharField(max_length=60)
    column_map = ColumnMap()


class Upload(APIView):
    """POST /api/jobs/ingest/upload"""

    parser_classes = [MultiPartParser]
    takes_files = True

    @extend_schema(
        request={"multipart/form-data": SeedUpload}, responses={200: OBJECT, 400: OBJECT, 413: OBJECT}
    )
    @idempotent
    def post(self, request: Request) -> HttpResponseBase:
        """Upload CSV, XLSX or XLS: `file_id` for the next step, the columns found, a suggested map."""
        upload = checked(SeedUpload, request)["file"]
        if not upload.name.lower().endswith(SUFFIXES):
            raise DomainError(
                "Unsupported file type. Use CSV/XLSX/XLS.", code="unsupported_file_type", status=400
            )
        source = services.import_create(by=member(request), dataset=DATASET, upload=upload, name=upload.name)
        headers = [str(column.get("header", "")) for column in source.facts.get("columns", [])]
        chosen = source.suggestion.get("mapping", {}).get("columns", {})
        return Response(
            {
                "file_id": source.stored,
                "columns": headers,
                "suggested_map": {
                    name: headers[index] for name, index in chosen.items() if index < len(headers)
                },
            }
        )


class Map(APIView):
    """POST /api/jobs/ingest/map"""

    @extend_schema(request=SeedMap, responses={200: OBJECT, 404: OBJECT, 422: OBJECT})
    @idempotent
    def post(self, request: Request) -> HttpResponseBase:
        """Map and load. The same file and map again is the same work: the earlier task is answered."""
        asked = checked(SeedMap, request)
        by = member(request)
        latest = Import.objects.filter(stored=asked["file_id"], dataset=DATASET).order_by("-pk").first()
        if latest is None or not asked["file_id"]:
            raise NotFound(
                _("There is no uploaded file with this file_id; upload it first."), code="unknown_file"
            )
        source = services.import_for(by=by, pk=latest.pk, change=True)
        if source.load_id is not None:
            source = services.import_remap(source=source, by=by)
        services.import_map(source=source, by=by, column_map=asked["column_map"])
        source = loaded_once(source=source, by=by)
        return Response({"task_id": str(source.pk), "status": "queued"})


class Task(APIView):
    """GET /api/jobs/ingest/tasks/<id>"""

    @extend_schema(responses={200: OBJECT, 404: OBJECT})
    def get(self, request: Request, task_id: str) -> Response:
        """State, progress and, once it is there, the result."""
        source = task_named(task_id, member(request))
        if source.load is None:
            raise NotFound(_("Nothing was started for this id: map the file first."), code="unknown_task")
        return Response(task_body(source, source.load))


def seed_state(run: Run) -> str:
    """The state in the words of S0's queue."""
    if run.state == State.QUEUED:
        return "RETRY" if run.attempt else "PENDING"
    if run.state == State.RUNNING:
        return "PROGRESS" if run.progress_done else "STARTED"
    return "FAILURE" if run.state in {State.FAILED, State.CANCELLED} else "SUCCESS"


def task_body(source: Import, run: Run) -> dict[str, Any]:
    """S0's answer: a failed load is FAILURE with `detail`; SUCCESS has `result`."""
    state = seed_state(run)
    body: dict[str, Any] = {
        "id": str(source.pk),
        "state": state,
        "meta": _meta(source, run, state),
        "ready": state in {"SUCCESS", "FAILURE"},
        "successful": state == "SUCCESS",
    }
    if state == "SUCCESS":
        declared = dataset(source.dataset)
        rows = rows_of_import(declared.model._default_manager.all(), declared, source)
        undone = run.state == State.UNDONE
        body["result"] = {
            "file_id": source.stored,
            "inserted": 0 if undone else source.inserted,
            "total": source.rows_read,
            "sample": [] if undone else [row_body(row) for row in rows.order_by("pk")[:SAMPLE]],
        }
    elif state == "FAILURE":
        body["detail"] = run.error_message or _("The load was cancelled.")
    return body


def _meta(source: Import, run: Run, state: str) -> dict[str, Any] | None:
    if state == "SUCCESS":
        return {"processed": source.rows_read, "total": source.rows_read, "percent": 100}
    if state in {"STARTED", "PROGRESS"}:
        return {"processed": run.progress_done, "total": run.progress_total, "percent": run.percent}
    return None


def _texts(request: Request, *names: str) -> dict[str, str]:
    found = {name: request.query_params.get(name, "") for name in names}
    for name, text in found.items():
        if len(text) > TEXT_LENGTH:
            message = _("%(name)s is too long: at most %(limit)s characters.")
            raise DomainError(
                message % {"name": name, "limit": TEXT_LENGTH}, code="bad_parameter", status=400
            )
    return found


class SalarySummary(APIView):
    """GET /api/jobs/analytics/salary/summary"""

    @extend_schema(
        parameters=[OpenApiParameter(n, str) for n in ("title", "country", "stack")], responses=OBJECT
    )
    def get(self, request: Request) -> Response:
        """p50, p75, p90 and n in yearly dollars; null where nothing passes."""
        return Response(reports.salary_summary(**_texts(request, "title", "country", "stack")))


class StackCompare(APIView):
    """GET /api/jobs/analytics/stack/compare"""

    @extend_schema(parameters=[OpenApiParameter(n, str) for n in ("title", "country")], responses=OBJECT)
    def get(self, request: Request) -> Response:
        """Median and n of each stack, highest median first."""
        return Response(reports.stack_compare(**_texts(request, "title", "country")))
