"""The last step of the OpenAPI document: every refusal is a problem, and any call may be refused."""

from typing import Any

_ERROR = {
    "type": "object",
    "properties": {
        "pointer": {"type": "string"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "value": {},
    },
    "required": ["pointer", "code", "detail"],
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. The detail says what to do next.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": _ERROR},
    },
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
}
REFUSAL = {
    "description": "What is wrong, and what to do.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
ANYWHERE = ("400", "401", "403", "404", "406", "413", "415", "429")


def refusals(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's POSTPROCESSING_HOOKS call this."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for path in result["paths"].values():
        for operation in path.values():
            answers = operation.setdefault("responses", {})
            for status in {*ANYWHERE, *(s for s in answers if s[0] in "45")}:
                answers[status] = REFUSAL
            operation["responses"] = dict(sorted(answers.items()))
    return result
