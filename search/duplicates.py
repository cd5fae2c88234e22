"""One picture sold as several products: recognised among a retailer's photos, to be reported, never merged.

The same file is told by its hash. A picture saved again (smaller, recompressed) is found in three steps that each leave
few for the next: its garments' nearest neighbours in the index, the whole photos' vectors, the pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db.models import Q, QuerySet

from catalog.models import ProductImage, Retailer
from search.filters import is_one_of
from search.index.base import VectorIndex, Where
from search.index.registry import open_reader
from search.models import Garment, Space
from search.pictures import is_same_picture
from search.selectors import IDS_A_QUERY, chunked, indexable_garments, read_embedding
from segmentation.types import Embedding

SIMILARITY = 0.95
"""Least cosine of two whole photos that may be one picture; pixels decide, so this only saves looking at them."""

GARMENT_SIMILARITY = 0.8
"""The same for garments: where one is segmented a little differently, its vector differs more."""

NEIGHBOURS = 16
"""Looked at for each garment; a picture sold more often is joined through its copies' neighbours."""

IMAGES_A_ROUND = 64

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Images of different products that show one picture.

    Attributes:
        images: With their products, by product and position.
        same_file: Whether they are the same bytes.
        similarity: Least cosine of the pairs of whole photos that joined them; 1 for the same bytes.
    """

    images: tuple[ProductImage, ...]
    same_file: bool
    similarity: float


def photos_of(space: Space, retailer: Retailer) -> QuerySet[ProductImage]:
    """The photos of a retailer that `find_duplicates` looks at, by key."""
    garments = indexable_garments(space).filter(product__retailer=retailer)
    return ProductImage.objects.filter(pk__in=garments.values("description__image")).order_by("pk")


def find_duplicates(
    space: Space,
    retailer: Retailer,
    *,
    image_ids: Sequence[int] | None = None,
    similarity: float = SIMILARITY,
    with_variants: bool = False,
    on_progress: Callable[[int], object] | None = None,
) -> list[DuplicateGroup]:
    """Finds pictures that several products of a retailer share.

    Args:
        space: Whose index and vectors are used.
        retailer: Whose products.
        image_ids: Only groups with one of these images; None looks at all of the retailer's.
        similarity: Least cosine of two whole photos that are compared by their pixels.
        with_variants: Report variants of one item group that share a picture too; sizes of a garment usually do.
        on_progress: Called with the number of images just looked at.

    Raises:
        IndexMissing, IndexDamaged, SpaceMismatch: There is no index to look in.
    """
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
    ids = list(photos_of(space, retailer).values_list("pk", flat=True)) if image_ids is None else list(image_ids)
    found: dict[Pair, float] = {}
    for some in chunked(ids, IMAGES_A_ROUND):
        pairs = _same_files(retailer, some, with_variants) | _neighbours(index, space, retailer, some)
        found.update(_confirm(space, pairs - found.keys(), similarity, with_variants))
        if on_progress is not None:
            on_progress(len(some))
    return _join(found)


def _same_files(retailer: Retailer, image_ids: Sequence[int], with_variants: bool) -> set[Pair]:
    """Pairs that join all images of the same bytes, of which one at least is given."""
    hashes = ProductImage.objects.filter(pk__in=image_ids, product__retailer=retailer).values("sha256")
    shared = ProductImage.objects.filter(
        sha256__in=hashes, status=ProductImage.Status.OK, product__retailer=retailer, product__withdrawn_at=None
    )
    by_hash: defaultdict[str, list[tuple[int, Hashable]]] = defaultdict(list)
    for image in shared.select_related("product").order_by("pk"):
        by_hash[image.sha256].append((image.pk, _sold_as(image, with_variants)))
    pairs = set()
    for images in by_hash.values():
        first, first_sold_as = images[0]
        other = next((pk for pk, sold_as in images if sold_as != first_sold_as), None)
        if other is not None:
            # Each with an image that is sold as something else: variants alone make no pair.
            pairs |= {(first, pk) if sold_as != first_sold_as else (pk, other) for pk, sold_as in images}
    return {(min(pair), max(pair)) for pair in pairs}


def _neighbours(index: VectorIndex, space: Space, retailer: Retailer, image_ids: Sequence[int]) -> set[Pair]:
    """Pairs of images whose garments are neighbours in the index."""
    among = Q(description__image__in=image_ids) & is_one_of("product__retailer_id", [retailer.pk])
    rows = list(indexable_garments(space, among).values_list("description__image_id", "embedding"))
    if not rows:
        return set()
    queries = np.stack([read_embedding(embedding) for _, embedding in rows])
    hits = index.search(queries, NEIGHBOURS, Where(retailer_ids=frozenset({retailer.pk})))
    near = set(hits.ids[hits.scores >= GARMENT_SIMILARITY].tolist())
    image_of: dict[int, int] = {}
    for ids in chunked(near, IDS_A_QUERY):
        image_of.update(Garment.objects.filter(pk__in=ids).values_list("pk", "description__image_id"))
    pairs = set()
    for (image_id, _), ids, scores in zip(rows, hits.ids.tolist(), hits.scores.tolist(), strict=True):
        for garment_id, score in zip(ids, scores, strict=True):
            other = image_of.get(garment_id)
            if score >= GARMENT_SIMILARITY and other is not None and other != image_id:
                pairs.add((min(image_id, other), max(image_id, other)))
    return pairs


def _confirm(space: Space, pairs: Iterable[Pair], similarity: float, with_variants: bool) -> dict[Pair, float]:
    """The pairs that are one picture of different products, with the cosine of the whole photos."""
    pairs = sorted(pairs)
    image_ids = {image_id for pair in pairs for image_id in pair}
    images: dict[int, ProductImage] = {}
    vectors: dict[int, Embedding] = {}
    for ids in chunked(sorted(image_ids), IMAGES_A_ROUND):
        images |= ProductImage.objects.select_related("product").in_bulk(list(ids))
        whole = Garment.objects.filter(description__space=space, description__image__in=ids, category_id=None)
        rows = whole.values_list("description__image_id", "embedding")
        vectors |= {image_id: read_embedding(embedding) for image_id, embedding in rows}
    confirmed = {}
    for one, other in pairs:
        first, second = images.get(one), images.get(other)
        if first is None or second is None or _sold_as(first, with_variants) == _sold_as(second, with_variants):
            continue
        if first.sha256 == second.sha256:
            confirmed[one, other] = 1.0
        elif one in vectors and other in vectors:
            cosine = float(vectors[one] @ vectors[other])
            if cosine >= similarity and is_same_picture(str(first.file), str(second.file)):
                confirmed[one, other] = min(1.0, cosine)
    return confirmed


def _sold_as(image: ProductImage, with_variants: bool) -> Hashable:
    """What an image sells; two of the same may share a picture: the product's own, or variants of one item group."""
    group = image.product.item_group_id
    return image.product_id if with_variants or not group else group


def _join(found: dict[Pair, float]) -> list[DuplicateGroup]:
    """Pairs that touch become one group."""
    group_of: dict[int, int] = {}
    members: dict[int, set[int]] = {}
    for one, other in found:
        into, gone = (group_of.setdefault(each, each) for each in (one, other))
        joined = members.get(into, {one}) | members.pop(gone, {other}) if into != gone else members[into]
        members[into] = joined
        group_of.update(dict.fromkeys(joined, into))
    similarity = dict.fromkeys(members, 1.0)
    for (one, _), cosine in found.items():
        similarity[group_of[one]] = min(similarity[group_of[one]], cosine)
    return [_load(members[key], similarity[key]) for key in sorted(members)]


def _load(image_ids: set[int], similarity: float) -> DuplicateGroup:
    images = ProductImage.objects.filter(pk__in=image_ids).select_related("product").order_by("product_id", "position")
    return DuplicateGroup(tuple(images), len({image.sha256 for image in images}) == 1, similarity)
