"""What every operation of the API has in common, written into the OpenAPI document once.

Views say what is their own; this adds who may call, the refusals anybody may meet, the headers of every answer, and
the one shape of a problem.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

PROBLEM_JSON = "application/problem+json"
REFUSALS = {
    "400": "A parameter, a field or the body is wrong or unknown; `errors` names each.",
    "401": "No key, or one that is unknown, revoked or expired (`not_authenticated`, `invalid_api_key`).",
    "403": "The key does not open this (`permission_denied`), or not on this page (`origin_refused`).",
    "429": "Too many requests (`throttled`); wait as long as `Retry-After` says.",
}
"""Refusals any operation may answer."""
REFUSED_BODIES = {
    "413": "The body, or a file in it, is too large (`file_too_large`, `too_many_pixels`).",
    "415": "The body is of a type that is not taken (`unsupported_media_type`).",
}
REFUSED_PATHS = {"404": "There is no such thing, or it is another retailer's (`not_found`, `unknown_retailer`)."}
HEADERS: dict[str, Any] = {
    "X-Request-ID": {
        "description": "Names this request in the server's log; a well-formed one that was sent comes back.",
        "schema": {"type": "string"},
    },
    "Selvedge-Api-Version": {
        "description": "The version of this contract.",
        "schema": {"type": "string", "examples": ["1"]},
    },
    "Selvedge-Version": {
        "description": "The version of the server.",
        "schema": {"type": "string", "examples": ["0.1.0"]},
    },
    "RateLimit-Policy": {
        "description": "The caller's budgets: units (q) in a window of seconds (w); a photo search takes ten.",
        "schema": {"type": "string", "examples": ['"key";q=6000;w=60']},
    },
    "RateLimit": {
        "description": "What is left of them: units (r), and seconds until the oldest that count come back (t).",
        "schema": {"type": "string", "examples": ['"key";r=5990;t=60']},
    },
}
RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Why a request was refused, as RFC 9457 has it.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "Always about:blank: `code` tells problems apart."},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The HTTP status.", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "A sentence for people."},
        "code": {"type": "string", "description": "A stable word for programs."},
        "request_id": {"type": "string", "description": "As `X-Request-ID`; quote it when you report a problem."},
        "errors": {
            "type": "array",
            "description": "What is wrong with which field; an empty `field` means the request as a whole.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {
                    "field": {"type": "string", "description": "Name of the parameter or field."},
                    "message": {"type": "string", "description": "What is wrong with it."},
                },
            },
        },
    },
    "additionalProperties": True,
}


class CallerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a key is sent."""

    target_class = "catalog.api.access.CallerAuthentication"
    name = ["bearer", "header"]  # noqa: RUF012 (the library's own spelling)

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        """The two ways, in the order of `name`."""
        return [
            {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer slv_sk_...`"},
            {
                "type": "apiKey",
                "in": "header",
                "name": "X-Api-Key",
                "description": "The same key in a header of its own.",
            },
        ]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Either of them."""
        return [{"bearer": []}, {"header": []}]


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Completes a generated document: a postprocessing hook of drf-spectacular."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    for schema in result["components"]["schemas"].values():
        _allow_blank_defaults(schema)
    for path, operations in result["paths"].items():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                _complete_operation(path, operation)
    return result


def _allow_blank_defaults(schema: dict[str, Any]) -> None:
    """A field whose default is blank may be sent blank."""
    for field in schema.get("properties", {}).values():
        if field.get("default") == "":
            field.pop("minLength", None)


def _complete_operation(path: str, operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query":
            # A blank parameter counts as not given.
            parameter["schema"].pop("minLength", None)
    responses = operation["responses"]
    refusals = dict(REFUSALS)
    if "requestBody" in operation:
        refusals |= REFUSED_BODIES
    if "{" in path:
        refusals |= REFUSED_PATHS
    for status, meaning in refusals.items():
        responses.setdefault(status, {"description": meaning, "content": {PROBLEM_JSON: {}}})
    for status, response in responses.items():
        response["headers"] = HEADERS | response.get("headers", {})
        if status in {"429", "503"}:
            response["headers"]["Retry-After"] = RETRY_AFTER
        if PROBLEM_JSON in response.get("content", {}):
            response["content"][PROBLEM_JSON]["schema"] = {"$ref": "#/components/schemas/Problem"}
    operation["responses"] = dict(sorted(responses.items()))
