"""What a search comes with: exactly one of a file, a web address, an earlier photo's id, and a product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request

from catalog.access.caller import Caller
from catalog.api.problems import ProblemError
from catalog.selectors import get_product
from search.photos import fetch_photo, most_photo_bytes
from search.results import SearchOptions, SearchResult
from search.services import search_by_image_id, search_by_photo, search_by_product

_NAMES = ("image_url", "image_id", "product_id")
_ONE_OF = 'Send one photo as the form\'s file "image", or name one by image_url, image_id or product_id'


def chosen_source(request: Request, wanted: Mapping[str, Any]) -> str:
    """The one thing the search comes with: image, image_url, image_id or product_id.

    Raises:
        ProblemError: There is none, or more than one.
    """
    named = [name for name in _NAMES if name in wanted]
    if request.FILES:
        named.insert(0, "image")
    if not named:
        raise ProblemError(400, "image_missing", f"{_ONE_OF}.", field="image")
    if len(named) > 1:
        detail = f"{_ONE_OF}: not {' and '.join(named)} at once."
        raise ProblemError(400, "invalid_parameter", detail, field=named[-1])
    return named[0]


def search_with(
    source: str, request: Request, wanted: Mapping[str, Any], options: SearchOptions, caller: Caller
) -> SearchResult:
    """Calls the body for a source.

    Raises:
        ProblemError: The upload is none, or does not go with another parameter.
        Exception: Whatever the body raises.
    """
    if source == "image_id":
        return search_by_image_id(wanted["image_id"], options, caller)
    if source == "product_id":
        _refuse_photo_parameters(wanted)
        slug = None if options.retailer is None else options.retailer.slug
        return search_by_product(get_product(wanted["product_id"], slug), options)
    if source == "image_url":
        return search_by_photo(fetch_photo(wanted["image_url"]), options, source="image_url", asker=caller)
    return search_by_photo(_read_upload(request), options, asker=caller)


def _refuse_photo_parameters(wanted: Mapping[str, Any]) -> None:
    if "box" in wanted:
        raise ProblemError(400, "invalid_parameter", "A box is of one photo; a product has several.", field="box")
    if wanted["combine"]:
        detail = "A product is one garment of a look: ask /api/products/{product_id}/look."
        raise ProblemError(400, "invalid_parameter", detail, field="combine")


def _read_upload(request: Request) -> bytes:
    """The one uploaded file's bytes. What they are, `segmentation.images` says, not the client's headers."""
    files = [(name, file) for name, uploaded in request.FILES.lists() for file in uploaded]
    if len(files) > 1:
        raise ProblemError(400, "invalid_parameter", f"Send one photo, not {len(files)} files.", field="image")
    ((name, photo),) = files
    if name != "image":
        raise ProblemError(400, "image_missing", f"{_ONE_OF}.", field="image")
    if not photo.size:
        raise ProblemError(400, "empty_file", "The photo's file is empty.", field="image")
    limit = most_photo_bytes()
    if photo.size > limit:
        detail = f"The photo has {photo.size:,} bytes; at most {limit:,} are taken."
        raise ProblemError(413, "file_too_large", detail, field="image")
    return bytes(photo.read())
