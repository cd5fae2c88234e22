"""A shopper's photo -> garments -> ranked products."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from django.db import DatabaseError

from catalog.models import Retailer
from catalog.selectors import get_retailer
from search.arranging import arrange
from search.index.base import VectorIndex
from search.look_search import POOL, find_looks
from search.nearest import nearest_products, open_index, wanted_products
from search.neighbours import Neighbourhood, Query, Wanted
from search.offers import fetch_products
from search.photos import describe_photo, open_photo
from search.queries import Lens, allowed_categories, choose_objects, whole_object
from search.results import Kind, Look, SearchedObject, SearchOptions, SearchResult
from search.search_log import log_search
from search.space_traits import read_traits
from search.spaces import serving_space
from segmentation.checkpoint import SpaceInfo
from segmentation.types import GarmentDescriptor, PhotoDescription

logger = logging.getLogger(__name__)


def search_by_photo(data: bytes, options: SearchOptions, *, space: SpaceInfo | None = None) -> SearchResult:
    """Finds the products that look like the garments of a photo.

    After the garments the whole photo, or the asked region of it, is searched as one thing, unless garments of asked
    categories were found. The photo is not stored; the search is logged for trends.

    Args:
        data: The photo's file: JPEG, PNG, WebP or HEIC.
        options: What the client asked for.
        space: Search this space, as a comparison does, and count nothing; None is the one that serves.

    Returns:
        The garments by falling confidence, and last the whole, each with its products.

    Raises:
        PhotoRejected: The photo cannot be used.
        InvalidRegion: The box lies outside the photo.
        RetailerNotFound: `options.retailer_slug` names none.
        IndexMissing, IndexDamaged, SpaceMismatch, IndexEmpty, UnsupportedIndexUrl: There is nothing to search.
        WorkersError: The vision model did not answer.
    """
    started = perf_counter()
    retailer = None if options.retailer_slug is None else get_retailer(options.retailer_slug)
    photo = open_photo(data, options.box_xyxy)
    searched_space = serving_space() if space is None else space
    index = open_index(searched_space)
    lens = Lens.of(options, read_traits(searched_space.name), None if retailer is None else retailer.pk)
    description = describe_photo(photo, searched_space)
    search_started = perf_counter()
    answered = _find(index, description, lens, options)
    rank_started = perf_counter()
    objects, looks = _rank(index, answered, lens, options)
    ended = perf_counter()
    result = SearchResult(
        search_id=uuid.uuid4(),
        space=searched_space.name,
        index_generation=answered.found.generation,
        model_version=searched_space.segmenter_version,
        width_px=description.width_px,
        height_px=description.height_px,
        match=lens.match,
        is_calibrated=lens.is_calibrated,
        timings_ms=dict(description.latency_ms)
        | {
            "search": (rank_started - search_started) * 1000,
            "rank": (ended - rank_started) * 1000,
            "total": (ended - started) * 1000,
        },
        objects=objects,
        looks=looks,
    )
    if space is None:
        _count(result, searched_space, retailer)
    return result


@dataclass(frozen=True, slots=True)
class _Answered:
    """What was searched, and what was found for each."""

    seen: list[tuple[Kind, GarmentDescriptor]]
    queries: list[Query]
    found: Neighbourhood


def _find(index: VectorIndex, description: PhotoDescription, lens: Lens, options: SearchOptions) -> _Answered:
    """Searches the garments and, last, the whole: a mask may miss what the photo is about.

    Where a category was asked for and found, the whole, which is of no category, is left out.
    """
    seen = choose_objects(description, options.category_ids)
    if not seen or options.category_ids is None:
        seen.append(whole_object(description, options))
    return _search(index, seen, lens, options)


def _search(
    index: VectorIndex, seen: Sequence[tuple[Kind, GarmentDescriptor]], lens: Lens, options: SearchOptions
) -> _Answered:
    queries = [lens.query(each.embedding, each.category_id, allowed_categories(each.category_id)) for _, each in seen]
    return _Answered(list(seen), queries, nearest_products(index, queries, _wanted(lens, options), lens, options))


def _rank(
    index: VectorIndex, answered: _Answered, lens: Lens, options: SearchOptions
) -> tuple[tuple[SearchedObject, ...], tuple[Look, ...] | None]:
    found = answered.found
    ranked = fetch_products(arrange(found, options), found.sources, with_variants=options.group_variants)
    objects = tuple(
        SearchedObject(number, kind, garment, verdict, products)
        for number, ((kind, garment), verdict, products) in enumerate(
            zip(answered.seen, found.nearest, ranked, strict=True)
        )
    )
    if not options.combine:
        return objects, None
    nearest = partial(nearest_products, index, lens=lens, options=options)
    return objects, find_looks(nearest, objects, answered.queries, _wanted(lens, options), found)


def _wanted(lens: Lens, options: SearchOptions) -> Wanted:
    return wanted_products(lens, options, at_least=POOL if options.combine else 0)


def _count(result: SearchResult, space: SpaceInfo, retailer: Retailer | None) -> None:
    try:
        log_search(result, space, retailer)
    except DatabaseError:
        # A count that is lost must not cost a shopper an answer that is ready.
        logger.exception("Search %s could not be counted.", result.search_id)
