"""Stored catalog photos on their way to the vision workers: by name where these share the disk, else with bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from catalog.images import local_path, read_stored
from catalog.models import ProductImage
from segmentation.types import EncodedPhoto
from workers.codec import PhotoReference

READ_AT_ONCE = 8
BYTES_A_MESSAGE = 32 * 1024 * 1024

SentPhoto = EncodedPhoto | PhotoReference


def in_messages(images: Sequence[ProductImage]) -> Iterator[list[tuple[ProductImage, SentPhoto]]]:
    """The images with what is sent of them, a message at a time: one for all where only names travel.

    Raises:
        StorageUnavailable: The object storage does not answer.
    """
    names = [str(image.file) for image in images]
    if not names:
        return
    if local_path(names[0]) is not None:
        yield [(image, PhotoReference(name)) for image, name in zip(images, names, strict=True)]
        return
    with ThreadPoolExecutor(READ_AT_ONCE, thread_name_prefix="photos") as pool:
        read = list(pool.map(read_stored, names))
    message: list[tuple[ProductImage, SentPhoto]] = []
    n_bytes = 0
    for image, name, data in zip(images, names, read, strict=True):
        size = 0 if data is None else len(data)
        if message and n_bytes + size > BYTES_A_MESSAGE:
            yield message
            message, n_bytes = [], 0
        # One that was lost is named all the same: the worker does not find it either, and says so.
        message.append((image, PhotoReference(name) if data is None else EncodedPhoto(data)))
        n_bytes += size
    yield message
