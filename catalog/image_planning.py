"""What an image link of a feed does to a product's record: copies files at once, leaves web addresses to be fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils import timezone

from catalog import images
from catalog.downloads.roots import check_link, web_address
from catalog.errors import AddressRefused, ImageMissing, ImageRefused
from catalog.image_content import check_header, content_name
from catalog.image_sources import NO_IMAGES, ImageFile, ImageSource
from catalog.models import ProductImage

IMAGE_UPDATES = (
    "source",
    "file",
    "sha256",
    "source_size",
    "source_mtime_ns",
    "status",
    "error",
    "error_code",
    "n_attempts",
    "next_attempt_at",
)
ERROR_CHARS = 500
COPY = ("file", "sha256", "source_size", "source_mtime_ns", "status")


@dataclass(frozen=True, slots=True)
class ImageMerge:
    """What one image link does to the records."""

    image: ProductImage | None = None
    """The record to write, or None where the known one is up to date."""
    is_changed: bool = False
    error: str = ""


def plan_image(
    link: str,
    known: ProductImage | None,
    source: ImageSource,
    siblings: Mapping[str, ProductImage],
    *,
    store: bool,
) -> ImageMerge:
    """What a link does to the image at its position. Nothing is written, but (with `store`) a copy of a new file.

    Args:
        link: As written in the feed.
        known: The record at that position.
        source: Where files lie.
        siblings: The product's good images by their links, because a feed may put another one in front.
        store: Copy a new image file into the media folder.
    """
    address = web_address(link)
    if address is None:
        return _plan_file(link, known, source, store=store)
    return _plan_download(link, address, known, siblings.get(link))


def _plan_download(link: str, address: str, known: ProductImage | None, sibling: ProductImage | None) -> ImageMerge:
    """Fetching is a stage of its own: here an image only becomes due.

    The same link changes nothing, whatever became of it: the stage knows when another try is worth it. At another link
    the picture that is there stays until the new one is, so that the product is found meanwhile; the stage takes it
    away where the new link turns out to be dead, or does not answer for long.
    """
    was_asked_for = known is not None and (known.status != ProductImage.Status.FAILED or known.n_attempts > 0)
    if known is not None and known.source == link and was_asked_for:
        return ImageMerge()
    try:
        check_link(address)
    except AddressRefused as refused:
        return _failed(link, known, str(refused), refused.code)
    image = ProductImage(source=link, status=ProductImage.Status.PENDING)
    if sibling is not None:
        _take_copy(image, sibling)
        image.next_attempt_at = sibling.next_attempt_at
    elif known is not None and known.status == ProductImage.Status.OK:
        _take_copy(image, known)
        image.next_attempt_at = timezone.now()
    return ImageMerge(image, is_changed=True)


def _take_copy(image: ProductImage, other: ProductImage) -> None:
    for name in COPY:
        setattr(image, name, getattr(other, name))


def _plan_file(link: str, known: ProductImage | None, source: ImageSource, *, store: bool) -> ImageMerge:
    same_link = known is not None and known.source == link
    good = known if known is not None and same_link and known.status == ProductImage.Status.OK else None
    try:
        file = source.locate(link)
        if good is not None and _is_up_to_date(good, file):
            return ImageMerge()
        data = source.read(file)
        name, sha256 = content_name(data)
        check_header(data)
        if store:
            images.store(name, data)
    except ImageRefused as refused:
        if good is not None and isinstance(refused, ImageMissing) and _has_copy(good):
            return ImageMerge(error="" if refused.code == NO_IMAGES else f"{refused}; the copy stored earlier stays")
        return _failed(link, known, str(refused), refused.code)
    image = ProductImage(
        source=link,
        file=name,
        sha256=sha256,
        source_size=file.size,
        source_mtime_ns=file.mtime_ns,
        status=ProductImage.Status.OK,
    )
    return ImageMerge(image, is_changed=good is None or good.sha256 != sha256)


def _failed(link: str, known: ProductImage | None, reason: str, code: str) -> ImageMerge:
    reason = reason[:ERROR_CHARS]
    if known is not None and known.source == link and known.error == reason:
        return ImageMerge(error=reason)
    failed = ProductImage(source=link, status=ProductImage.Status.FAILED, error=reason, error_code=code)
    return ImageMerge(failed, is_changed=True, error=reason)


def _is_up_to_date(known: ProductImage, file: ImageFile) -> bool:
    """Whether the copy is of this very file, told by size and time stamp without reading it."""
    same_file = known.source_size == file.size and known.source_mtime_ns == file.mtime_ns
    return same_file and _has_copy(known)


def _has_copy(known: ProductImage) -> bool:
    name = known.file.name
    return bool(name) and images.is_stored(str(name), known.source_size)
