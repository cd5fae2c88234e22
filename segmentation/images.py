"""Decoding photos: bounded, turned as displayed, in RGB. No torch here: web processes use it to check uploads."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from segmentation.errors import PhotoRejected

MAX_PHOTO_BYTES = 20 * 1024 * 1024
MAX_PHOTO_PIXELS = 50_000_000
MIN_PHOTO_SIDE_PX = 16
STRIP_ROWS = 256
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
"""Pillow's names of those who open files; HEIF is what phones call HEIC. What opens JPEGs calls one with further
pictures behind it (a preview, a gain map) MPO."""

_OTHER_STARTS = (
    (b"GIF8", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"BM", "BMP"),
    (b"%!PS", "EPS"),
    (b"\0\0\1\0", "ICO"),
    (b"8BPS", "PSD"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
)
"""How other pictures begin, so that whoever sends one is told what it is; none of them is ever opened."""

pillow_heif.register_heif_opener()
# Sizes are checked against MAX_PHOTO_PIXELS before a pixel is decoded, so Pillow's own, higher bound is not needed.
Image.MAX_IMAGE_PIXELS = None

_TURNED = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""
_PNG_ORIENTATION_CHUNKS = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, MemoryError, OverflowError, RuntimeError, struct.error)
"""What decoders raise at damaged files; libheif's is RuntimeError."""


def read_photo_size(data: bytes) -> tuple[int, int]:
    """Check a photo's header and give its displayed size.

    Returns:
        Width and height in pixels, after the EXIF orientation is applied.

    Raises:
        PhotoRejected: `empty`, `too_large`, `not_an_image`, `unsupported_format`, `too_many_pixels`, `too_small`.
    """
    with _opened(data) as image:
        return _displayed_size(image, _orientation(image, data))


def read_stored_size(file: Path) -> tuple[int, int]:
    """Check the header of a photo on disk and give its size; no pixel is read, and of most formats little else.

    Returns:
        Width and height in pixels as stored, before any EXIF orientation: what `decode_rgb(turn=False)` gives.

    Raises:
        OSError: The file cannot be read.
        PhotoRejected: As `read_photo_size`.
    """
    with file.open("rb") as stream, _opened_stream(stream, file.stat().st_size) as image:
        return image.size


def decode_rgb(data: bytes, *, turn: bool = True) -> NDArray[np.uint8]:
    """Decode a whole photo.

    Args:
        data: A JPEG, PNG, WebP or HEIC file.
        turn: Apply the EXIF orientation, so that the photo is as displayed.

    Returns:
        uint8, shape (H, W, 3), RGB, 0..255; transparency is laid over white.

    Raises:
        PhotoRejected: As `read_photo_size`, and `truncated` where the pixels cannot be decoded.
    """
    with _opened(data) as image:
        orientation = _orientation(image, data) if turn else 1
        return turned(np.asarray(_pixels(image)), orientation)


def decode_displayed(data: bytes, *, working_side_px: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Decode a photo as displayed, no larger than the work needs.

    JPEGs are decoded at a fraction of their size where that suffices, and a photo is turned after it was made
    small: both are several times faster for phone photos.

    Args:
        data: A JPEG, PNG, WebP or HEIC file.
        working_side_px: The longer side of the result, unless the photo is smaller.

    Returns:
        uint8, shape (h, w, 3), RGB, 0..255, and the photo's full displayed width and height in pixels.

    Raises:
        PhotoRejected: As `decode_rgb`.
    """
    with _opened(data) as image:
        orientation = _orientation(image, data)
        full = _displayed_size(image, orientation)
        if image.format in ("JPEG", "MPO"):
            image.draft("RGB", (working_side_px, working_side_px))
        pixels = np.asarray(_pixels(image))
    scale = working_side_px / max(pixels.shape[:2])
    if scale < 1:
        size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return turned(pixels, orientation), full


def turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Apply an EXIF orientation (1..8) to pixels (H, W, 3); other values leave them as they are."""
    if orientation in _TURNED:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _opened(data: bytes) -> AbstractContextManager[Image.Image]:
    return _opened_stream(io.BytesIO(data), len(data))


@contextmanager
def _opened_stream(stream: BinaryIO, n_bytes: int) -> Iterator[Image.Image]:
    if n_bytes == 0:
        raise PhotoRejected("empty", "the file is empty")
    if n_bytes > MAX_PHOTO_BYTES:
        raise PhotoRejected("too_large", f"the file has {n_bytes:,} bytes, at most {MAX_PHOTO_BYTES:,} are taken")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # These alone: a stranger's file must not reach the decoder of every format there is.
            image = Image.open(stream, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise _unidentified(stream) from error
    except _DAMAGED as error:
        raise PhotoRejected("truncated", f"the image's header is damaged: {error}") from error
    with image:
        width, height = image.size
        if width * height > MAX_PHOTO_PIXELS:
            raise PhotoRejected(
                "too_many_pixels", f"the photo has {width}x{height} pixels, at most {MAX_PHOTO_PIXELS:,} are taken"
            )
        if min(width, height) < MIN_PHOTO_SIDE_PX:
            raise PhotoRejected(
                "too_small", f"the photo has {width}x{height} pixels; each side needs {MIN_PHOTO_SIDE_PX}"
            )
        yield image


def _unidentified(stream: BinaryIO) -> PhotoRejected:
    stream.seek(0)
    start = stream.read(16)
    name = next((name for begins, name in _OTHER_STARTS if start.startswith(begins)), None)
    if name is None and start[4:8] == b"ftyp" and start[8:12] in (b"avif", b"avis"):
        name = "AVIF"
    if name is None:
        return PhotoRejected("not_an_image", "the file is not an image")
    return PhotoRejected("unsupported_format", f"{name} images are not taken; send JPEG, PNG, WebP or HEIC")


def _orientation(image: Image.Image, data: bytes) -> int:
    """The EXIF orientation as the file states it; HEIC decoders have turned the picture already."""
    if image.format == "HEIF":
        return 1
    if image.format == "PNG" and not any(chunk in data for chunk in _PNG_ORIENTATION_CHUNKS):
        return 1  # Pillow decodes a whole PNG to look behind its pixels: half a second for a large photo
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (*_DAMAGED, TypeError):
        return 1  # damaged metadata is no reason to refuse good pixels


def _displayed_size(image: Image.Image, orientation: int) -> tuple[int, int]:
    width, height = image.size
    return (height, width) if orientation in _TURNED else (width, height)


def _pixels(image: Image.Image) -> Image.Image:
    try:
        image.load()
        return _on_white(image)
    except _DAMAGED as error:
        raise PhotoRejected("truncated", f"the photo's pixels cannot be decoded: {error}") from error


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # In whole numbers and 16 bits throughout: a large photo as float64 would take four times as much memory.
        pixels_16 = np.asarray(image).astype(np.uint16, copy=False)
        scaled = pixels_16 // 257 if pixels_16.max(initial=0) > 255 else pixels_16
        return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        pixels = np.asarray(image, dtype=np.float64)
        scale = 255.0 / 65535.0 if pixels.max(initial=0.0) > 255 else 1.0
        return Image.fromarray(np.clip(np.nan_to_num(pixels) * scale, 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        return _composited(image)
    return image.convert("RGB")


def _composited(image: Image.Image) -> Image.Image:
    """Strip by strip: four copies of a large photo at once would be most of a worker's memory."""
    width, height = image.size
    laid = Image.new("RGB", (width, height))
    for top in range(0, height, STRIP_ROWS):
        strip = image.crop((0, top, width, min(top + STRIP_ROWS, height))).convert("RGBA")
        white = Image.new("RGBA", strip.size, (255, 255, 255, 255))
        laid.paste(Image.alpha_composite(white, strip).convert("RGB"), (0, top))
    return laid
