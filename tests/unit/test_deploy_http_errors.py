"""Every refusal has one shape, and an id that leads to its log lines."""

from __future__ import annotations

import json
import logging

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpResponse
from django.test import Client, RequestFactory
from rest_framework import exceptions

from deploy import http_errors
from deploy.http_errors import BodyLimitMiddleware, RequestIdFilter, RequestIdMiddleware, problem_handler

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


class QueueFull(exceptions.APIException):
    status_code = 503
    default_code = "vision_unavailable"
    default_detail = "Try again."
    headers = {"Retry-After": "7"}
    extra = {"queue": 3}


def body(error):
    answer = problem_handler(error, {})
    assert answer.content_type == "application/problem+json"
    assert set(answer.data) >= MEMBERS
    assert answer.status_code == answer.data["status"]
    return answer


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (exceptions.NotFound(), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.ParseError(), 400, "invalid_parameter"),
        (exceptions.UnsupportedMediaType("x/y"), 415, "unsupported_media_type"),
        (Http404("no such product"), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (RequestDataTooBig(), 413, "file_too_large"),
    ],
)
def test_what_drf_and_django_refuse_becomes_a_problem(error, status, code):
    answer = body(error)
    assert (answer.status_code, answer.data["code"]) == (status, code)
    assert answer.data["detail"]


def test_a_rooms_own_code_extra_members_and_headers_are_kept():
    answer = body(QueueFull())
    assert answer.data["code"] == "vision_unavailable"
    assert answer.data["queue"] == 3
    assert answer["Retry-After"] == "7"


def test_a_throttled_client_learns_when_to_come_back():
    assert body(exceptions.Throttled(wait=2.5))["Retry-After"] == "3"


def test_validation_errors_name_each_field_also_nested_ones():
    error = exceptions.ValidationError(
        {"limit": ["Too big.", "Odd."], "box": {"x_min": ["No number."]}, "non_field_errors": ["Both given."]}
    )
    answer = body(error)
    assert answer.data["code"] == "invalid_parameter"
    assert answer.data["errors"] == [
        {"field": "limit", "message": "Too big."},
        {"field": "limit", "message": "Odd."},
        {"field": "box.x_min", "message": "No number."},
        {"field": "", "message": "Both given."},
    ]
    assert "limit: Too big." in answer.data["detail"]


def test_a_bug_is_not_dressed_up_as_a_problem_of_the_client():
    assert problem_handler(KeyError("a bug"), {}) is None


def test_a_well_formed_request_id_is_kept_and_any_other_replaced():
    seen = []

    def view(request):
        record = logging.makeLogRecord({})
        RequestIdFilter().filter(record)
        seen.append(record.request_id)
        return HttpResponse()

    middleware = RequestIdMiddleware(view)
    kept = middleware(RequestFactory().get("/", headers={"X-Request-ID": "proxy-1.a_b"}))
    replaced = middleware(RequestFactory().get("/", headers={"X-Request-ID": "a b\r\nSet-Cookie: x"}))
    fresh = middleware(RequestFactory().get("/"))
    assert kept["X-Request-ID"] == seen[0] == "proxy-1.a_b"
    assert replaced["X-Request-ID"] == seen[1] != "a b\r\nSet-Cookie: x"
    assert fresh["X-Request-ID"] == seen[2]
    assert len({*seen}) == 3
    assert http_errors.current_request_id() == "-"


def test_a_body_too_large_is_refused_before_it_is_read(settings):
    settings.SELVEDGE_MAX_UPLOAD_BYTES = 1024 * 1024
    middleware = BodyLimitMiddleware(lambda request: HttpResponse("read"))
    oversized = RequestFactory().post("/api/search", headers={"Content-Length": str(3 * 1024 * 1024)})
    answer = middleware(oversized)
    assert answer.status_code == 413
    assert answer["Content-Type"] == "application/problem+json"
    assert json.loads(answer.content)["code"] == "file_too_large"
    assert middleware(RequestFactory().post("/api/search", {"a": "b"})).content == b"read"


@pytest.mark.parametrize("charset", ["idna", "punycode", "undefined", "latin-1", "utf-8"])
def test_a_form_is_read_whatever_charset_it_says_to_be_in(charset):
    form = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n'
    content_type = f"multipart/form-data; boundary=b; charset={charset}"
    request = RequestFactory().generic("POST", "/api/search", form, content_type)
    BodyLimitMiddleware(lambda request: HttpResponse("read"))(request)
    assert request.POST["a"] == "x"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (http_errors.handle_400(RequestFactory().get("/"), ValueError()), 400),
        (http_errors.handle_403(RequestFactory().get("/"), ValueError()), 403),
        (http_errors.handle_404(RequestFactory().get("/nowhere"), Http404()), 404),
        (http_errors.handle_500(RequestFactory().get("/")), 500),
    ],
)
def test_pages_django_cannot_serve_are_problems_too(answer, status):
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert set(json.loads(answer.content)) == MEMBERS


ADDRESSES = ["/", "/trends", "/healthz", "/readyz", "/media/a.jpg", "/api/schema", "/api/docs/", "/api/categories"]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("enforce_csrf", [False, True])
def test_a_refused_method_is_a_problem_in_json_at_every_address(address, enforce_csrf):
    answer = Client(enforce_csrf_checks=enforce_csrf).post(address, {"a": "1"})
    assert answer.status_code in ({403, 405} if enforce_csrf else {405})
    assert answer["Content-Type"] == "application/problem+json"
    assert json.loads(answer.content)["code"] in {"method_not_allowed", "csrf_failed"}
    assert answer.status_code == 403 or "GET" in answer["Allow"]


@pytest.mark.parametrize("address", ["/api/docs", "/api/schema"])
def test_options_of_the_documentation_are_refused_not_a_bug(address):
    answer = Client(raise_request_exception=False).options(address)
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
