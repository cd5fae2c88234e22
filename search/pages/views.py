"""The pages' views: each renders one template; the data come from the API, fetched by the page's scripts."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from search.pages.content_security import with_content_security_policy
from search.pages.samples import list_sample_photos
from search.photos import most_photo_bytes
from segmentation.colors import COLOR_NAMES


@require_safe
@with_content_security_policy
def photo_search(request: HttpRequest) -> HttpResponse:
    """Shows the photo search: a photo in, its garments outlined, each garment's products."""
    limit_bytes = most_photo_bytes()
    context = {
        "samples": list_sample_photos(),
        "max_upload_bytes": limit_bytes,
        "max_upload_mib": limit_bytes // (1024 * 1024),
        "colors": COLOR_NAMES,
    }
    return render(request, "search/photo_search.html", context)


@require_safe
@with_content_security_policy
def trends(request: HttpRequest) -> HttpResponse:
    """Shows the trend dashboard: garments counted by class and day, catalog and searches apart."""
    return render(request, "search/trends.html")
