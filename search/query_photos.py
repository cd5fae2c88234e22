"""Shoppers' photos on disk, where a setting asks for it: pixels alone, and below no address anybody can open.

A photo is written anew from its pixels, turned as displayed: nothing of the file that came (place, camera, owner,
color profile, thumbnails, what hides behind its end) is in the one that is kept.
"""

from __future__ import annotations

import io
import logging
import time
import uuid
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from PIL import Image

from search.models import QueryImage
from search.models.searches import query_photo_storage
from segmentation.images import decode_rgb

JPEG_QUALITY = 92

_log = logging.getLogger(__name__)


def store(image_id: uuid.UUID, data: bytes) -> str:
    """Writes a photo; the name to read it by.

    Args:
        image_id: Names the file; nothing of the client's does.
        data: The photo's file as it came.

    Raises:
        PhotoRejected: It cannot be decoded.
        OSError: The disk refuses.
    """
    written = io.BytesIO()
    Image.fromarray(decode_rgb(data)).save(written, "JPEG", quality=JPEG_QUALITY)
    return query_photo_storage().save(f"{image_id}.jpg", ContentFile(written.getvalue()))


def read(name: str) -> bytes | None:
    """A photo's file; None where none is kept."""
    if not name:
        return None
    try:
        with query_photo_storage().open(name) as file:
            return bytes(file.read())
    except FileNotFoundError:
        return None


def remove(name: str) -> None:
    """Deletes a photo; nothing where there is none."""
    if name:
        query_photo_storage().delete(name)


def remove_strays() -> int:
    """Deletes photos that no record names (a process died in between, a retailer was deleted); how many there were."""
    folder = Path(settings.SELVEDGE_QUERY_PHOTOS_DIR)
    # A photo is written before its record: what is younger may be waiting for it.
    old = time.time() - max(3600.0, settings.SELVEDGE_QUERY_TTL_S)
    n_removed = 0
    for file in folder.glob("*.jpg") if folder.is_dir() else ():
        if file.stat().st_mtime < old and not QueryImage.objects.filter(photo=file.name).exists():
            file.unlink(missing_ok=True)
            n_removed += 1
    return n_removed
