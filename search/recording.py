"""What is written of a search that was answered: its count for trends, and what was seen, to be asked again.

Both in one transaction of a few inserts, because a shopper waits for it.
"""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import replace

from django.conf import settings
from django.db import DatabaseError, transaction

from catalog.access.caller import Caller
from search import query_images, query_photos
from search.answering import Ground
from search.kept_views import View
from search.results import SearchOptions, SearchResult
from search.search_log import log_search
from segmentation.errors import PhotoRejected

logger = logging.getLogger(__name__)

PURGE_EVERY_S = 300.0
PURGE_ROWS = 100

_next_purge_s = 0.0


def record(
    result: SearchResult,
    ground: Ground,
    options: SearchOptions,
    *,
    view: View | None = None,
    data: bytes = b"",
    image_id: uuid.UUID | None = None,
    asker: Caller | None = None,
) -> SearchResult:
    """Writes what is kept of a search.

    Args:
        result: What is about to be answered.
        ground: What it was answered from.
        options: What was asked.
        view: What was seen in a photo that came with the search, and
        data: its file: kept where `asker` may ask again.
        image_id: That the search itself was asked with.
        asker: Who may ask again.

    Returns:
        The answer with its image_id.
    """
    keeps = view is not None and asker is not None and query_images.is_keeping()
    named = replace(result, image_id=uuid.uuid4() if keeps else image_id)
    photo = ""
    try:
        if keeps and settings.SELVEDGE_KEEP_QUERY_PHOTOS:
            photo = _store(named.image_id, data)
        with transaction.atomic():
            if named.image_id is not None and view is not None and asker is not None:
                query_images.keep(
                    named.image_id, view, photo, space_id=ground.record_id, space=ground.space, asker=asker
                )
            log_search(named, ground.record_id, options.retailer)
    except DatabaseError:
        # A count that is lost must not cost a shopper an answer that is ready.
        logger.exception("Search %s could not be counted.", result.search_id)
        query_photos.remove(photo)
        return replace(result, image_id=image_id)
    if keeps:
        _purge_now_and_then()
    return named


def _store(image_id: uuid.UUID | None, data: bytes) -> str:
    try:
        return "" if image_id is None else query_photos.store(image_id, data)
    except (OSError, PhotoRejected):
        logger.exception("The photo of image %s could not be kept.", image_id)
        return ""


def _purge_now_and_then() -> None:
    """Deletes some of what has expired, so that it goes where no timer runs `manage.py tidy`, too."""
    global _next_purge_s
    now_s = time.monotonic()
    if now_s < _next_purge_s:
        return
    _next_purge_s = now_s + PURGE_EVERY_S
    try:
        query_images.purge_expired(PURGE_ROWS)
    except (DatabaseError, OSError):
        logger.exception("Expired photos could not be forgotten.")
