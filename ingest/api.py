"""Imports, datasets and their rows by API. Thin: input, service, output."""

import time
from typing import Any

from django.db.models import (
    CharField,
    DateField,
    DecimalField,
    Field,
    ForeignKey,
    IntegerField,
    Model,
    Q,
    QuerySet,
)
from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.idempotency import idempotent
from accounts.permissions import member
from ingest import services
from ingest.bodies import dataset_body, import_body, import_row, row_body
from ingest.declarations import Dataset, dataset, datasets
from ingest.lineage import rows_of_import
from ingest.models import IMPORT_MAX, Import
from runs.models import OPEN_STATES
from skillora.lib.errors import Conflict, DomainError
from skillora.lib.parsing import Cursor

HEADER_LENGTH = 1000
POLL_SECONDS = 0.1
RETRY_SECONDS = "1"
Text = dict[str, str]

IMPORT = inline_serializer(
    "Import",
    {
        "id": serializers.IntegerField(),
        "dataset": serializers.CharField(),
        "name": serializers.CharField(),
        "state": serializers.CharField(),
        "counters": serializers.DictField(child=serializers.IntegerField()),
        "progress": serializers.DictField(required=False),
        "rate": serializers.FloatField(required=False, allow_null=True, help_text="rows a second"),
        "eta_seconds": serializers.FloatField(required=False, allow_null=True),
        "facts": serializers.DictField(required=False),
        "suggestion": serializers.DictField(required=False),
        "mapping": serializers.DictField(required=False),
        "links": serializers.DictField(child=serializers.CharField()),
    },
)
OBJECT = OpenApiTypes.OBJECT


class ColumnMap(serializers.DictField):
    """Canonical name → header in the file."""

    child = serializers.CharField(max_length=HEADER_LENGTH, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and len(data) > 1000:
            raise serializers.ValidationError([_("Too many columns.")])
        return super().to_internal_value(data)


class MapRequest(serializers.Serializer[Any]):
    """What goes where."""

    column_map = ColumnMap(required=False, default=dict)
    constants = ColumnMap(required=False, default=dict, help_text="canonical name → text of every cell")
    fill = serializers.BooleanField(required=False, default=False, help_text="suggest the rest")
    lenient = serializers.BooleanField(required=False, default=False)


class LoadRequest(serializers.Serializer[Any]):
    """How to load."""

    force = serializers.BooleanField(required=False, default=False, help_text="also what was loaded before")
    wait = serializers.IntegerField(required=False, default=0, min_value=0, max_value=10, help_text="seconds")


class UploadRequest(LoadRequest):
    """A file, and if it shall be loaded at once, its mapping."""

    file = serializers.FileField(allow_empty_file=True, max_length=255)
    dataset = serializers.CharField(max_length=40)
    column_map = serializers.JSONField(required=False, help_text='{"salary": "compensation", …} as JSON text')
    fill = serializers.BooleanField(required=False, default=False)
    lenient = serializers.BooleanField(required=False, default=False)

    def validate_column_map(self, value: Any) -> Any:
        return ColumnMap().run_validation(value)


def checked(form: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The request's body as `form` declares it; 400 with a pointer per fault."""
    bound = form(data=request.data)
    bound.is_valid(raise_exception=True)
    return dict(bound.validated_data)


def number_in(request: Request, name: str, high: int) -> int | None:
    """A whole number 0..high of the query string; None where it is not asked for."""
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= high):
        message = _("%(name)s must be a whole number from 0 to %(high)s.") % {"name": name, "high": high}
        raise DomainError(message, code="bad_parameter", status=400)
    return int(text)


def accepted(source: Import, *, wait: int = 0) -> Response:
    """202 with Location and Retry-After while it runs; 200 where it ended within `wait` seconds."""
    end = time.monotonic() + wait
    while source.load is not None and source.load.state in OPEN_STATES and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        source = Import.objects.with_run().get(pk=source.pk)  # in one look: a load ends between two
    headers = {"Location": reverse("api:import", args=[source.pk])}
    running = source.load is not None and source.load.state in OPEN_STATES
    if running:
        headers["Retry-After"] = RETRY_SECONDS
    return Response(import_body(source), status=202 if running else 200, headers=headers)


def submit(source: Import, request: Request, asked: dict[str, Any]) -> Response:
    """Start the load; a load of the same file and mapping before is 409 and says which."""
    try:
        services.import_submit(source=source, by=member(request), force=asked["force"])
    except Conflict as error:
        existing = getattr(error, "existing", None)
        if existing is not None and not error.errors:
            url = reverse("api:import", args=[existing.pk])
            error.errors = [
                {"pointer": url, "code": error.code, "detail": error.message, "value": existing.pk}
            ]
        raise
    source = services.import_for(by=member(request), pk=source.pk)
    return accepted(source, wait=asked["wait"])


class Imports(APIView):
    """Files on their way into a dataset."""

    parser_classes = [MultiPartParser]
    takes_files = True

    @extend_schema(
        operation_id="imports_list",
        parameters=[OpenApiParameter("dataset", str), OpenApiParameter("state", str)],
        responses=inline_serializer("Imports", {"results": IMPORT}, many=True),
    )
    def get(self, request: Request) -> Response:
        """All imports, newest first; `?dataset=` and `?state=` narrow them down."""
        rows = services.imports_visible(member(request)).with_run()  # type: ignore[attr-defined]
        if slug := request.query_params.get("dataset"):
            rows = rows.filter(dataset=dataset(slug).slug)
        if state := request.query_params.get("state"):
            rows = rows.filter(Q(load__state=state) | Q(load=None, stage=state))
        return listed(self, request, rows, import_row)

    @extend_schema(
        request={"multipart/form-data": UploadRequest},
        responses={201: IMPORT, 202: IMPORT, 400: OBJECT, 413: OBJECT},
    )
    @idempotent
    def post(self, request: Request) -> HttpResponseBase:
        """Upload a file. With `column_map` (or `fill`) it is loaded at once: 202."""
        asked = checked(UploadRequest, request)
        upload = asked["file"]
        source = services.import_create(
            by=member(request), dataset=dataset(asked["dataset"]).slug, upload=upload, name=upload.name
        )
        if "column_map" in asked or asked["fill"]:
            try:
                services.import_map(
                    source=source,
                    by=member(request),
                    column_map=asked.get("column_map") or {},
                    fill=asked["fill"],
                    lenient=asked["lenient"],
                )
            except DomainError:  # the caller never learns its id
                services.import_delete(source=source, by=member(request))
                raise
            response = submit(source, request, asked)
            response.status_code = 201 if response.status_code == 200 else 202
            return response
        headers = {"Location": reverse("api:import", args=[source.pk])}
        return Response(import_body(source), status=201, headers=headers)


class ImportOne(APIView):
    """One import: state, counters, rate, facts, suggestion, mapping, links."""

    @extend_schema(responses=IMPORT)
    def get(self, request: Request, pk: int) -> Response:
        """How far it is; ask again after Retry-After seconds while it runs."""
        source = services.import_for(by=member(request), pk=pk)
        running = source.state in OPEN_STATES
        return Response(import_body(source), headers={"Retry-After": RETRY_SECONDS} if running else {})

    @extend_schema(responses={204: OpenApiResponse(description="forgotten")})
    def delete(self, request: Request, pk: int) -> Response:
        """Forget an upload of which nothing was loaded, and its file."""
        source = services.import_for(by=member(request), pk=pk, change=True)
        services.import_delete(source=source, by=member(request))
        return Response(status=204)


class ImportMap(APIView):
    """What goes where."""

    @extend_schema(request=MapRequest, responses={200: IMPORT, 422: OBJECT})
    @idempotent
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        """Canonical name → header; `fill` takes the suggestion for the rest. Writes nothing yet."""
        asked = checked(MapRequest, request)
        source = services.import_for(by=member(request), pk=pk, change=True)
        return Response(import_body(services.import_map(source=source, by=member(request), **asked)))


class ImportCheck(APIView):
    """The dry run."""

    @extend_schema(request=None, responses={202: IMPORT})
    @idempotent
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        """Count what would load and what would not, by reason; writes no row. The result is in `check`."""
        source = services.import_for(by=member(request), pk=pk, change=True)
        services.import_check(source=source, by=member(request))
        source = services.import_for(by=member(request), pk=pk)
        headers = {"Location": reverse("api:import", args=[pk]), "Retry-After": RETRY_SECONDS}
        return Response(import_body(source), status=202, headers=headers)


class ImportLoad(APIView):
    """The load."""

    @extend_schema(request=LoadRequest, responses={200: IMPORT, 202: IMPORT, 409: OBJECT})
    @idempotent
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        """Load it; what was loaded before is 409 and names that import, unless `force`."""
        asked = checked(LoadRequest, request)
        return submit(services.import_for(by=member(request), pk=pk, change=True), request, asked)


class ImportCancel(APIView):
    """Stop it."""

    @extend_schema(request=None, responses={200: IMPORT, 409: OBJECT})
    @idempotent
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        """Stop the load; nothing of it stays."""
        source = services.import_for(by=member(request), pk=pk, change=True)
        services.import_cancel(source=source, by=member(request))
        return Response(import_body(services.import_for(by=member(request), pk=pk)))


class ImportRemap(APIView):
    """Map the same file again."""

    @extend_schema(request=None, responses={201: IMPORT})
    @idempotent
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        """An import of the same stored file, to map anew."""
        source = services.import_for(by=member(request), pk=pk, change=True)
        again = services.import_remap(source=source, by=member(request))
        headers = {"Location": reverse("api:import", args=[again.pk])}
        return Response(import_body(again), status=201, headers=headers)


class Datasets(APIView):
    """The tables that files are loaded into."""

    @extend_schema(operation_id="datasets_list", responses={200: OBJECT})
    def get(self, request: Request) -> Response:
        """All datasets with their columns."""
        return Response({"results": [dataset_body(d) for d in datasets()], "next": None, "previous": None})


class DatasetOne(APIView):
    """One of them."""

    @extend_schema(responses={200: OBJECT})
    def get(self, request: Request, slug: str) -> Response:
        """Its columns: kind, required, default."""
        return Response(dataset_body(dataset(slug)))


class DatasetRows(APIView):
    """The rows of a dataset."""

    @extend_schema(
        operation_id="datasets_rows", parameters=[OpenApiParameter("import", int)], responses={200: OBJECT}
    )
    def get(self, request: Request, slug: str) -> Response:
        """Newest first, of imports with tables of their own before others; `?import=` keeps the rows that an import
        wrote, a column's name those with that value.

        A column that refers to a small table takes a name, an id, or `none`; of days, times and numbers there
        are `<column>_from` (that or later, or more) and `<column>_before` (earlier, or less) too.
        """
        declared = dataset(slug)
        rows = rows_of(declared)
        if (import_id := number_in(request, "import", IMPORT_MAX)) is not None:
            source = Import.objects.filter(pk=import_id, dataset=slug).first()
            rows = rows_of_import(rows, declared, source) if source else rows.none()
        for name, field in _filters(declared).items():
            if text := request.query_params.get(name):
                rows = rows.filter(_meant(field, text))
            for ending, lookup in (("from", "gte"), ("before", "lt")):
                if _ordered(field) and (text := request.query_params.get(f"{name}_{ending}")):
                    rows = rows.filter(**{f"{field.name}__{lookup}": _value(field, text)})
        return listed(self, request, rows, row_body)


def _filters(declared: Dataset) -> "dict[str, Field[Any, Any]]":
    """What stands in the query string → the model's column: by its own name, and as files and batches call it."""
    fields = {f.name: f for f in declared.model._meta.concrete_fields if not f.primary_key or declared.key}
    targets = {f.attname: f for f in fields.values()}
    return fields | {c.name: targets[c.target] for c in declared.columns if c.target in targets}


def _ordered(field: "Field[Any, Any]") -> bool:
    return isinstance(field, DateField | IntegerField | DecimalField) and not field.choices


def rows_of(declared: Dataset) -> QuerySet[Model]:
    """Rows with the names that their ids stand for."""
    rows = declared.model._default_manager.all()
    names = [f.name for f in rows.model._meta.concrete_fields if isinstance(f, ForeignKey)]
    return rows.select_related(*names) if names else rows


def _meant(field: "Field[Any, Any]", text: str) -> Q:
    """What `text` may mean in this column: rows of a small table, a choice, or the value itself."""
    if isinstance(field, ForeignKey):
        if field.null and text == "none":
            return Q(**{field.name: None})
        small = field.related_model
        wanted = Q(pk=int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else Q()
        for inner in small._meta.concrete_fields:
            if isinstance(inner, CharField):
                wanted |= Q(**{f"{inner.name}__iexact": text})
        found = small._default_manager.filter(wanted).values_list("pk", flat=True)
        return Q(**{f"{field.attname}__in": list(found)})
    if field.choices:
        known = [value for value, label in field.flatchoices if str(label).casefold() == text.casefold()]
        return Q(**{f"{field.name}__in": known})
    return Q(**{field.name: _value(field, text)})


def _value(field: "Field[Any, Any]", text: str) -> Any:
    try:
        return field.clean(text, None)
    except Exception as error:
        message = _("%(name)s: %(value)s is not a value of this column.")
        raise DomainError(
            message % {"name": field.name, "value": text[:100]}, code="bad_parameter", status=400
        ) from error


def listed(
    view: APIView, request: Request, rows: QuerySet[Any], body: Any, *, ordering: str = "-pk"
) -> Response:
    pages = Cursor()
    pages.ordering = ordering
    found = pages.paginate_queryset(rows, request, view=view) or []
    return pages.get_paginated_response([body(row) for row in found])
