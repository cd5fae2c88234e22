"""From descriptions to records to index. The database is the record; the index is a cache that is made equal to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from django.conf import settings
from django.db import transaction

from catalog.models import Product, ProductImage, Retailer
from search.index.base import NO_CATEGORY, IndexDamaged, IndexMissing, SpaceMismatch, Tags, VectorIndex
from search.index.registry import open_reader, open_writer
from search.models import Garment, ImageDescription, Space
from search.product_categories import choose_product_garments, product_category_ids
from search.selectors import EMBEDDING_DTYPE, chunked, due_images, indexable_garments, read_embedding
from segmentation.types import GarmentDescriptor, PhotoDescription, PhotoError
from workers import client

PUBLISH_EVERY_GARMENTS = 500
"""A generation is written whole, so not after every batch; so much may be unseen by searches during a long run."""

ROWS_A_CHUNK = 500


@dataclass(frozen=True, slots=True)
class IndexChange:
    """What making the index equal to the database took."""

    added: int
    removed: int
    n_vectors: int
    generation: int


def register_space() -> Space:
    """The record of the space the configured checkpoints describe photos in.

    Raises:
        ModelMissing: A checkpoint is missing or damaged.
    """
    info = client.space()
    return Space.objects.get_or_create(name=info.name, defaults={"dim": info.dim})[0]


def store_descriptions(
    space: Space,
    image_ids: Sequence[int],
    image_sha256s: Sequence[str],
    results: Sequence[PhotoDescription | PhotoError],
    *,
    segmenter_version: str,
) -> None:
    """Writes what was seen in a batch of catalog images, in one transaction.

    Idempotent on image and space: a batch that arrives twice changes nothing, so garments keep their ids. An image
    that was deleted or replaced while it was described is passed over; the replacement is due by itself.

    Args:
        space: Where the embeddings live.
        image_ids: Primary keys of the images.
        image_sha256s: The files that were described.
        results: One a image, in the same order.
        segmenter_version: Stamped on every description.
    """
    described = {
        image_id: (sha256, result) for image_id, sha256, result in zip(image_ids, image_sha256s, results, strict=True)
    }
    with transaction.atomic():
        # Two workers may hold the same batch after a redelivery: the second waits here, then finds it stored.
        images = ProductImage.objects.select_for_update(of=("self",)).select_related("product")
        stored = dict(
            ImageDescription.objects.filter(space=space, image__in=described).values_list("image_id", "image_sha256")
        )
        for image in images.filter(pk__in=described).order_by("pk"):
            sha256, result = described[image.pk]
            if sha256 == image.sha256 and stored.get(image.pk) != sha256:
                _store(space, image, result, segmenter_version)


def forget_failures(space: Space, retailer: Retailer) -> int:
    """Makes a retailer's images that could not be described due again; returns how many."""
    failed = ImageDescription.objects.filter(
        space=space, state=ImageDescription.State.FAILED, image__product__retailer=retailer
    )
    return failed.delete()[1].get(ImageDescription._meta.label, 0)


def rechoose_products(space: Space, retailer: Retailer) -> int:
    """Chooses the product's garments anew where the feed's words have changed since; needs no photo.

    Returns:
        How many images were chosen anew.
    """
    rows = ImageDescription.objects.filter(
        space=space, state=ImageDescription.State.OK, image__product__retailer=retailer
    ).values_list(
        "pk",
        "product_category_ids",
        "image__product__product_type",
        "image__product__google_product_category",
        "image__product__title",
    )
    changed = {}
    for pk, chosen_for, *words in rows.iterator():
        category_ids = product_category_ids(*words)
        if chosen_for != _as_json(category_ids):
            changed[pk] = category_ids
    for pk, category_ids in changed.items():
        _rechoose(pk, category_ids)
    return len(changed)


def sync_index(space: Space, *, fresh: bool = False) -> IndexChange:
    """Makes the published index equal to the database: adds what is missing, removes what is gone.

    Args:
        space: Whose index.
        fresh: Build it anew from nothing, for one that is damaged.

    Raises:
        IndexBusy: Another writer holds the lock.
        IndexDamaged: What is published cannot be read; build it `fresh`.
        PublishFailed: The new generation could not be stored.
    """
    with open_writer(settings.VECTOR_INDEX_URL, space.name, space.dim, fresh=fresh) as writer:
        wanted = set(indexable_garments(space).values_list("pk", flat=True))
        present = set(writer.ids().tolist())
        removed = writer.remove(np.array(sorted(present - wanted), dtype=np.int64))
        missing = sorted(wanted - present)
        for ids in chunked(missing, ROWS_A_CHUNK):
            _add(writer, ids)
        if removed or missing or fresh or writer.generation == 0:
            writer.publish()
        return IndexChange(len(missing), removed, len(writer), writer.generation)


def sync_index_if_worthwhile(space: Space, image_ids: Sequence[int]) -> IndexChange | None:
    """Publishes after a batch: when enough has gathered, or when nothing else of its retailers is due.

    The last of several workers to store its batch always finds nothing due, so a finished catalog is always published.

    Returns:
        What changed; None where it was not worth publishing yet.
    """
    if unpublished_garments(space) < PUBLISH_EVERY_GARMENTS:
        retailers = Retailer.objects.filter(products__images__in=image_ids).distinct()
        if any(due_images(space, retailer).exists() for retailer in retailers):
            return None
    return sync_index(space)


def index_is_whole(space: Space) -> bool:
    """Whether the published index can be read and holds exactly the garments that belong into it."""
    try:
        open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
        with open_writer(settings.VECTOR_INDEX_URL, space.name, space.dim) as writer:
            return set(writer.ids().tolist()) == set(indexable_garments(space).values_list("pk", flat=True))
    except (IndexMissing, IndexDamaged, SpaceMismatch):
        return False


def unpublished_garments(space: Space) -> int:
    """By how many garments the database and the published index differ in number."""
    try:
        published = len(open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim))
    except IndexMissing:
        published = 0
    return abs(indexable_garments(space).count() - published)


def _store(space: Space, image: ProductImage, result: PhotoDescription | PhotoError, segmenter_version: str) -> None:
    """Replaces one image's description; its garments go with the old one."""
    ImageDescription.objects.filter(image=image, space=space).delete()
    description = ImageDescription(
        image=image,
        space=space,
        image_sha256=image.sha256,
        segmenter_version=segmenter_version,
        described_at=datetime.now(UTC),
    )
    if isinstance(result, PhotoError):
        description.state = ImageDescription.State.FAILED
        description.error_code, description.error = result.code, result.message
        description.save()
        return
    category_ids = _read_categories(image.product)
    description.state = ImageDescription.State.OK
    description.width_px, description.height_px = result.width_px, result.height_px
    description.product_category_ids = _as_json(category_ids)
    description.save()
    chosen = choose_product_garments(result.garments, category_ids) or [result.whole_image]
    Garment.objects.bulk_create(
        _garment(description, position, seen, any(seen is each for each in chosen))
        for position, seen in enumerate((*result.garments, result.whole_image))
    )


def _garment(description: ImageDescription, position: int, seen: GarmentDescriptor, is_product: bool) -> Garment:
    x_min, y_min, x_max, y_max = seen.box_xyxy_px
    return Garment(
        description=description,
        position=position,
        category_id=seen.category_id,
        score=seen.score,
        x_min_px=x_min,
        y_min_px=y_min,
        x_max_px=x_max,
        y_max_px=y_max,
        mask=seen.mask,
        color_name=seen.color.name,
        color_hex=seen.color.hex,
        embedding=seen.embedding.astype(EMBEDDING_DTYPE).tobytes(),
        is_product=is_product,
    )


@transaction.atomic
def _rechoose(description_id: int, category_ids: frozenset[int] | None) -> None:
    garments = list(Garment.objects.filter(description_id=description_id).defer("mask", "embedding"))
    segmented = [garment for garment in garments if garment.category_id is not None]
    whole_image = [garment for garment in garments if garment.category_id is None]
    chosen = choose_product_garments(segmented, category_ids) or whole_image
    for garment in garments:
        garment.is_product = garment in chosen
    Garment.objects.bulk_update(garments, ["is_product"])
    ImageDescription.objects.filter(pk=description_id).update(product_category_ids=_as_json(category_ids))


def _add(writer: VectorIndex, garment_ids: Sequence[int]) -> None:
    rows = Garment.objects.filter(pk__in=garment_ids).order_by("pk")
    found = rows.values_list("pk", "embedding", "category_id", "description__image__product__retailer_id")
    # A worker may have replaced some of them since they were listed.
    ids, vectors, tags = [], [], []
    for pk, embedding, category_id, retailer_id in found:
        ids.append(pk)
        vectors.append(read_embedding(embedding))
        tags.append(Tags(retailer_id, NO_CATEGORY if category_id is None else category_id))
    if ids:
        writer.upsert(np.array(ids, dtype=np.int64), np.stack(vectors), tags)


def _read_categories(product: Product) -> frozenset[int] | None:
    return product_category_ids(product.product_type, product.google_product_category, product.title)


def _as_json(category_ids: frozenset[int] | None) -> list[int] | None:
    return None if category_ids is None else sorted(category_ids)
