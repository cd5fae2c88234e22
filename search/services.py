"""A shopper's photo -> garments -> ranked products; and a product -> products that look like it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter

from django.conf import settings
from django.db import DatabaseError, transaction

from catalog.models import Product, Retailer
from catalog.selectors import get_retailer, products_by_key
from search.errors import IndexEmpty
from search.index.base import NO_CATEGORY, VectorIndex, Where
from search.index.registry import open_reader
from search.models import SearchedGarment, SearchLog, Space
from search.neighbours import Neighbourhood, Query, find_products
from search.ranking import Match
from search.regions import place_region
from search.results import Kind, RankedProduct, SearchedObject, SearchOptions, SearchResult, SimilarProducts
from search.selectors import matched_images, product_garments, read_embedding
from search.spaces import serving_space
from segmentation.checkpoint import SpaceInfo
from segmentation.errors import PhotoRejected
from segmentation.images import read_photo_size
from segmentation.taxonomy import category_by_id, compatible_category_ids
from segmentation.types import EncodedPhoto, GarmentDescriptor, PhotoDescription, PhotoError
from workers import client

logger = logging.getLogger(__name__)


def search_by_photo(data: bytes, options: SearchOptions, *, space: SpaceInfo | None = None) -> SearchResult:
    """Finds the products that look like the garments of a photo.

    Where nothing was segmented (or nothing of the asked category), the whole photo, or the asked region of it, is
    searched as one thing. The photo is not stored; the search is logged for trends.

    Args:
        data: The photo's file: JPEG, PNG, WebP or HEIC.
        options: What the client asked for.
        space: Search this space, as a comparison does, and count nothing; None is the one that serves.

    Returns:
        The garments by falling score, each with its products.

    Raises:
        PhotoRejected: The photo cannot be used.
        InvalidRegion: The box lies outside the photo.
        RetailerNotFound: `options.retailer_slug` names none.
        IndexMissing, IndexDamaged, SpaceMismatch, IndexEmpty: There is nothing to search.
        WorkersError: The vision model did not answer.
    """
    started = perf_counter()
    retailer = None if options.retailer_slug is None else get_retailer(options.retailer_slug)
    photo = _open_photo(data, options)
    is_comparison = space is not None
    space = serving_space() if space is None else space
    index = _open_index(space)
    description = _describe(photo, space)
    seen = _choose_objects(description, options)
    search_started = perf_counter()
    queries = [Query(garment.embedding, _where(garment, options, retailer)) for _, garment in seen]
    found = find_products(index, queries, limit=options.limit, min_score=options.min_score)
    rank_started = perf_counter()
    ranked = _fetch_products(found)
    ended = perf_counter()
    result = SearchResult(
        search_id=uuid.uuid4(),
        space=space.name,
        index_generation=found.generation,
        model_version=space.segmenter_version,
        width_px=description.width_px,
        height_px=description.height_px,
        timings_ms=dict(description.latency_ms)
        | {
            "search": (rank_started - search_started) * 1000,
            "rank": (ended - rank_started) * 1000,
            "total": (ended - started) * 1000,
        },
        objects=tuple(
            SearchedObject(number, kind, garment, products)
            for number, ((kind, garment), products) in enumerate(zip(seen, ranked, strict=True))
        ),
    )
    try:
        if not is_comparison:
            _log_search(result, space, retailer)
    except DatabaseError:
        # A count that is lost must not cost a shopper an answer that is ready.
        logger.exception("Search %s could not be counted.", result.search_id)
    return result


def similar_products(product: Product, *, limit: int, in_stock_only: bool = False) -> SimilarProducts:
    """Finds products of the same retailer that look like one, from stored vectors: no photo is looked at again.

    Every garment photo of the product is a query; a product's score is its best over all of them.

    Args:
        product: The product to compare with.
        limit: Most products.
        in_stock_only: Only products that can be bought now.

    Raises:
        IndexMissing, IndexDamaged, SpaceMismatch, IndexEmpty: There is nothing to search.
        ModelMissing: No space serves yet, and the checkpoints that name one are missing.
    """
    space = serving_space()
    index = _open_index(space)
    retailer_ids = frozenset({product.retailer_id})
    garments = product_garments(product, space.name)
    queries = [
        Query(read_embedding(garment.embedding), Where(retailer_ids, _compatible(garment.category_id)))
        for garment in garments
    ]
    found = find_products(index, queries, limit=limit, in_stock_only=in_stock_only, except_product_id=product.pk)
    best = _best_of_all(found.matches, limit)
    (ranked,) = _fetch_products(replace(found, matches=(best,)))
    return SimilarProducts(product, space.name, found.generation, ranked)


def _open_index(space: SpaceInfo) -> VectorIndex:
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
    if len(index) == 0:
        raise IndexEmpty("The index holds no garments yet: run `manage.py index_catalog`.")
    return index


def _open_photo(data: bytes, options: SearchOptions) -> EncodedPhoto:
    """Checks the header and places the region, before anything costs time."""
    width_px, height_px = read_photo_size(data)
    region = None if options.box_xyxy is None else place_region(options.box_xyxy, width_px, height_px)
    return EncodedPhoto(data, region)


def _describe(photo: EncodedPhoto, space: SpaceInfo) -> PhotoDescription:
    (described,) = client.describe_photos([photo], timeout_s=settings.SELVEDGE_SEARCH_TIMEOUT_S, space=space.name)
    if isinstance(described, PhotoError):
        raise PhotoRejected(described.code, described.message)
    return described


def _choose_objects(description: PhotoDescription, options: SearchOptions) -> list[tuple[Kind, GarmentDescriptor]]:
    """The garments to search (sleeves and other parts only where asked for), or the photo as a whole."""
    wanted = options.category_id
    garments = [garment for garment in description.garments if _is_wanted(garment, wanted)]
    if garments:
        return [("garment", garment) for garment in garments]
    return [("whole_image" if options.box_xyxy is None else "region", description.whole_image)]


def _is_wanted(garment: GarmentDescriptor, wanted: int | None) -> bool:
    if garment.category_id is None:
        return False
    return category_by_id(garment.category_id).is_garment if wanted is None else garment.category_id == wanted


def _where(garment: GarmentDescriptor, options: SearchOptions, retailer: Retailer | None) -> Where:
    category_id = options.category_id if garment.category_id is None else garment.category_id
    return Where(None if retailer is None else frozenset({retailer.pk}), _compatible(category_id))


def _compatible(category_id: int | None) -> frozenset[int] | None:
    """Look-alike categories, and catalog photos that were described as a whole; None (all) for the uncategorized."""
    return None if category_id is None else compatible_category_ids(category_id) | {NO_CATEGORY}


def _best_of_all(matches: Iterable[Sequence[Match]], limit: int) -> list[Match]:
    best: dict[int, Match] = {}
    for match in (match for of_query in matches for match in of_query):
        known = best.get(match.product_id)
        if known is None or (-match.score, match.garment_id) < (-known.score, known.garment_id):
            best[match.product_id] = match
    return sorted(best.values(), key=lambda match: (-match.score, match.product_id))[:limit]


def _fetch_products(found: Neighbourhood) -> list[tuple[RankedProduct, ...]]:
    """Joins matches with the products as they are now, all queries in one go; what vanished meanwhile is left out."""
    products = products_by_key({match.product_id for of_query in found.matches for match in of_query})
    images = matched_images(match.garment_id for of_query in found.matches for match in of_query)
    ranked = []
    for of_query in found.matches:
        there = [match for match in of_query if match.product_id in products and match.garment_id in images]
        ranked.append(
            tuple(
                RankedProduct(
                    rank=rank,
                    score=match.score,
                    product=products[match.product_id],
                    matched_image=images[match.garment_id],
                    matched_category_id=found.sources[match.garment_id].category_id,
                )
                for rank, match in enumerate(there, start=1)
            )
        )
    return ranked


def _log_search(result: SearchResult, space: SpaceInfo, retailer: Retailer | None) -> None:
    with transaction.atomic():
        log = SearchLog.objects.create(
            search_id=result.search_id,
            created_at=datetime.now(UTC),
            retailer=retailer,
            space=Space.objects.get_or_create(name=space.name, defaults={"dim": space.dim})[0],
            segmenter_version=result.model_version,
            n_garments=sum(found.kind == "garment" for found in result.objects),
        )
        SearchedGarment.objects.bulk_create(
            SearchedGarment(
                search=log,
                category_id=found.descriptor.category_id,
                score=found.descriptor.score,
                color_name=found.descriptor.color.name,
            )
            for found in result.objects
        )
