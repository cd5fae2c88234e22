"""Headers that every answer has, whoever wrote it: versions, budgets, and what browsers may do with it."""

from __future__ import annotations

from typing import Any

from corsheaders.signals import check_request_enabled
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from catalog.access.origins import is_known_origin
from deploy.http_errors import GetResponse, problem_response
from search.pages.content_security import content_security_policy

API = "/api/"
ADMIN = "/admin/"
MEDIA = "/media/"
API_VERSION = "1"
PERMISSIONS = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()"
NOTHING_LOADS = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
DOCS_LOAD = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger UI writes its styles into the page; its scripts are files."""


class ApiVersionMiddleware:
    """Says which version answers, and refuses what was written for another one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """400 for another version of the contract, else the view's answer."""
        if not request.path_info.startswith(API):
            return self.get_response(request)
        wanted = request.headers.get("Selvedge-Api-Version", API_VERSION).strip()
        response: HttpResponseBase
        if wanted == API_VERSION:
            response = self.get_response(request)
        else:
            detail = f"This server speaks version {API_VERSION} of the API."
            response = problem_response(400, "unsupported_version", detail)
        response["Selvedge-Version"] = settings.SELVEDGE_VERSION
        response["Selvedge-Api-Version"] = API_VERSION
        _add_budgets(request, response)
        _keep_private(response)
        return response


class BrowserRulesMiddleware:
    """What browsers may do with an answer: the strictest there is, unless its view said otherwise."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Add the headers."""
        response = self.get_response(request)
        path = request.path_info
        response.setdefault("Content-Security-Policy", _policy(path))
        response.setdefault("Permissions-Policy", PERMISSIONS)
        # Shops show our copies of their photos on their own pages.
        response.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if path.startswith(MEDIA) else "same-origin")
        return response


def _policy(path: str) -> str:
    if path.startswith(ADMIN):
        return content_security_policy(settings.STATIC_URL, settings.MEDIA_URL).replace("img-src", "img-src data:")
    return DOCS_LOAD if path.startswith(f"{API}docs") else NOTHING_LOADS


def _add_budgets(request: HttpRequest, response: HttpResponseBase) -> None:
    """What the throttle noted of the caller's budgets."""
    noted: dict[str, list[str]] = request.__dict__.get("rate_limit_headers", {})
    for name, items in noted.items():
        response[name] = ", ".join(items)


def _keep_private(response: HttpResponseBase) -> None:
    """An answer depends on who asks: no proxy keeps it, and browsers only what they can ask about by its ETag."""
    if not response.has_header("Cache-Control"):
        response["Cache-Control"] = "private, no-cache" if response.has_header("ETag") else "private, no-store"
    patch_vary_headers(response, ("Authorization", "X-Api-Key", "Cookie"))


def _is_shops_page(sender: Any, request: HttpRequest, **kwargs: Any) -> bool:
    """Whether a page elsewhere may read the API's answers: one that a publishable key is for."""
    origin = request.headers.get("Origin")
    return bool(origin) and request.path_info.startswith(API) and is_known_origin(str(origin))


# How django-cors-headers asks for origins that stand in the database.
check_request_enabled.connect(_is_shops_page, dispatch_uid="origins of publishable keys")
