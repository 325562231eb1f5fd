"""Resumable uploads: the core of the tus protocol 1.0 (https://tus.io) with creation, termination, checksum.

POST makes an upload, HEAD says how far it is, PATCH adds a part of at most 8 MiB, DELETE forgets it. The answer
to the last part has the import in its Location. Metadata: filename, dataset, and sha256 (hex) of the whole file.
"""

import base64
import binascii
import io
import re
import uuid
from typing import IO, Any, cast

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import member
from ingest import resumable
from ingest.models import Upload
from skillora.lib.errors import DomainError

TUS = "1.0.0"
EXTENSIONS = "creation,termination,checksum"
METADATA_LENGTH = 4000
VERSION = OpenApiParameter("Tus-Resumable", str, "header", required=True, enum=[TUS])
NOTHING = OpenApiResponse(description="see the headers")


class PartParser(BaseParser):
    """The body as it comes: it goes to disk, not into memory."""

    media_type = "application/offset+octet-stream"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream


class Tus(APIView):
    """What all calls share: the version."""

    parser_classes = [PartParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method not in {"OPTIONS", "DELETE"} and request.headers.get("Tus-Resumable") != TUS:
            message = _("Send the header Tus-Resumable: %(version)s.")
            raise DomainError(message % {"version": TUS}, "tus_version", 412)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = response["Tus-Version"] = TUS
        response["Cache-Control"] = "no-store"
        return response

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """What this server can do."""
        headers = {
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(settings.MAX_UPLOAD_SIZE),
            "Tus-Checksum-Algorithm": "sha256",
        }
        return Response(status=204, headers=headers)


class Uploads(Tus):
    """POST /api/v1/uploads"""

    @extend_schema(
        operation_id="uploads_create",
        request=None,
        parameters=[
            VERSION,
            OpenApiParameter("Upload-Length", int, "header", required=True),
            OpenApiParameter("Upload-Metadata", str, "header", required=True),
        ],
        responses={201: NOTHING, 413: OpenApiTypes.OBJECT, 507: OpenApiTypes.OBJECT},
    )
    def post(self, request: Request) -> Response:
        """An upload to send parts to; Upload-Metadata has filename in base64, and dataset where it is known."""
        said = metadata_of(request)
        if not said.get("filename"):
            raise DomainError(_("Upload-Metadata lacks filename."), "bad_metadata", 400)
        sha256 = said.get("sha256", "").lower()
        if sha256 and not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise DomainError(_("sha256 is 64 hexadecimal digits."), "bad_metadata", 400)
        upload = resumable.upload_create(
            by=member(request),
            dataset=said.get("dataset", ""),
            name=said["filename"],
            size=number_of(request, "Upload-Length"),
            sha256=sha256,
        )
        headers = {"Location": reverse("api:upload", args=[upload.pk]), "Upload-Offset": "0"}
        return Response(status=201, headers=headers)


class UploadOne(Tus):
    """/api/v1/uploads/{id}"""

    @extend_schema(operation_id="uploads_offset", parameters=[VERSION], responses={200: NOTHING})
    def head(self, request: Request, pk: uuid.UUID) -> Response:
        """Upload-Offset: how many bytes are there; Location: its import, once it is whole."""
        upload = resumable.upload_for(by=member(request), pk=pk)
        return Response(status=200, headers=_headers(upload, resumable.upload_offset(upload)))

    @extend_schema(
        operation_id="uploads_append",
        request={PartParser.media_type: OpenApiTypes.BINARY},
        parameters=[
            VERSION,
            OpenApiParameter("Upload-Offset", int, "header", required=True),
            OpenApiParameter("Upload-Checksum", str, "header", description="sha256 <base64>"),
        ],
        responses={
            204: NOTHING,
            409: OpenApiTypes.OBJECT,
            413: OpenApiTypes.OBJECT,
            423: OpenApiTypes.OBJECT,
        },
    )
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        """The next part. After the last one Location is the import."""
        by = member(request)
        upload = resumable.upload_for(by=by, pk=pk)
        length = number_of(request, "Content-Length") if "Content-Length" in request.headers else 0
        reached = resumable.upload_append(
            upload=upload,
            by=by,
            offset=number_of(request, "Upload-Offset"),
            length=length,
            stream=cast("IO[bytes]", request.data) if length else io.BytesIO(),
            checksum=checksum_of(request),
        )
        return Response(status=204, headers=_headers(upload, reached))

    @extend_schema(operation_id="uploads_delete", responses={204: NOTHING})
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        """Forget it."""
        resumable.upload_delete(upload=resumable.upload_for(by=member(request), pk=pk))
        return Response(status=204)


def _headers(upload: Upload, offset: int) -> dict[str, str]:
    headers = {"Upload-Offset": str(offset), "Upload-Length": str(upload.size)}
    if upload.source_id:
        headers["Location"] = reverse("api:import", args=[upload.source_id])
    return headers


def number_of(request: Request, name: str) -> int:
    """A header's whole number; 400."""
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise DomainError(_("%(name)s is a number of bytes.") % {"name": name}, "bad_header", 400)
    return int(text)


def metadata_of(request: Request) -> dict[str, str]:
    """Upload-Metadata: pairs of key and base64, parted by commas; 400."""
    text = request.headers.get("Upload-Metadata", "")
    found = {}
    try:
        for pair in text[:METADATA_LENGTH].split(","):
            key, _blank, value = pair.strip().partition(" ")
            found[key] = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise DomainError(_("Upload-Metadata is not base64 of UTF-8."), "bad_metadata", 400) from None
    if any("\0" in value for value in found.values()):
        raise DomainError(_("Upload-Metadata holds a NUL character."), "bad_metadata", 400)
    return found


def checksum_of(request: Request) -> bytes | None:
    """Upload-Checksum: `sha256 <base64>`; 400 for other algorithms."""
    text = request.headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _blank, value = text.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if algorithm != "sha256" or len(digest) != 32:
        raise DomainError(_("Upload-Checksum is sha256 and its base64."), "bad_header", 400)
    return digest
