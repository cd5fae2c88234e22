"""Who calls: read from a request, once, for every view; and what the view asks of them.

A view names the right each method needs in `rights`; without a word, reading needs `search` and writing `write`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from catalog.access.audit import record
from catalog.access.caller import RIGHTS, Caller, Right
from catalog.access.keys import caller_with, find_key
from catalog.models import Retailer

READING = frozenset({Right.SEARCH, Right.REPORT})


class CallerAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`, else `X-Api-Key: KEY`, else a person signed in to the admin, else nobody known."""

    def authenticate(self, request: Request) -> tuple[Any, Caller]:
        """The caller, in `request.auth`."""
        key = _given_key(request)
        if key is not None:
            record = find_key(key)
            if record is None:
                raise AuthenticationFailed("The API key is unknown, revoked or expired.", "invalid_api_key")
            return None, caller_with(record)
        user = getattr(request._request, "user", None)
        if user is not None and user.is_active and user.is_staff:
            _check_csrf(request)
            return user, Caller("staff", RIGHTS["staff"], name=f"staff {user.get_username()}")
        rights = READING if settings.SELVEDGE_ANONYMOUS == "read" else frozenset()
        return None, Caller("anonymous", rights, name="anonymous")

    def authenticate_header(self, request: Request) -> str:
        """What a 401 says is wanted."""
        return 'Bearer realm="Selvedge"'


class HasRight(BasePermission):
    """Whether the caller has the right that the view asks for this method."""

    message = "This key does not allow that."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Compare; DRF answers 401 to nobody known, and 403 to others."""
        if request.method == "OPTIONS":
            return True
        if right_asked(view, request.method or "GET") in caller_of(request).rights:
            return True
        if caller_of(request).kind == "anonymous":
            raise AuthenticationFailed("An API key is needed: Authorization: Bearer KEY.", "not_authenticated")
        raise PermissionDenied(self.message, "permission_denied")


def right_asked(view: Any, method: str) -> Right:
    """The right a view asks for a method."""
    named: Mapping[str, Right] = getattr(view, "rights", {})
    return named.get(method, Right.SEARCH if method in SAFE_METHODS else Right.WRITE)


def caller_of(request: Request) -> Caller:
    """Who makes this request."""
    caller = request.auth
    if not isinstance(caller, Caller):
        raise TypeError("the view does not use CallerAuthentication")
    return caller


def audit(
    request: Request,
    action: str,
    target: str = "",
    *,
    retailer: Retailer | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Adds an entry to the audit log for a write that this request made; see `catalog.access.audit.record`."""
    # Set by the middleware that names requests.
    request_id: str = getattr(request._request, "request_id", "")
    record(caller_of(request), action, target, retailer=retailer, detail=detail, request_id=request_id)


def _given_key(request: Request) -> str | None:
    header = request.headers.get("Authorization", "")
    scheme, _, value = header.partition(" ")
    if header:
        if scheme.lower() not in {"bearer", "api-key"} or not value.strip():
            raise AuthenticationFailed("Write the key as: Authorization: Bearer KEY.", "invalid_api_key")
        return value.strip()
    key = request.headers.get("X-Api-Key")
    return None if key is None else key.strip()


def _check_csrf(request: Request) -> None:
    """What Django does for its own forms: a cookie alone must not write."""
    check = CSRFCheck(lambda _: None)  # type: ignore[arg-type]
    check.process_request(request._request)
    reason = check.process_view(request._request, None, (), {})  # type: ignore[arg-type]
    if reason:
        raise PermissionDenied(f"CSRF failed: {reason}", "csrf_failed")
