"""The one shape of HTTP errors, RFC 9457 problem+json, and the request id that joins an answer to its log lines.

Rooms raise their own errors and their views translate them to DRF exceptions; everything DRF or Django refuses ends
here. An exception may carry `code` (else DRF's own), `extra` (further members of the problem) and `headers`.
"""

from __future__ import annotations

import codecs
import logging
import math
import re
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    JsonResponse,
)
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

CONTENT_TYPE = "application/problem+json"
MULTIPART_MARGIN_BYTES = 1024 * 1024
"""What boundaries and the other fields of a form may add to the photo's own limit."""
FORM, FEEDS_PATH = "multipart/form-data", "/api/imports"

NO_ENCODINGS = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}
"""Codecs of Python's that decode no request: taken for UTF-8, as Django does with a name that nobody knows."""
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_request_id: ContextVar[str] = ContextVar("request_id", default="-")
_log = logging.getLogger("deploy.http_errors")

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestIdFilter(logging.Filter):
    """Puts the current request's id into every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True; adds `request_id`."""
        record.request_id = _request_id.get()
        return True


class RequestIdMiddleware:
    """Names each request: the proxy's `X-Request-ID` where it is well formed, else a fresh one; answers with it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the id in `X-Request-ID`."""
        given = request.headers.get("X-Request-ID", "")
        name = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        # For bodies below this room, such as the audit log.
        request.request_id = name  # type: ignore[attr-defined]
        token = _request_id.set(name)
        try:
            response = self.get_response(request)
        finally:
            _request_id.reset(token)
        response["X-Request-ID"] = name
        return response


class BodyLimitMiddleware:
    """Refuses a body that announces more bytes than it may have, before one byte of it is read.

    That is a photo's limit, but for the forms that hand in feeds, which go to disk.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """413 for an oversized body, else the view's answer."""
        is_feed = request.path.rstrip("/") == FEEDS_PATH and request.META.get("CONTENT_TYPE", "").startswith(FORM)
        limit = settings.SELVEDGE_MAX_FEED_BYTES if is_feed else settings.SELVEDGE_MAX_UPLOAD_BYTES
        announced = request.META.get("CONTENT_LENGTH", "")
        if announced.isdigit() and int(announced) > limit + MULTIPART_MARGIN_BYTES:
            return too_large(int(announced), limit, what="a feed" if is_feed else "a photo")
        if request.encoding is not None and codecs.lookup(request.encoding).name in NO_ENCODINGS:
            request.encoding = "utf-8"
        return self.get_response(request)


class RefusedMethodMiddleware:
    """Says 405 in words: Django's own `require_safe` and its like answer with an empty body."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """A problem for an empty 405, else the view's answer."""
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        refused = problem_response(405, "method_not_allowed", f'Method "{request.method}" not allowed.')
        refused["Allow"] = response["Allow"]
        return refused


def current_request_id() -> str:
    """The id of the request being answered, or "-" outside of one."""
    return _request_id.get()


def problem(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """One problem document.

    Args:
        status: HTTP status.
        code: A stable word for programs.
        detail: A sentence for people.
        extra: Further members, such as `errors`.
    """
    members = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        # An answer is UTF-8, whatever a client sent that is quoted here.
        "detail": detail.encode("utf-8", "replace").decode("utf-8"),
        "code": code,
        "request_id": _request_id.get(),
    }
    return members | extra


def problem_response(status: int, code: str, detail: str, **extra: Any) -> JsonResponse:
    """A problem as a plain Django answer, for places where DRF is not at work."""
    return JsonResponse(problem(status, code, detail, **extra), status=status, content_type=CONTENT_TYPE)


def too_large(announced_bytes: int, limit_bytes: int, *, what: str = "a photo") -> HttpResponse:
    """413 with both sizes in words."""
    mebibyte = 1024 * 1024
    detail = f"The request has {announced_bytes / mebibyte:.1f} MiB; {what} may have {limit_bytes / mebibyte:.0f} MiB."
    return problem_response(413, "file_too_large", detail)


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: any API exception as a problem. None (a 500 with a traceback in the log) for bugs."""
    if isinstance(error, RequestDataTooBig):
        limit = settings.SELVEDGE_MAX_UPLOAD_BYTES
        error = _named(413, "file_too_large", f"The request is larger than {limit} bytes.")
    elif isinstance(error, Http404):
        error = exceptions.NotFound(*error.args[:1])
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if not isinstance(error, exceptions.APIException):
        return None
    detail, fields = _sentence_and_fields(error)
    extra = dict(getattr(error, "extra", None) or {})
    if fields:
        extra.setdefault("errors", fields)
    body = problem(error.status_code, _code(error), detail, **extra)
    _answer_in_json(context.get("request"))
    return Response(body, status=error.status_code, headers=_headers(error), content_type=CONTENT_TYPE)


def _answer_in_json(request: Any) -> None:
    """A problem is JSON whatever the view renders otherwise (the schema YAML, the docs HTML)."""
    if request is not None:
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type


def _named(status: int, code: str, detail: str) -> exceptions.APIException:
    error = exceptions.APIException(detail, code)
    error.status_code = status
    return error


def _code(error: exceptions.APIException) -> str:
    """The exception's own code; DRF's general "invalid" and "parse_error" are both our `invalid_parameter`."""
    named = getattr(error, "code", None)
    if isinstance(named, str):
        return named
    codes = error.get_codes()
    code = codes if isinstance(codes, str) else str(error.default_code)
    return {"invalid": "invalid_parameter", "parse_error": "invalid_parameter"}.get(code, code)


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = dict(getattr(error, "headers", None) or {})
    wait = getattr(error, "wait", None)
    if wait is not None:
        headers.setdefault("Retry-After", str(math.ceil(wait)))
    challenge = getattr(error, "auth_header", None)
    if challenge:
        headers.setdefault("WWW-Authenticate", challenge)
    return headers


def _sentence_and_fields(error: exceptions.APIException) -> tuple[str, list[dict[str, str]]]:
    """The detail as one sentence, and a validation error's messages by field."""
    detail = error.detail
    if isinstance(detail, str):
        return str(detail), []
    fields = list(_flatten(detail, ""))
    summary = "; ".join(f"{each['field']}: {each['message']}" if each["field"] else each["message"] for each in fields)
    return summary, fields


def _flatten(detail: Any, field: str) -> list[dict[str, str]]:
    if isinstance(detail, Mapping):
        pairs = [(f"{field}.{key}" if field else str(key), value) for key, value in detail.items()]
        return [message for key, value in pairs for message in _flatten(value, key)]
    if isinstance(detail, list):
        return [message for value in detail for message in _flatten(value, field)]
    message = str(detail).encode("utf-8", "replace").decode("utf-8")
    return [{"field": "" if field == "non_field_errors" else field, "message": message}]


def handle_400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Requests Django itself refuses (a forbidden host, a malformed form, too many fields)."""
    if isinstance(exception, RequestDataTooBig):
        return too_large(int(request.META.get("CONTENT_LENGTH") or 0), settings.SELVEDGE_MAX_UPLOAD_BYTES)
    return problem_response(400, "bad_request", "The request could not be understood.")


def handle_403(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A refused request outside of the API."""
    return problem_response(403, "permission_denied", "This is not allowed.")


def handle_csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was sent without its token, or from elsewhere (the administration; the API takes no cookies)."""
    return problem_response(403, "csrf_failed", "The form has expired or came from elsewhere; load the page anew.")


def handle_404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such address."""
    return problem_response(404, "not_found", f"There is nothing at {request.path}.")


def handle_500(request: HttpRequest) -> HttpResponse:
    """A bug. The traceback is in the log under the same request id."""
    return problem_response(500, "internal_error", "The server failed; quote the request id when you report it.")
