"""What was seen in catalog photos, as records: stored once a photo and space, chosen anew when the feed changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F, QuerySet

from catalog.models import Product, ProductImage, Retailer
from search.models import Garment, ImageDescription, Space
from search.product_categories import choose_product_garments, product_category_ids
from search.selectors import EMBEDDING_DTYPE
from segmentation.types import GarmentDescriptor, PhotoDescription, PhotoError


def store_descriptions(
    space: Space,
    image_ids: Sequence[int],
    image_sha256s: Sequence[str],
    results: Sequence[PhotoDescription | PhotoError],
    *,
    segmenter_version: str,
) -> list[int]:
    """Writes what was seen in a batch of catalog images, in one transaction.

    Idempotent on image and space: a batch that arrives twice changes nothing, so garments keep their ids. An image
    that was deleted or replaced while it was described is passed over; the replacement is due by itself.

    Args:
        space: Where the embeddings live.
        image_ids: Primary keys of the images.
        image_sha256s: The files that were described.
        results: One a image, in the same order.
        segmenter_version: Stamped on every description.

    Returns:
        Garments of former descriptions, which are gone: the index must forget them.
    """
    described = {
        image_id: (sha256, result) for image_id, sha256, result in zip(image_ids, image_sha256s, results, strict=True)
    }
    with transaction.atomic():
        # Two workers may hold the same batch after a redelivery: the second waits here, then finds it stored.
        locked = ProductImage.objects.select_for_update(of=("self",)).select_related("product")
        images = list(locked.filter(pk__in=described).order_by("pk"))
        stored = dict(
            ImageDescription.objects.filter(space=space, image__in=described).values_list("image_id", "image_sha256")
        )
        gone: list[int] = []
        for image in images:
            sha256, result = described[image.pk]
            if sha256 == image.sha256 and stored.get(image.pk) != sha256:
                gone.extend(_store(space, image, result, segmenter_version))
    return gone


def forget_failures(space: Space, retailer: Retailer) -> int:
    """Makes a retailer's images that could not be described due again; returns how many."""
    return _failures(space, retailer).delete()[1].get(ImageDescription._meta.label, 0)


def count_failures(space: Space, retailer: Retailer) -> int:
    """Counts a retailer's images that could not be described, in the files that are there now, of products on sale."""
    still_there = _failures(space, retailer).filter(
        image_sha256=F("image__sha256"), image__product__withdrawn_at__isnull=True
    )
    return still_there.count()


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
        if chosen_for != categories_as_json(category_ids):
            changed[pk] = category_ids
    for pk, category_ids in changed.items():
        _rechoose(pk, category_ids)
    return len(changed)


def _store(
    space: Space, image: ProductImage, result: PhotoDescription | PhotoError, segmenter_version: str
) -> list[int]:
    """Replaces one image's description; returns the garments that went with the old one."""
    gone = list(Garment.objects.filter(description__image=image, description__space=space).values_list("pk", flat=True))
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
        return gone
    category_ids = read_categories(image.product)
    description.state = ImageDescription.State.OK
    description.width_px, description.height_px = result.width_px, result.height_px
    description.product_category_ids = categories_as_json(category_ids)
    description.save()
    chosen = choose_product_garments(result.garments, category_ids) or [result.whole_image]
    Garment.objects.bulk_create(
        _garment(description, image.product_id, position, seen, any(seen is each for each in chosen))
        for position, seen in enumerate((*result.garments, result.whole_image))
    )
    return gone


def _garment(
    description: ImageDescription, product_id: int, position: int, seen: GarmentDescriptor, is_product: bool
) -> Garment:
    x_min, y_min, x_max, y_max = seen.box_xyxy_px
    return Garment(
        description=description,
        product_id=product_id,
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
        color_histogram=dict(seen.color_histogram) if seen.color_histogram else None,
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
    ImageDescription.objects.filter(pk=description_id).update(product_category_ids=categories_as_json(category_ids))


def _failures(space: Space, retailer: Retailer) -> QuerySet[ImageDescription]:
    return ImageDescription.objects.filter(
        space=space, state=ImageDescription.State.FAILED, image__product__retailer=retailer
    )


def read_categories(product: Product) -> frozenset[int] | None:
    """What a product's words say it is; None where they say nothing."""
    return product_category_ids(product.product_type, product.google_product_category, product.title)


def categories_as_json(category_ids: frozenset[int] | None) -> list[int] | None:
    """Categories as the records keep them."""
    return None if category_ids is None else sorted(category_ids)
