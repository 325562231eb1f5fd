"""What comes after a load, by API: rejects corrected, sent back and loaded; undo; the origin of a row."""

from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.idempotency import idempotent
from accounts.permissions import member
from ingest import fixing, joining, services, undoing
from ingest.api import IMPORT, OBJECT, RETRY_SECONDS, checked, listed
from ingest.bodies import import_body, lineage_body, reject_body, work_body
from ingest.cleaning import CELL_MAX
from ingest.fixing import Fix, Rule, Verdict
from ingest.lineage import row_lineage
from ingest.mapping import Mapping
from ingest.models import LINE_MASK, Import, Reject, RejectState
from ingest.settled import work_done
from skillora.lib.errors import DomainError
from skillora.lib.parsing import StrictJSONParser

FIXES_MAX = 1_000
CELLS_MAX = 20_000


class CellText(serializers.CharField):
    """One cell."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=CELL_MAX, allow_blank=True, trim_whitespace=False, **options)


class FixRequest(serializers.Serializer[Any]):
    """A correction: `cells` are all of the line's anew, `values` some by canonical name; `skip` leaves it out."""

    line = serializers.IntegerField(min_value=1, max_value=LINE_MASK)
    cells = serializers.ListField(child=CellText(), required=False, max_length=CELLS_MAX)
    values = serializers.DictField(child=CellText(), required=False)
    version = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)


class FixesRequest(serializers.Serializer[Any]):
    """Corrections of some lines."""

    fixes = FixRequest(many=True, allow_empty=False, max_length=FIXES_MAX)  # type: ignore[call-arg]


class RuleRequest(serializers.Serializer[Any]):
    """What is done with all rejects of a kind. `value`: only those that say this."""

    code = serializers.CharField(max_length=40)
    field = serializers.CharField(max_length=60, allow_blank=True, required=False, default="")
    action = serializers.ChoiceField(["replace", "skip"])
    value = CellText(required=False, allow_null=True, default=None)
    text = CellText(required=False, default="")


class SheetRequest(serializers.Serializer[Any]):
    """The file of rejects, corrected."""

    file = serializers.FileField(allow_empty_file=True, max_length=255)


VERDICTS = inline_serializer(
    "Verdicts",
    {
        "results": inline_serializer(
            "Verdict",
            {
                "line": serializers.IntegerField(),
                "state": serializers.ChoiceField(["valid", "open", "fixed", "discarded", "missing", "stale"]),
                "version": serializers.IntegerField(allow_null=True),
                "errors": serializers.ListField(child=serializers.DictField()),
            },
            many=True,
        ),
        "valid": serializers.IntegerField(),
        "links": serializers.DictField(child=serializers.CharField()),
    },
)


def owned(request: Request, pk: int) -> Import:
    """The import, if the caller may change it."""
    return services.import_for(by=member(request), pk=pk, change=True)


def started(request: Request, pk: int) -> Response:
    """202: something is under way with this import; its resource says when it has ended."""
    headers = {"Location": reverse("api:import", args=[pk]), "Retry-After": RETRY_SECONDS}
    return Response(import_body(services.import_for(by=member(request), pk=pk)), status=202, headers=headers)


class ImportRejects(APIView):
    """Lines that did not load."""

    parser_classes = [StrictJSONParser, MultiPartParser]
    takes_files = True

    @extend_schema(
        operation_id="imports_rejects",
        parameters=[OpenApiParameter("code", str), OpenApiParameter("state", str)],
        responses={200: OBJECT},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Line, column, value, code, message, all errors and the cells.

        `?code=` keeps one reason; `?state=` one of open, valid, fixed, discarded (otherwise open and valid).
        """
        source = services.import_for(by=member(request), pk=pk)
        state = request.query_params.get("state")
        if state and state not in RejectState.values:
            known = ", ".join(RejectState.values)
            raise DomainError(_("state must be one of: %(known)s.") % {"known": known}, "bad_parameter", 400)
        rows = Reject.objects.filter(source=source)
        rows = rows.filter(state=state) if state else rows.pending()
        if code := request.query_params.get("code"):
            rows = rows.filter(code=code)
        return listed(self, request, rows, reject_body, ordering="pk")

    @extend_schema(request=FixesRequest, responses={200: VERDICTS, 409: OBJECT})
    @idempotent
    def patch(self, request: Request, pk: int) -> HttpResponseBase:
        """Correct lines; each gets its verdict at once. What is valid waits to be loaded."""
        source = owned(request, pk)
        asked = checked(FixesRequest, request)["fixes"]
        fixes = [_fix(source, one) for one in asked]
        verdicts = fixing.rejects_fix(source=source, by=member(request), fixes=fixes)
        return Response(_verdicts(source, verdicts))

    @extend_schema(
        request={"multipart/form-data": SheetRequest}, responses={202: IMPORT, 400: OBJECT, 409: OBJECT}
    )
    @idempotent
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        """Send the corrected file of rejects back: what is valid in it is loaded, by line, into this import."""
        source = owned(request, pk)
        upload = checked(SheetRequest, request)["file"]
        joining.rejects_resubmit(source=source, by=member(request), upload=upload, name=upload.name)
        return started(request, pk)


def _fix(source: Import, asked: dict[str, Any]) -> Fix:
    mapping = Mapping.from_json(source.mapping)
    changes: dict[int, str] = {}
    for name, text in (asked.get("values") or {}).items():
        if name not in mapping.columns:
            known = ", ".join(mapping.columns)
            message = _("No column of this file is mapped to %(name)s; there are: %(known)s")
            raise DomainError(message % {"name": name[:60], "known": known}, "unknown_column")
        changes[mapping.columns[name]] = text
    return Fix(asked["line"], asked.get("cells"), changes, asked.get("version"))


def _verdicts(source: Import, verdicts: list[Verdict]) -> dict[str, Any]:
    results = [
        {
            "line": one.line,
            "state": one.word,
            "version": one.reject.version if one.reject else None,
            "errors": one.reject.errors if one.reject and one.word in ("open", "stale") else [],
        }
        for one in verdicts
    ]
    valid = source.rejects.filter(state=RejectState.VALID).count()
    links = {"rejects": reverse("api:import-rejects", args=[source.pk])}
    if valid:
        links["load"] = reverse("api:import-rejects-load", args=[source.pk])
    return {"results": results, "valid": valid, "links": links}


class ImportRejectsRule(APIView):
    """All rejects of a kind."""

    @extend_schema(request=RuleRequest, responses={200: OBJECT, 409: OBJECT, 422: OBJECT})
    @idempotent
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        """Replace the refused text in all of them, or leave them out: {rows, valid}."""
        source = owned(request, pk)
        rule = Rule(**checked(RuleRequest, request))
        return Response(fixing.rejects_rule(source=source, by=member(request), rule=rule))


class ImportRejectsLoad(APIView):
    """Corrected rejects into the table."""

    @extend_schema(request=None, responses={202: IMPORT, 409: OBJECT})
    @idempotent
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        """Load the lines that are valid now, as lines of this same import."""
        joining.rejects_load(source=owned(request, pk), by=member(request))
        return started(request, pk)


class ImportRejectsCsv(APIView):
    """The same lines as a file."""

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """CSV: line, reason, message and the original columns."""
        source = services.import_for(by=member(request), pk=pk)
        name = f"rejects-{source.pk}.csv"
        return StreamingHttpResponse(
            services.rejects_csv(source),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


class ImportUndo(APIView):
    """The import taken back."""

    @extend_schema(responses={200: OBJECT, 409: OBJECT})
    def get(self, request: Request, pk: int) -> Response:
        """What an undo would do now, {removed, restored, reversed, kept, blocked}, and what was done before."""
        source = services.import_for(by=member(request), pk=pk)
        report = undoing.undo_possible(source)
        found = {**vars(report), "reversed": report.reversed} if report else None
        return Response({"would": found, "done": [work_body(run) for run in work_done(source)]})

    @extend_schema(request=None, responses={202: IMPORT, 409: OBJECT})
    @idempotent
    def post(self, request: Request, pk: int) -> HttpResponseBase:
        """Remove what the import inserted and restore what it changed, all at once; the file stays."""
        undoing.import_undo(source=owned(request, pk), by=member(request))
        return started(request, pk)


class ImportRow(APIView):
    """One line of an import."""

    @extend_schema(operation_id="imports_row", responses={200: OBJECT, 404: OBJECT})
    def get(self, request: Request, pk: int, line: int) -> Response:
        """The line as it stands in the file, beside the row or the reject that it became."""
        source = services.import_for(by=member(request), pk=pk)
        return Response(lineage_body(row_lineage(source=source, line=line)))
