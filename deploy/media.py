"""Serves stored photos in the demo and other small set-ups; before a real web server, that server does it."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase, HttpResponseNotModified
from django.utils.http import http_date
from django.views.decorators.http import require_safe
from django.views.static import was_modified_since

SAFE_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".heic": "image/heic",
    ".gif": "image/gif",
}
"""Only pictures leave; anything else a feed brought along (a page, an SVG with a script) is as if it were not there."""

# Catalog photos are named by their content, so their bytes never change under one name.
CONTENT_ADDRESSED = "catalog/"


@require_safe
def serve_media(request: HttpRequest, name: str) -> HttpResponseBase:
    """The picture at `name` under MEDIA_ROOT; 404 for what is not a picture or not inside."""
    path = _inside(name)
    content_type = SAFE_TYPES.get(path.suffix.lower())
    if content_type is None or not path.is_file():
        raise Http404
    modified = path.stat().st_mtime
    response: HttpResponseBase
    if was_modified_since(request.headers.get("If-Modified-Since"), modified):
        response = FileResponse(path.open("rb"), content_type=content_type)
    else:
        response = HttpResponseNotModified()
    _describe(response, name, modified)
    return response


def _describe(response: HttpResponseBase, name: str, modified: float) -> None:
    response["Last-Modified"] = http_date(modified)
    lifetime = "max-age=31536000, immutable" if name.startswith(CONTENT_ADDRESSED) else "max-age=300"
    response["Cache-Control"] = f"public, {lifetime}"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"


def _inside(name: str) -> Path:
    """The file `name` means, links followed; Http404 where it lies outside of MEDIA_ROOT."""
    root = Path(settings.MEDIA_ROOT).resolve()
    try:
        path = (root / name).resolve()
    except (ValueError, OSError) as error:  # a null byte, a name longer than the file system takes
        raise Http404 from error
    if not path.is_relative_to(root):
        raise Http404
    return path
