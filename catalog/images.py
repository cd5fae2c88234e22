"""Our copies of product images: named by their content, stored whole or not at all; and single images by hand."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Max

from catalog import limits
from catalog.downloads.roots import check_link, web_address
from catalog.errors import AddressRefused, ImageRefused, StorageUnavailable
from catalog.image_content import check_header, content_name
from catalog.models import Product, ProductImage

UPLOADED = "upload:"
"""What the source of an image begins with that no feed named; an import leaves it alone."""


def take_upload(product: Product, data: bytes, position: int | None = None) -> ProductImage:
    """Stores an image that was uploaded, as a product's image at a position; one that is there is replaced.

    Wrap it in `changing([product.pk])`, as every change of a known product.

    Args:
        product: Whose image.
        data: The file.
        position: 0 is the main image; None puts it after the last.

    Raises:
        ImageRefused: As `check_header`.
        StorageUnavailable: Nothing was changed.
    """
    check_header(data)
    name, sha256 = content_name(data)
    store(name, data)
    return _put(
        product,
        position,
        source=f"{UPLOADED}{sha256}",
        file=name,
        sha256=sha256,
        source_size=len(data),
        status=ProductImage.Status.OK,
    )


def take_link(product: Product, link: str, position: int | None = None) -> ProductImage:
    """Makes a web address a product's image at a position, to be fetched by the next run of the stage.

    Wrap it in `changing([product.pk])`, as every change of a known product.

    Raises:
        ImageRefused: It is no web address that would be fetched; the code says why.
    """
    address = web_address(link)
    if address is None:
        raise ImageRefused("is no web address, nor below a root that a setting maps to one", "url_refused")
    try:
        check_link(address)
    except AddressRefused as error:
        raise ImageRefused(str(error), error.code) from error
    cleared = {"file": "", "sha256": "", "source_size": 0}
    return _put(product, position, source=link, status=ProductImage.Status.PENDING, **cleared)


def _put(product: Product, position: int | None, **values: object) -> ProductImage:
    if position is None:
        last = product.images.aggregate(last=Max("position"))["last"]
        position = 0 if last is None else last + 1
    cleared = {"source_mtime_ns": 0, "error": "", "error_code": "", "n_attempts": 0, "next_attempt_at": None}
    image, _ = ProductImage.objects.update_or_create(product=product, position=position, defaults={**cleared, **values})
    return image


def is_stored(name: str, size: int) -> bool:
    """Whether a whole copy lies in the media folder (a copy torn by a power cut has another size).

    Raises:
        StorageUnavailable: The storage does not answer.
    """
    return _stored_size(name) == size


def store(name: str, data: bytes) -> None:
    """Write a copy under its content's name; readers see the whole file or none, also after a kill.

    Storing what is already there writes nothing.

    Raises:
        StorageUnavailable: It could not be written.
    """
    there = _stored_size(name)
    if there == len(data):
        return
    path = local_path(name)
    if path is None:
        _store_remotely(name, data, is_torn=there is not None)
        return
    # One temporary name per thread: what a killed one left behind is overwritten or ignored, never served.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError as error:
        raise StorageUnavailable(f"the media folder takes no file: {error.strerror}") from error


def read_stored(name: str) -> bytes | None:
    """The bytes of a copy; None where there is none.

    Raises:
        StorageUnavailable: The storage does not answer.
    """
    try:
        with default_storage.open(name) as file:
            return bytes(file.read(limits.IMAGE_BYTES + 1))
    except FileNotFoundError:
        return None
    except _storage_failures() as error:
        raise StorageUnavailable(f"the storage of images does not answer: {error}") from error


def local_path(name: str) -> Path | None:
    """Where a copy lies on a disk of this machine; None in an object storage."""
    try:
        return Path(default_storage.path(name))
    except NotImplementedError:
        return None


def _stored_size(name: str) -> int | None:
    try:
        return int(default_storage.size(name))
    except FileNotFoundError:
        return None
    except _storage_failures() as error:
        raise StorageUnavailable(f"the storage of images does not answer: {error}") from error


def _store_remotely(name: str, data: bytes, *, is_torn: bool) -> None:
    """Object stores show an object only when it is whole."""
    try:
        if is_torn:
            default_storage.delete(name)
        default_storage.save(name, ContentFile(data))
    except _storage_failures() as error:
        raise StorageUnavailable(f"the storage of images takes no file: {error}") from error


def _storage_failures() -> tuple[type[Exception], ...]:
    """What a storage raises that does not answer: the operating system's errors, and boto's where it is used."""
    if local_path("any") is not None:
        return (OSError,)
    from botocore.exceptions import BotoCoreError, ClientError  # takes a third of a second, only for object storage

    return (OSError, BotoCoreError, ClientError)
