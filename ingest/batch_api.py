"""Rows by API: our own address, and those of two other hiring systems, as thin views over one service."""

from typing import Any

from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiRequest, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.idempotency import idempotent
from accounts.permissions import member
from ingest.batches import ROWS_MAX, Loaded, Mode, RowResult, batch_load
from ingest.bodies import import_links
from ingest.declarations import dataset
from ingest.reasons import reason
from ingest.upserting import DOUBLED
from skillora.lib.errors import DomainError, NotFound

OBJECT = OpenApiTypes.OBJECT
MODES: tuple[Mode, ...] = ("atomic", "partial")
ROWS: dict[str, Any] = {
    "type": "array",
    "minItems": 1,
    "maxItems": ROWS_MAX,
    "items": {
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
    },
}
Body = dict[str, Any]


def _schema(properties: Body, required: list[str]) -> OpenApiRequest:
    return OpenApiRequest({"type": "object", "properties": properties, "required": required})


BATCH = inline_serializer(
    "Batch",
    {
        "import": serializers.IntegerField(allow_null=True),
        "mode": serializers.ChoiceField(MODES),
        "counters": serializers.DictField(child=serializers.IntegerField()),
        "duration_ms": serializers.FloatField(),
        "rows": serializers.ListField(child=serializers.DictField()),
        "links": serializers.DictField(child=serializers.CharField()),
    },
)


def body_of(request: Request, *needed: str) -> Body:
    """The request's JSON object; 422 where it is none or lacks a field."""
    data: Any = request.data
    if not isinstance(data, dict):
        raise DomainError(_("Send a JSON object."), code="not_an_object")
    errors: list[Body] = [
        {"pointer": f"#/{name}", "code": "required", "detail": _("This field is required."), "value": None}
        for name in needed
        if name not in data
    ]
    if errors:
        message = _("Send %(names)s.") % {"names": ", ".join(name for name in needed if name not in data)}
        raise DomainError(message, code="required", errors=errors)
    return data


def rows_in(data: Body, name: str) -> list[Any]:
    """The list of rows of a body; their number is the service's to judge."""
    rows = data[name]
    if not isinstance(rows, list):
        raise DomainError(_("%(name)s is a list of rows.") % {"name": name}, code="not_a_list")
    return rows


def flag_in(data: Body, name: str) -> bool:
    """An optional true or false of a body."""
    value = data.get(name, False)
    if not isinstance(value, bool):
        raise DomainError(_("%(name)s is true or false.") % {"name": name}, code="not_a_boolean")
    return value


def table_named(name: Any) -> str:
    """The dataset of that name; 400 in the words of the systems that spoke of tables."""
    try:
        return dataset(name if isinstance(name, str) else "").slug
    except NotFound as error:
        shown = str(name)[:100]
        message = _("Invalid table name: %(name)s. %(known)s") % {"name": shown, "known": error.message}
        raise DomainError(message, code="unknown_table", status=400) from None


def row_answer(row: RowResult) -> Body:
    """One row of the answer."""
    return {"index": row.index, "status": row.status, "id": row.id, "errors": row.errors}


def _inserted_wrong(row: RowResult, slug: str) -> list[Body]:
    """What is wrong with a row of /insert, whose rows are called data; without errors its key comes again."""
    pointer = f"#/rows/{row.index}"
    doubled: Body = {
        "pointer": f"{pointer}/{''.join(dataset(slug).key)}",
        "code": DOUBLED,
        "detail": str(reason(DOUBLED).message),
        "value": row.id,
    }
    found: list[Body] = [*row.errors] or [doubled]
    return [{**error, "pointer": str(error["pointer"]).replace("#/rows/", "#/data/", 1)} for error in found]


def refused(loaded: Loaded) -> DomainError:
    """All that is wrong with a batch of which nothing was written."""
    errors = [error for row in loaded.rows for error in row.errors]
    n = loaded.counts.rejected
    message = ngettext(
        "%(n)s row is wrong, nothing was written: correct it and send all of them again.",
        "%(n)s rows are wrong, nothing was written: correct them and send all of them again.",
        n,
    )
    return DomainError(message % {"n": n}, code="rows_rejected", errors=errors)


class DatasetBatch(APIView):
    """POST /api/v1/datasets/{slug}/batch"""

    @extend_schema(
        operation_id="datasets_batch",
        parameters=[OpenApiParameter("Idempotency-Key", str, "header")],
        request=_schema(
            {
                "rows": ROWS,
                "mode": {"type": "string", "enum": list(MODES), "default": "atomic"},
                "lenient": {"type": "boolean", "default": False},
            },
            ["rows"],
        ),
        responses={201: BATCH, 207: BATCH, 409: OBJECT, 422: OBJECT},
    )
    @idempotent
    def post(self, request: Request, slug: str) -> HttpResponseBase:
        """1 to 1000 rows: 201 all written, 207 some, 422 none. An answer for each row, in order."""
        by = member(request)
        declared = dataset(slug)
        data = body_of(request, "rows")
        mode = data.get("mode", "atomic")
        if mode not in MODES:
            raise DomainError(_("mode is atomic or partial."), code="invalid_mode")
        loaded = batch_load(
            by=by,
            dataset=declared.slug,
            rows=rows_in(data, "rows"),
            mode=mode,
            lenient=flag_in(data, "lenient"),
        )
        if loaded.source is None:
            raise refused(loaded)
        body = {
            "import": loaded.source.pk,
            "mode": mode,
            "counters": vars(loaded.counts),
            "duration_ms": round(loaded.seconds * 1000, 2),
            "rows": [row_answer(row) for row in loaded.rows],
            "links": import_links(loaded.source),
        }
        status = 207 if loaded.counts.rejected else 201
        return Response(body, status=status, headers={"Location": body["links"]["self"]})


class TableBatch(APIView):
    """POST /api/v1/batch/{table}"""

    @extend_schema(
        operation_id="batch_insert",
        request=_schema({"table": {"type": "string", "maxLength": 40}, "rows": ROWS}, ["table", "rows"]),
        responses={
            200: inline_serializer(
                "BatchInserted",
                {
                    "table": serializers.CharField(),
                    "rows_inserted": serializers.IntegerField(),
                    "duration_ms": serializers.FloatField(),
                },
            ),
            409: OBJECT,
            422: OBJECT,
        },
    )
    @idempotent
    def post(self, request: Request, table: str) -> HttpResponseBase:
        """All rows or none."""
        by = member(request)
        slug = table_named(table)
        data = body_of(request, "table", "rows")
        if data["table"] != table:
            message = _("The address says table %(one)s, the body says %(two)s: send the same name.")
            raise DomainError(
                message % {"one": table, "two": str(data["table"])[:100]}, code="table_differs", status=400
            )
        loaded = batch_load(by=by, dataset=slug, rows=rows_in(data, "rows"), mode="atomic", guesses=True)
        if loaded.source is None:
            raise refused(loaded)
        written = loaded.counts.inserted + loaded.counts.updated + loaded.counts.unchanged
        return Response(
            {"table": table, "rows_inserted": written, "duration_ms": round(loaded.seconds * 1000, 2)}
        )


class TableInsert(APIView):
    """POST /insert"""

    @extend_schema(
        operation_id="insert",
        request=_schema({"table": {"type": "string", "maxLength": 40}, "data": ROWS}, ["table", "data"]),
        responses={
            200: inline_serializer(
                "Inserted",
                {
                    "success": serializers.BooleanField(),
                    "message": serializers.CharField(),
                    "failed_records": serializers.ListField(child=serializers.DictField()),
                },
            ),
            409: OBJECT,
            422: OBJECT,
        },
    )
    @idempotent
    def post(self, request: Request) -> HttpResponseBase:
        """Every good row is written; the others come back with their errors, doubled ones too: the last counts."""
        by = member(request)
        data = body_of(request, "table", "data")
        slug = table_named(data["table"])
        rows = rows_in(data, "data")
        loaded = batch_load(by=by, dataset=slug, rows=rows, mode="partial", guesses=True)
        written = loaded.counts.inserted + loaded.counts.updated + loaded.counts.unchanged
        failed = [
            {"record": rows[row.index], "errors": _inserted_wrong(row, slug)}
            for row in loaded.rows
            if row.status in ("rejected", "skipped")
        ]
        message = _("%(n)s records inserted into %(table)s") % {"n": written, "table": slug}
        return Response({"success": written > 0, "message": message, "failed_records": failed})
