"""What is on record of searches, for the retailer whose products were searched: read, deleted, forgotten in time."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet

from catalog.access.caller import Caller
from catalog.models import Retailer
from search.errors import SearchNotFound
from search.models import Event, QueryImage, SearchedGarment, SearchLog
from search.query_images import delete_all

ROWS_A_PURGE = 1000


@dataclass(frozen=True, slots=True)
class SearchRecord:
    """One search as it is on record."""

    log: SearchLog
    """With its retailer and space loaded along."""
    garments: tuple[SearchedGarment, ...]
    events: Mapping[str, int]
    """How many, by kind."""
    is_image_kept: bool
    """Whether its image_id can still be asked with."""
    is_photo_kept: bool
    """Whether the photo is stored too."""


def find_search(search_id: uuid.UUID, caller: Caller) -> SearchRecord:
    """One search, for those who may read it.

    Raises:
        SearchNotFound: There is none, or it is another retailer's.
    """
    log = _visible(caller).filter(search_id=search_id).select_related("retailer", "space").first()
    if log is None:
        raise SearchNotFound("there is no such search on record")
    counts = Event.objects.filter(search=log).values_list("kind").annotate(n=Count("pk")).order_by("kind")
    alive = QueryImage.objects.filter(expires_at__gt=datetime.now(UTC)).values_list("photo", flat=True)
    kept = None if log.image_id is None else alive.filter(image_id=log.image_id).first()
    garments = SearchedGarment.objects.filter(search=log).order_by("pk")
    return SearchRecord(log, tuple(garments), dict(counts), kept is not None, bool(kept))


@transaction.atomic
def delete_search(search_id: uuid.UUID, caller: Caller) -> Retailer | None:
    """Forgets one search: its record, garments and events, what is kept under its image_id, and the photo.

    Nothing where it is gone already, so that whoever is not sure may ask again; another retailer's reads the same.

    Returns:
        The retailer whose products were searched; None for all of them, or where nothing was on record.
    """
    log = _visible(caller).filter(search_id=search_id).select_related("retailer").first()
    if log is None:
        return None
    if log.image_id is not None:
        delete_all(QueryImage.objects.filter(image_id=log.image_id))
    log.delete()
    return log.retailer


def purge_old_searches() -> int:
    """Forgets searches older than `SELVEDGE_SEARCH_RETENTION_DAYS`, with what shoppers did then; how many there were.

    In pieces, so that searches wait for none of them long.
    """
    days = settings.SELVEDGE_SEARCH_RETENTION_DAYS
    if days == 0:
        return 0
    before = datetime.now(UTC) - timedelta(days=days)
    old = SearchLog.objects.filter(created_at__lt=before).order_by("pk")
    n_purged = 0
    while keys := list(old.values_list("pk", flat=True)[:ROWS_A_PURGE]):
        SearchLog.objects.filter(pk__in=keys).delete()
        n_purged += len(keys)
    return n_purged


def _visible(caller: Caller) -> QuerySet[SearchLog]:
    return SearchLog.objects.all() if caller.retailer is None else SearchLog.objects.filter(retailer=caller.retailer)
