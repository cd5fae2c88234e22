"""A picture that was described is not described again: variants share photos, and what was seen in one is copied.

Sizes of one product usually name the same photo, so most of a catalog's images need no model. Only what was seen is
copied; which of it is for sale is chosen by each product's own words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F

from catalog.models import ProductImage
from search.descriptions import categories_as_json, read_categories
from search.models import Garment, ImageDescription, Space
from search.product_categories import choose_product_garments
from search.selectors import IDS_A_QUERY, chunked, due_images

SEEN = tuple(
    field.attname
    for field in Garment._meta.concrete_fields
    if field.attname not in {"id", "description_id", "product_id", "is_product"}
)
"""What a model saw, as far as it does not depend on the product."""


@dataclass(slots=True)
class Copied:
    """What was copied."""

    image_ids: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    """Garments of former descriptions, which the index must forget."""


def twins_of(space: Space, sha256s: Iterable[str]) -> list[int]:
    """The due images that have one of these files."""
    return [
        image_id
        for some in chunked(sorted(set(sha256s)), IDS_A_QUERY)
        for image_id in due_images(space).filter(sha256__in=some).values_list("pk", flat=True)
    ]


def one_a_file(images: Iterable[ProductImage]) -> list[ProductImage]:
    """The first image of each file."""
    firsts: dict[str, ProductImage] = {}
    for image in images:
        firsts.setdefault(image.sha256, image)
    return list(firsts.values())


def copy_descriptions(space: Space, image_ids: Sequence[int], *, failures_too: bool = False) -> Copied:
    """Describes due images whose very file was described in this space before, for whatever product or retailer.

    Idempotent, in one transaction.

    Args:
        space: Where the embeddings live.
        image_ids: Primary keys of images, few enough for one query; those that are not due are passed over.
        failures_too: A file that just failed has failed for all its images; an older failure is worth another try.
    """
    copied = Copied()
    with transaction.atomic():
        locked = ProductImage.objects.select_for_update(of=("self",)).select_related("product")
        asked = list(locked.filter(pk__in=due_images(space).filter(pk__in=image_ids).values("pk")).order_by("pk"))
        # Looked at again under the lock: another process may have described them while this one waited for it.
        stored = ImageDescription.objects.filter(space=space, image__in=[image.pk for image in asked])
        described = dict(stored.values_list("image_id", "image_sha256"))
        due = [image for image in asked if described.get(image.pk) != image.sha256]
        donors = _donors(space, {image.sha256 for image in due}, failures_too=failures_too)
        images = [image for image in due if image.sha256 in donors]
        if not images:
            return copied
        old = ImageDescription.objects.filter(space=space, image__in=[image.pk for image in images])
        copied.gone = list(Garment.objects.filter(description__in=old).values_list("pk", flat=True))
        old.delete()
        pairs = [(image, donors[image.sha256]) for image in images]
        descriptions = ImageDescription.objects.bulk_create(_describe(*pair) for pair in pairs)
        seen = _seen_in([donor.pk for donor in donors.values()])
        Garment.objects.bulk_create(
            garment
            for (image, donor), description in zip(pairs, descriptions, strict=True)
            for garment in _copies(seen[donor.pk], description, image)
        )
        copied.image_ids = [image.pk for image in images]
    return copied


def _donors(space: Space, sha256s: set[str], *, failures_too: bool) -> dict[str, ImageDescription]:
    """One description for each file that has one, a good one where there is."""
    described = ImageDescription.objects.filter(space=space, image__sha256__in=sha256s, image_sha256=F("image__sha256"))
    if not failures_too:
        described = described.filter(state=ImageDescription.State.OK)
    # The last one stays: "ok" sorts after "failed".
    return {description.image_sha256: description for description in described.order_by("state", "-pk")}


def _describe(image: ProductImage, donor: ImageDescription) -> ImageDescription:
    is_good = donor.state == ImageDescription.State.OK
    return ImageDescription(
        image=image,
        space_id=donor.space_id,
        image_sha256=image.sha256,
        state=donor.state,
        error_code=donor.error_code,
        error=donor.error,
        width_px=donor.width_px,
        height_px=donor.height_px,
        segmenter_version=donor.segmenter_version,
        product_category_ids=categories_as_json(read_categories(image.product)) if is_good else None,
        described_at=datetime.now(UTC),
    )


def _seen_in(description_ids: Sequence[int]) -> dict[int, list[Garment]]:
    seen: dict[int, list[Garment]] = {pk: [] for pk in description_ids}
    for garment in Garment.objects.filter(description__in=description_ids).order_by("position"):
        seen[garment.description_id].append(garment)
    return seen


def _copies(seen: Sequence[Garment], description: ImageDescription, image: ProductImage) -> list[Garment]:
    """The garments of one photo, for another product."""
    segmented = [garment for garment in seen if garment.category_id is not None]
    whole_image = [garment for garment in seen if garment.category_id is None]
    chosen = choose_product_garments(segmented, read_categories(image.product)) or whole_image
    chosen_ids = {garment.pk for garment in chosen}
    return [
        Garment(
            description=description,
            product_id=image.product_id,
            is_product=garment.pk in chosen_ids,
            **{name: getattr(garment, name) for name in SEEN},
        )
        for garment in seen
    ]
