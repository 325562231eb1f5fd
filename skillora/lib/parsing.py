"""Parsers, answers and pages of the API: what DRF's own do not refuse or cannot say, and cursors."""

import re
from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import NotFound, ParseError
from rest_framework.pagination import Cursor as Position
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request


class StrictJSONParser(JSONParser):
    """JSON whose nesting does not exhaust the stack: that is 400, not 500."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deeply") from error


class _EscapedJSONRenderer(JSONRenderer):
    ensure_ascii = True


class SoundJSONRenderer(JSONRenderer):
    """JSON in UTF-8; all ASCII where it gives back a text that UTF-8 cannot say, as a lone surrogate that was sent."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return super().render(data, accepted_media_type, renderer_context)
        except UnicodeEncodeError:
            return _EscapedJSONRenderer().render(data, accepted_media_type, renderer_context)


class Cursor(CursorPagination):
    """`{results, next, previous}`; `limit` 1..200."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-pk"

    def decode_cursor(self, request: Request) -> "Position | None":
        """The cursor of the request; NotFound where it was made by hand: positions are whole numbers."""
        cursor = super().decode_cursor(request)
        position = cursor.position if cursor else None
        if position is not None and not re.fullmatch(r"-?[0-9]{1,18}", str(position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor
