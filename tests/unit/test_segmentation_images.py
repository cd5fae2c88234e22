"""Decoding: four formats, eight orientations, and every way a file can be bad."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from segmentation import images
from segmentation.errors import PhotoRejected
from segmentation.images import decode_displayed, decode_rgb, read_photo_size, turned

QUARTERS = np.zeros((60, 100, 3), np.uint8)
QUARTERS[:30, :50], QUARTERS[:30, 50:], QUARTERS[30:, :50], QUARTERS[30:, 50:] = (
    (220, 30, 30),
    (30, 200, 30),
    (30, 30, 220),
    (220, 220, 30),
)


def encoded(pixels: np.ndarray, format_name: str, orientation: int = 1) -> bytes:
    image = Image.fromarray(pixels)
    image.getexif()[0x0112] = orientation
    stream = io.BytesIO()
    # pillow-heif writes the turn into the HEIC container, as phones do, when the tag is the image's own.
    extra = {} if format_name == "HEIF" else {"exif": image.getexif()}
    image.save(stream, format_name, quality=95, **extra)
    return stream.getvalue()


def displayed_by_definition(orientation: int) -> np.ndarray:
    """The EXIF standard's table: where the stored row 0 and column 0 are displayed."""
    row_0, column_0 = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }[orientation]
    pixels = QUARTERS
    if row_0 in ("left", "right"):
        pixels = pixels.transpose(1, 0, 2)
    if "bottom" in (row_0, column_0):
        pixels = pixels[::-1]
    if "right" in (row_0, column_0):
        pixels = pixels[:, ::-1]
    return pixels


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_every_format_is_decoded_as_displayed(format_name: str, orientation: int) -> None:
    data = encoded(QUARTERS, format_name, orientation)
    wanted = displayed_by_definition(orientation)
    size = (wanted.shape[1], wanted.shape[0])
    assert read_photo_size(data) == size
    assert np.abs(decode_rgb(data).astype(int) - wanted).mean() < 8
    working, full = decode_displayed(data, working_side_px=50)
    assert full == size
    assert max(working.shape[:2]) == 50
    assert np.abs(working[5, 5].astype(int) - wanted[5, 5]).max() < 40
    assert np.abs(working[-5, -5].astype(int) - wanted[-5, -5]).max() < 40


def test_turned_leaves_unknown_orientations_alone() -> None:
    assert (turned(QUARTERS, 0) == QUARTERS).all()
    assert (turned(QUARTERS, 9) == QUARTERS).all()


def test_without_turning_the_stored_pixels_come_back() -> None:
    assert decode_rgb(encoded(QUARTERS, "PNG", 6), turn=False).shape == QUARTERS.shape


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "I;16", "CMYK"])
def test_every_pixel_mode_becomes_rgb(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.full((40, 40), 65535 // 2, np.uint16))
    else:
        image = Image.fromarray(QUARTERS).convert(mode)
    stream = io.BytesIO()
    image.save(stream, "JPEG" if mode == "CMYK" else "PNG")
    decoded = decode_rgb(stream.getvalue())
    assert decoded.dtype == np.uint8
    assert decoded.shape[2] == 3
    if mode == "I;16":
        assert 120 <= decoded.mean() <= 135, "sixteen bits are scaled, not cut off"


def test_transparency_is_laid_over_white() -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(stream, "PNG")
    assert (decode_rgb(stream.getvalue()) == 255).all()


def png_of_claimed_size(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge: a decompression bomb."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def gif() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 20)).save(stream, "GIF")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"GIF89a is not here", "unsupported_format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "not_an_image"),
        (b"%PDF-1.7", "not_an_image"),
        (gif(), "unsupported_format"),
        (png_of_claimed_size(60_000, 60_000), "too_many_pixels"),
        (png_of_claimed_size(8, 8), "too_small"),
        (encoded(QUARTERS, "JPEG")[:400], "truncated"),
        (encoded(QUARTERS, "PNG")[:120], "truncated"),
        (encoded(QUARTERS, "WEBP")[:60], "truncated"),
    ],
)
def test_each_bad_file_has_its_own_answer(data: bytes, code: str) -> None:
    with pytest.raises(PhotoRejected) as caught:
        decode_rgb(data)
    assert caught.value.code == code, str(caught.value)


def test_a_file_over_the_byte_limit_is_not_even_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PHOTO_BYTES", 100)
    with pytest.raises(PhotoRejected, match="at most 100") as caught:
        decode_rgb(encoded(QUARTERS, "JPEG"))
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_file_cut_anywhere_is_refused_or_decoded_never_a_crash(format_name: str) -> None:
    data = encoded(QUARTERS, format_name)
    for cut in range(1, len(data), max(1, len(data) // 60)):
        try:
            assert decode_rgb(data[:cut]).shape == QUARTERS.shape
        except PhotoRejected:
            continue


def test_a_phones_jpeg_with_a_second_picture_behind_it_is_a_photo() -> None:
    image, stream = Image.fromarray(QUARTERS), io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(stream, "MPO", quality=95, exif=exif, save_all=True, append_images=[image.resize((20, 12))])
    assert read_photo_size(stream.getvalue()) == (60, 100)
    pixels, size = decode_displayed(stream.getvalue(), working_side_px=50)
    assert size == (60, 100)
    assert pixels.shape == (50, 30, 3)
    assert decode_rgb(stream.getvalue()).shape == (100, 60, 3)


def test_a_heic_whose_declared_size_is_a_lie_is_refused() -> None:
    data = encoded(QUARTERS, "HEIF")
    extents = data.index(b"ispe") + 8  # after the box's name and version: width and height, 32 bits each
    for width in (0, 0x7FFFFFFF):
        lie = data[:extents] + struct.pack(">I", width) + data[extents + 4 :]
        with pytest.raises(PhotoRejected):
            decode_rgb(lie)


def test_checking_a_png_decodes_no_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    Image.fromarray(QUARTERS).save(stream, "PNG")

    def refuse(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", refuse)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", refuse)
    assert read_photo_size(stream.getvalue()) == (100, 60)
