"""Counts what is worn together: in the photos of each retailer's catalog, and in those shoppers searched with.

The counts are made anew from time to time, in one pass whose memory does not grow with the catalog, so that no request
has to look at more than a few hundred rows. A retailer's counts are never another's; searches that concern no one
retailer belong to all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from django.db import transaction
from django.db.models import Max, Q

from search.index.base import NO_CATEGORY
from search.models import Garment, ImageDescription, SearchedGarment, SearchLog, SeenTogether
from search.recommendations.places import GARMENT_IDS
from search.trends import counted_space

COUNT_EVERY = timedelta(hours=6)
"""How old counts may grow: a season changes slower."""

LOOK_AGAIN = timedelta(minutes=30)
"""How soon to count again where photos were described since: of a catalog just imported, some may not be counted."""

FIRST_LOOK = timedelta(minutes=2)
"""How soon to count again where there was nothing to count: the first catalog may have come since."""

ROWS_AT_ONCE = 5000

Kind = tuple[int, str]
"""Category and color; an empty color is any."""

ALL_PHOTOS: Kind = (NO_CATEGORY, "")

Pairs = Counter[tuple[Kind, Kind]]


def count_when_due(now: datetime | None = None) -> int:
    """Counts anew where that was long ago; returns how many rows that made, 0 where it was not due."""
    moment = datetime.now(UTC) if now is None else now
    made = SeenTogether.objects.aggregate(last=Max("counted_at"), most=Max("n_photos"))
    if made["last"] is None:
        return count_together(moment)
    wait = _wait_after(made["last"]) if made["most"] else FIRST_LOOK
    return count_together(moment) if made["last"] <= moment - wait else 0


def _wait_after(last: datetime) -> timedelta:
    described = ImageDescription.objects.filter(space=counted_space(), described_at__gt=last)
    return LOOK_AGAIN if described.exists() else COUNT_EVERY


def count_together(moment: datetime | None = None) -> int:
    """Counts all photos anew, one retailer after the other; readers see the old counts until the new ones are whole.

    Returns:
        How many rows there are now.
    """
    counted_at = datetime.now(UTC) if moment is None else moment
    n_rows = 0
    for source, photos in (
        (SeenTogether.Source.CATALOG, _catalog_photos()),
        (SeenTogether.Source.SEARCHES, _searched_photos()),
    ):
        for retailer_id, of_retailer in groupby(photos, key=itemgetter(0)):
            n_rows += _replace(retailer_id, source, count_pairs(kinds for _, kinds in of_retailer), counted_at)
    # Of retailers without any such photo, and of what two processes counted at once.
    SeenTogether.objects.filter(counted_at__lt=counted_at).delete()
    if not n_rows:
        # Says that it was counted.
        _replace(None, SeenTogether.Source.CATALOG, Counter({(ALL_PHOTOS, ALL_PHOTOS): 0}), counted_at)
    return n_rows


def count_pairs(photos: Iterable[Iterable[Kind]]) -> Pairs:
    """Counts in how many photos each pair of kinds is seen, in both directions; photos of one category say nothing.

    Args:
        photos: The category and color of each garment in it; two shoes count once.

    >>> pairs = count_pairs([[(4, "navy"), (6, "beige"), (6, "beige")], [(4, "navy")]])
    >>> pairs[(4, ""), (6, "")], pairs[(6, "beige"), (4, "navy")], pairs[ALL_PHOTOS, ALL_PHOTOS]
    (1, 1, 1)
    """
    pairs: Pairs = Counter()
    for photo in photos:
        colored = {kind for kind in photo if kind[0] in GARMENT_IDS}
        categories = {category_id for category_id, _ in colored}
        if len(categories) < 2:
            continue
        pairs[ALL_PHOTOS, ALL_PHOTOS] += 1
        for kinds in ({(category_id, "") for category_id in categories}, {kind for kind in colored if kind[1]}):
            # What is seen in two colors at once goes with neither.
            pairs.update((one, other) for one in kinds for other in kinds if one[0] != other[0] or one == other)
    return pairs


def _catalog_photos() -> Iterator[tuple[int | None, list[Kind]]]:
    """The garments of each photo of products on sale, by retailer; sizes that share a photo count once."""
    rows = (
        Garment.objects.filter(
            category_id__in=GARMENT_IDS,
            description__space=counted_space(),
            description__state=ImageDescription.State.OK,
            product__withdrawn_at__isnull=True,
        )
        .order_by("product__retailer_id", "description__image_sha256", "description_id")
        .values_list("product__retailer_id", "description__image_sha256", "description_id", "category_id", "color_name")
    )
    for (retailer_id, _), same_file in groupby(rows.iterator(ROWS_AT_ONCE), key=itemgetter(0, 1)):
        _, photo = next(groupby(same_file, key=itemgetter(2)))
        yield retailer_id, [(category_id, color) for *_, category_id, color in photo if category_id is not None]


def _searched_photos() -> Iterator[tuple[int | None, list[Kind]]]:
    """The garments of each photo that shoppers sent, by the retailer they searched; asking again counts no more."""
    rows = (
        SearchedGarment.objects.filter(
            category_id__in=GARMENT_IDS, search__source__in=[SearchLog.Source.UPLOAD, SearchLog.Source.IMAGE_URL]
        )
        .order_by("search__retailer_id", "search_id")
        .values_list("search__retailer_id", "search_id", "category_id", "color_name")
    )
    for (retailer_id, _), photo in groupby(rows.iterator(ROWS_AT_ONCE), key=itemgetter(0, 1)):
        yield retailer_id, [(category_id, color) for *_, category_id, color in photo if category_id is not None]


@transaction.atomic
def _replace(retailer_id: int | None, source: str, pairs: Pairs, counted_at: datetime) -> int:
    of_nobody = Q(retailer__isnull=True)
    SeenTogether.objects.filter(of_nobody if retailer_id is None else Q(retailer=retailer_id), source=source).delete()
    rows = (
        SeenTogether(
            retailer_id=retailer_id,
            source=source,
            category_id=one[0],
            color_name=one[1],
            other_category_id=other[0],
            other_color_name=other[1],
            n_photos=n_photos,
            counted_at=counted_at,
        )
        for (one, other), n_photos in sorted(pairs.items())
    )
    return len(SeenTogether.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE))
