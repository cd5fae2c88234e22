"""The Content-Security-Policy of the pages: own scripts and styles only, nothing inline, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

P = ParamSpec("P")


def with_content_security_policy(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Adds the policy to what `view` answers.

    `blob:` images are the shopper's own photo, shown before and while it is searched. Where static files or media
    are served from another host (STATIC_URL or MEDIA_URL with a host), that host is allowed for just that.
    """

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response["Content-Security-Policy"] = content_security_policy(settings.STATIC_URL, settings.MEDIA_URL)
        return response

    return guarded


def content_security_policy(static_url: str, media_url: str) -> str:
    """Writes the policy.

    >>> "script-src 'self';" in content_security_policy("/static/", "/media/")
    True
    >>> "img-src 'self' blob: https://cdn.example;" in content_security_policy("/static/", "https://cdn.example/m/")
    True
    """
    static_host, media_host = _origin(static_url), _origin(media_url)
    sources = {
        "default-src": ["'none'"],
        "script-src": ["'self'", static_host],
        "style-src": ["'self'", static_host],
        "img-src": ["'self'", "blob:", *dict.fromkeys((static_host, media_host))],
        "connect-src": ["'self'", media_host],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
    return "; ".join(" ".join([directive, *filter(None, allowed)]) for directive, allowed in sources.items())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
