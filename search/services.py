"""What a search can be asked with (a photo, one that was sent before, a product) -> things seen -> ranked products."""

from __future__ import annotations

import uuid
from time import perf_counter

from catalog.access.caller import Caller
from catalog.models import Product
from search.answering import Ground, answer
from search.kept_views import View
from search.photos import describe_photo, open_photo
from search.query_images import find_query_image, see_again
from search.recording import record
from search.results import SearchOptions, SearchResult, Source
from search.scenes import product_scene
from search.spaces import serving_space
from segmentation.checkpoint import SpaceInfo


def search_by_photo(
    data: bytes,
    options: SearchOptions,
    *,
    source: Source = "upload",
    asker: Caller | None = None,
    space: SpaceInfo | None = None,
) -> SearchResult:
    """Finds the products that look like the garments of a photo.

    After the garments the whole photo, or the asked region of it, is searched as one thing, unless garments of asked
    categories were found. The search is logged for trends; the photo is not stored, unless a setting says so, but what
    was seen in it is kept for a while where somebody asks who may ask again.

    Args:
        data: The photo's file: JPEG, PNG, WebP or HEIC.
        options: What the client asked for.
        source: Where the photo came from.
        asker: Who may ask again; None is nobody, and nothing is kept.
        space: Search this space, as a comparison does, and count and keep nothing; None is the one that serves.

    Returns:
        The garments by falling confidence, and last the whole, each with its products.

    Raises:
        PhotoRejected: The photo cannot be used.
        InvalidRegion: The box lies outside the photo.
        UnknownObject: The photo does not show an object that is asked for.
        IndexMissing, IndexDamaged, SpaceMismatch, IndexEmpty, UnsupportedIndexUrl: There is nothing to search.
        WorkersError: The vision model did not answer.
    """
    started = perf_counter()
    photo = open_photo(data, options.box_xyxy)
    ground = Ground.of(serving_space() if space is None else space, options)
    view = View(photo.region_xyxy_px, describe_photo(photo, ground.space))
    result = answer(ground, view.scene, options, source, started)
    if space is not None:
        return result
    return record(result, ground, options, view=view, data=data, asker=asker)


def search_by_image_id(image_id: uuid.UUID, options: SearchOptions, asker: Caller) -> SearchResult:
    """Asks again with a photo that was sent before: another page, garment or region, other filters; no vision needed.

    Args:
        image_id: As an earlier answer gave it.
        options: What the client asked for; a region that was not seen yet is described, where the photo was kept.
        asker: Who asks.

    Raises:
        UnknownImage: Nothing is kept under the image_id, or not for this caller.
        ImageOutdated: A model that no longer serves saw the photo.
        PhotoNotKept: The region shows nothing that was seen, and the photo was not kept.
        InvalidRegion, UnknownObject, VectorIndexError, WorkersError: As `search_by_photo`.
    """
    started = perf_counter()
    kept = find_query_image(image_id, asker)
    ground = Ground.of(serving_space(), options)
    scene = see_again(kept, options.box_xyxy, ground.space, ground.record_id)
    result = answer(ground, scene, options, "image_id", started)
    return record(result, ground, options, image_id=image_id)


def search_by_product(product: Product, options: SearchOptions) -> SearchResult:
    """Finds products that look like one, from stored vectors: each garment photo's chosen garments are objects.

    The product itself is no answer, nor are its variants where they are grouped.

    Args:
        product: What to compare with.
        options: What the client asked for; without a retailer all retailers' products answer.

    Raises:
        UnknownObject, VectorIndexError: As `search_by_photo`.
    """
    started = perf_counter()
    ground = Ground.of(serving_space(), options)
    scene = product_scene(product, ground.space.name)
    result = answer(ground, scene, options, "product", started, own=product)
    return record(result, ground, options)
