"""Shoppers' photos that can be asked again: what was seen in them, kept for a while under an `image_id`.

What is kept is what the model saw, not the photo; `SELVEDGE_KEEP_QUERY_PHOTOS` keeps the photo as well
(`search.query_photos`). Whoever searched with a key may ask again with a key of the same retailer, and nobody else.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from catalog.access.caller import Caller
from search import query_photos
from search.errors import ImageOutdated, PhotoNotKept, UnknownImage
from search.kept_views import KeptViews, View, pack, unpack
from search.models import QueryImage
from search.photos import describe_photo
from search.regions import place_region
from search.scenes import Scene, crop_scene
from search.selectors import chunked
from segmentation.checkpoint import SpaceInfo
from segmentation.types import BoxXyxyPx, EncodedPhoto
from workers.errors import CodecError

ROWS_A_PURGE = 500


def is_keeping() -> bool:
    """Whether anything of shoppers' photos is kept at all."""
    return bool(settings.SELVEDGE_QUERY_TTL_S > 0)


def keep(image_id: uuid.UUID, view: View, photo: str, *, space_id: int, space: SpaceInfo, asker: Caller) -> None:
    """Keeps what was seen.

    Args:
        image_id: The name it is asked for by.
        view: What was seen.
        photo: The stored photo's name, as `query_photos.store` gave it; empty where it is not kept.
        space_id: Key of the space's record.
        space: The space it was described in.
        asker: Who may ask again.
    """
    now = datetime.now(UTC)
    QueryImage.objects.create(
        image_id=image_id,
        retailer=asker.retailer,
        space_id=space_id,
        description=pack(KeptViews.of(view, space), space.segmenter_version),
        photo=photo,
        created_at=now,
        expires_at=now + timedelta(seconds=settings.SELVEDGE_QUERY_TTL_S),
    )


def find_query_image(image_id: uuid.UUID, asker: Caller) -> QueryImage:
    """What is kept under an image_id, for those who may ask with it.

    Raises:
        UnknownImage: Nothing, nothing any more, or another retailer's: all read the same.
    """
    found = open_to(asker).filter(image_id=image_id, expires_at__gt=datetime.now(UTC)).first()
    if found is None:
        raise UnknownImage("nothing is kept under this image_id, or no longer; search with the photo")
    return found


def open_to(asker: Caller) -> QuerySet[QueryImage]:
    """A key's are its retailer's; an operator's and staff's are all; nobody known sees what nobody known asked."""
    if asker.retailer is None and asker.kind in {"operator", "staff"}:
        return QueryImage.objects.all()
    return QueryImage.objects.filter(retailer=asker.retailer)


def see_again(kept: QueryImage, box_xyxy: BoxXyxyPx | None, space: SpaceInfo, space_id: int) -> Scene:
    """What a kept photo, or a region of it, shows: as it was seen, and only where that is not enough anew.

    Args:
        kept: The record; what is seen anew is remembered in it.
        box_xyxy: Pixels of the displayed photo, or fractions of its sides; None is what was asked first.
        space: The space that serves.
        space_id: Key of its record.

    Raises:
        InvalidRegion: The box lies outside the photo.
        ImageOutdated: Another space serves by now, and the photo was not kept.
        PhotoNotKept: No garment that was seen lies in the box, and the photo was not kept.
        PhotoRejected, WorkersError: The photo is described anew, and cannot be.
    """
    try:
        known = unpack(bytes(kept.description))
    except CodecError as error:
        raise ImageOutdated("the photo was seen by another version of this service; search with it again") from error
    region = known.first_region_xyxy_px if box_xyxy is None else place_region(box_xyxy, *known.size_px)
    seen = known.find(region) if known.space == space.name else None
    if seen is not None:
        return seen.scene
    photo = query_photos.read(str(kept.photo))
    if photo is not None:
        seen = View(region, describe_photo(EncodedPhoto(photo, region), space))
        packed = pack(known.with_view(seen, space), space.segmenter_version)
        QueryImage.objects.filter(pk=kept.pk).update(description=packed, space_id=space_id)
        return seen.scene
    if known.space != space.name or region is None:
        raise ImageOutdated("the photo was seen by a model that no longer serves; search with the photo again")
    return _crop(known, region)


def purge_expired(limit: int | None = None) -> int:
    """Deletes what has expired, photos included; how many there were.

    Args:
        limit: At most so many; None is all.
    """
    return delete_all(QueryImage.objects.filter(expires_at__lte=datetime.now(UTC)), limit)


def delete_all(images: QuerySet[QueryImage], limit: int | None = None) -> int:
    """Deletes records with their photos; how many there were."""
    n_deleted = 0
    for some in chunked(list(images.values_list("pk", "photo")[:limit]), ROWS_A_PURGE):
        # Photos first: where that fails, the record still says that there is one.
        for _, photo in some:
            query_photos.remove(photo)
        n_deleted += QueryImage.objects.filter(pk__in=[pk for pk, _ in some]).delete()[0]
    return n_deleted


def _crop(known: KeptViews, region: BoxXyxyPx) -> Scene:
    first = known.find(known.first_region_xyxy_px)
    scene = None if first is None else crop_scene(first.scene, region)
    if scene is None or not scene.things:
        raise PhotoNotKept(
            "no garment that was found before lies in this region, and the photo was not kept (the server keeps photos "
            "with SELVEDGE_KEEP_QUERY_PHOTOS=1): send the photo with the box"
        )
    return scene
