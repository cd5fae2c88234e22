"""Who calls: read from a request, once, for every view; and what the view asks of them.

A view names the right each method needs in `rights`; without a word, reading needs `search` and writing `write`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, CSRFCheck
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from catalog.access.audit import record
from catalog.access.caller import RIGHTS, Caller, Right
from catalog.access.guessing import TooManyGuesses, find_key_for
from catalog.access.keys import TAGS, caller_with, note_use
from catalog.access.origins import asking_origin, is_allowed
from catalog.api.problems import ProblemError
from catalog.api.throttles import address_of
from catalog.models import ApiKey, Retailer

READING = frozenset({Right.SEARCH, Right.REPORT})
KEY_PARAMETERS = frozenset({"api_key", "apikey", "api-key", "x-api-key", "key", "access_token", "authorization"})
"""Names under which clients of other services put a key into the address."""


class CallerAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`, else `X-Api-Key: KEY`, else a person signed in to the admin, else nobody known."""

    def authenticate(self, request: Request) -> tuple[Any, Caller]:
        """The caller, in `request.auth`."""
        _refuse_key_in_address(request)
        key = _given_key(request)
        if key is not None:
            return None, _bearer(request, key)
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
        method = (request.method or "GET").lower()
        # What a view does not do at all is answered with 405, whoever asks.
        if method == "options" or not hasattr(view, method):
            return True
        if right_asked(view, request.method or "GET") in caller_of(request).rights:
            return True
        if caller_of(request).kind == "anonymous":
            raise AuthenticationFailed("An API key is needed: Authorization: Bearer KEY.", "not_authenticated")
        raise PermissionDenied(self.message, "permission_denied")


def right_asked(view: Any, method: str) -> Right:
    """The right a view asks for a method; HEAD is a GET."""
    named: Mapping[str, Right] = getattr(view, "rights", {})
    usual = Right.SEARCH if method in SAFE_METHODS else Right.WRITE
    return named.get("GET" if method == "HEAD" else method, usual)


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


def _bearer(request: Request, key: str) -> Caller:
    """Who holds the key."""
    try:
        record = find_key_for(key, address_of(request))
    except TooManyGuesses as error:
        raise Throttled(error.wait_s, "Too many wrong API keys came from this address.") from error
    if record is None:
        raise AuthenticationFailed("The API key is unknown, revoked or expired.", "invalid_api_key")
    if record.kind == ApiKey.Kind.PUBLISHABLE:
        _check_page(request, record)
    note_use(record)
    return caller_with(record)


def _check_page(request: Request, record: ApiKey) -> None:
    """A publishable key stands in a shop's pages for all to read: it works on these pages alone."""
    origin = asking_origin(request.headers.get("Origin"), request.headers.get("Referer"))
    if is_allowed(origin, record.allowed_origins):
        return
    where = "without an Origin" if origin is None else f"on {origin[:200]}"
    raise ProblemError(403, "origin_refused", f"This publishable key does not work {where}; see its allowed_origins.")


def _refuse_key_in_address(request: Request) -> None:
    """An address is kept by proxies, logs and browsers: a key that stands there is as good as published."""
    for name, value in request.query_params.items():
        if name.lower() in KEY_PARAMETERS or str(value).startswith(tuple(TAGS.values())):
            detail = "Send the key in a header (Authorization: Bearer KEY), never in the address; revoke one that was."
            raise ProblemError(400, "key_in_address", detail)


def _given_key(request: Request) -> str | None:
    header, own = request.headers.get("Authorization", ""), request.headers.get("X-Api-Key")
    scheme, _, value = header.partition(" ")
    is_ours = scheme.lower() in {"bearer", "api-key"} and value.strip()
    # A proxy before the server may ask for a password of its own, and passes that on.
    if own is not None and not is_ours:
        return own.strip()
    if header and not is_ours:
        raise AuthenticationFailed("Write the key as: Authorization: Bearer KEY.", "invalid_api_key")
    return value.strip() if header else None


def _check_csrf(request: Request) -> None:
    """What Django does for its own forms: a cookie alone must not write."""
    check = CSRFCheck(lambda _: None)  # type: ignore[arg-type]
    check.process_request(request._request)
    reason = check.process_view(request._request, None, (), {})  # type: ignore[arg-type]
    if reason:
        raise PermissionDenied(f"CSRF failed: {reason}", "csrf_failed")
