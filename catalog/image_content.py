"""What an image file is, by its content: its type, its name in the media folder, and whether it is worth storing."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings

import pillow_heif
from PIL import Image, UnidentifiedImageError

from catalog import limits
from catalog.errors import ImageRefused

FILE_STARTS = {".jpg": b"\xff\xd8\xff", ".png": b"\x89PNG\r\n\x1a\n", ".gif": b"GIF8"}
HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "GIF")
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, MemoryError, OverflowError, RuntimeError, struct.error)
"""What decoders raise at damaged headers; libheif's is RuntimeError."""

pillow_heif.register_heif_opener()


def content_name(data: bytes) -> tuple[str, str]:
    """The name of a copy in the media folder, and the SHA-256 it carries.

    The type follows the content, never the feed's file name, because the copy is served under it.

    Raises:
        ImageRefused: Not a JPEG, PNG, WebP, HEIC or GIF file.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    return f"catalog/{sha256[:2]}/{sha256}{_suffix(data)}", sha256


def check_header(data: bytes) -> None:
    """Refuses what is no photo worth storing, by its header alone: no pixel is decoded, so no bomb goes off.

    Raises:
        ImageRefused: Code `empty`, `too_large`, `not_an_image`, `damaged_image`, `too_many_pixels` or `too_small`.
    """
    if not data:
        raise ImageRefused("is empty", "empty")
    if len(data) > limits.IMAGE_BYTES:
        raise ImageRefused(f"has {len(data)} bytes; at most {limits.IMAGE_BYTES} are allowed", "too_large")
    _suffix(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=PILLOW_FORMATS) as image:
                width, height = image.size
    except (UnidentifiedImageError, *_DAMAGED) as error:
        raise ImageRefused("has a damaged header", "damaged_image") from error
    except Image.DecompressionBombError as error:
        raise ImageRefused(f"has over {limits.IMAGE_PIXELS} pixels", "too_many_pixels") from error
    if width * height > limits.IMAGE_PIXELS:
        raise ImageRefused(f"has {width}x{height} pixels; at most {limits.IMAGE_PIXELS} are allowed", "too_many_pixels")
    if min(width, height) < limits.IMAGE_MIN_SIDE_PX:
        raise ImageRefused(f"has {width}x{height} pixels; each side needs {limits.IMAGE_MIN_SIDE_PX}", "too_small")


def _suffix(data: bytes) -> str:
    for suffix, start in FILE_STARTS.items():
        if data.startswith(start):
            return suffix
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        return ".heic"
    raise ImageRefused("is not a JPEG, PNG, WebP, HEIC or GIF file", "not_an_image")
