"""Files that a stranger may send as a photo: odd ones that are pictures, and ones that only pretend to be."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache

import pillow_heif
from PIL import Image, ImageDraw

SIZE = (120, 160)
SCRIPT = b"<html><script>alert(document.domain)</script></html>"


@cache
def picture(mode: str = "RGB") -> Image.Image:
    """Two shapes on a ground, in any of Pillow's modes."""
    drawn = Image.new("RGB", SIZE, (250, 250, 250))
    draw = ImageDraw.Draw(drawn)
    draw.rectangle((20, 30, 100, 90), fill=(180, 30, 40))
    draw.ellipse((30, 80, 90, 150), fill=(20, 60, 160))
    return drawn.convert(mode)


def saved(image: Image.Image, format_name: str, **options: object) -> bytes:
    written = io.BytesIO()
    image.save(written, format_name, **options)
    return written.getvalue()


def jpeg(**options: object) -> bytes:
    return saved(picture(), "JPEG", **options)


def png(*chunks: tuple[bytes, bytes], size: tuple[int, int] = SIZE, rows: bytes | None = None) -> bytes:
    """A PNG of these sides, with further chunks before its pixels; `rows` are the filtered scan lines, else gray."""
    width, height = size
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = (b"\0" + b"\x80" * 3 * min(width, 400)) * min(height, 400) if rows is None else rows
    body = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(each)) + name + each + struct.pack(">I", zlib.crc32(name + each)) for name, each in body
    )


def jpeg_of_claimed_size(width: int, height: int) -> bytes:
    """A JPEG whose frame header lies about its size."""
    data = bytearray(jpeg())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def jpeg_with_exif(orientation: object, padding: int = 0) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    if padding:
        exif[0x010E] = "x" * padding
    return jpeg(exif=exif)


def jpeg_with_raw_exif(body: bytes) -> bytes:
    """An EXIF block that is no TIFF, or one whose pointers lead anywhere."""
    segment = b"Exif\0\0" + body
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg()[2:]


def ycck() -> bytes:
    """What Photoshop writes for print: CMYK whose first three channels are YCC."""
    data = bytearray(saved(picture("CMYK"), "JPEG"))
    adobe = data.index(b"Adobe")
    data[adobe + 11] = 2
    return bytes(data)


def zipped(*, before: bytes = b"", after: bytes = b"") -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("index.html", SCRIPT)
    return before + written.getvalue() + after


def animated(format_name: str) -> bytes:
    frames = [picture().rotate(angle) for angle in (0, 90, 180)]
    return saved(frames[0], format_name, save_all=True, append_images=frames[1:], duration=50)


def heic() -> bytes:
    written = io.BytesIO()
    pillow_heif.from_pillow(picture()).save(written, quality=80)
    return written.getvalue()


def palette_with_transparency() -> bytes:
    return saved(picture().quantize(8), "PNG", transparency=0)


def gray_16_bit() -> bytes:
    return saved(picture("L").convert("I;16"), "PNG")


def tiff() -> bytes:
    return saved(picture(), "TIFF")


def orientation_in_words() -> bytes:
    entry = struct.pack("<HHI", 0x0112, 2, 4) + b"up\0\0"
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 0)


def exif_pointing_at_itself() -> bytes:
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)  # the directory of EXIF is this directory
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8)


READABLE: dict[str, Callable[[], bytes]] = {
    "JPEG": jpeg,
    "progressive JPEG": lambda: jpeg(progressive=True),
    "gray JPEG": lambda: saved(picture("L"), "JPEG"),
    "CMYK JPEG": lambda: saved(picture("CMYK"), "JPEG"),
    "YCCK JPEG": ycck,
    "JPEG + HTML": lambda: jpeg() + SCRIPT,
    "JPEG whose comment is HTML": lambda: jpeg(comment=SCRIPT),
    "JPEG + ZIP": lambda: zipped(before=jpeg()),
    "JPEG with orientation 0": lambda: jpeg_with_exif(0),
    "JPEG with orientation 9": lambda: jpeg_with_exif(9),
    "JPEG with orientation 65535": lambda: jpeg_with_exif(65535),
    "JPEG with an orientation in words": lambda: jpeg_with_raw_exif(orientation_in_words()),
    "JPEG with all the EXIF there can be": lambda: jpeg_with_exif(6, padding=60_000),
    "JPEG whose EXIF is none": lambda: jpeg_with_raw_exif(b"\xff" * 3000),
    "JPEG whose EXIF points at itself": lambda: jpeg_with_raw_exif(exif_pointing_at_itself()),
    "PNG": lambda: saved(picture(), "PNG"),
    "interlaced-like adaptive PNG": lambda: saved(picture(), "PNG", optimize=True),
    "1-bit PNG": lambda: saved(picture("1"), "PNG"),
    "16-bit PNG": gray_16_bit,
    "gray PNG with transparency": lambda: saved(picture("LA"), "PNG"),
    "PNG with transparency": lambda: saved(picture("RGBA"), "PNG"),
    "palette PNG": lambda: saved(picture("P"), "PNG"),
    "palette PNG with transparency": palette_with_transparency,
    "PNG with a color that is transparent": lambda: saved(picture(), "PNG", transparency=(250, 250, 250)),
    "animated PNG": lambda: animated("PNG"),
    "PNG with a megabyte of EXIF": lambda: png((b"eXIf", b"MM\0*" + b"\0" * 1_000_000)),
    "PNG with a profile that is none": lambda: png((b"iCCP", b"p\0\0" + zlib.compress(b"\0" * 1_000_000))),
    "PNG with more pixels than it has room for": lambda: png(rows=b"\0" * 20_000_000),
    "PNG + JavaScript": lambda: saved(picture(), "PNG") + b"\n/*" + SCRIPT,
    "WebP": lambda: saved(picture(), "WEBP"),
    "lossless WebP with transparency": lambda: saved(picture("RGBA"), "WEBP", lossless=True),
    "animated WebP": lambda: animated("WEBP"),
    "HEIC": heic,
    "MPO": lambda: saved(picture(), "MPO", save_all=True, append_images=[picture()]),
    "JPEG of a claimed 6,000 x 6,000, gray where there is nothing": lambda: jpeg_of_claimed_size(6000, 6000),
    "very wide JPEG": lambda: saved(Image.new("RGB", (30_000, 16)), "JPEG"),
    "very high PNG": lambda: saved(Image.new("RGB", (16, 30_000)), "PNG"),
    "small JPEG": lambda: saved(Image.new("RGB", (16, 16)), "JPEG"),
}
"""Pictures that decode, however odd: they must simply work."""

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "empty_file"),
    "one byte": (lambda: b"\xff", "not_an_image"),
    "NULs": (lambda: b"\0" * 5000, "not_an_image"),
    "text": (lambda: b"this is no photo " * 100, "not_an_image"),
    "HTML": (lambda: SCRIPT, "not_an_image"),
    "SVG": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "not_an_image"),
    "PDF": (lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog>>endobj", "not_an_image"),
    "EPS": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n(ls) run", "unsupported_format"),
    "TIFF": (tiff, "unsupported_format"),
    "BMP": (lambda: saved(picture(), "BMP"), "unsupported_format"),
    "GIF": (lambda: saved(picture(), "GIF"), "unsupported_format"),
    "animated GIF": (lambda: animated("GIF"), "unsupported_format"),
    "GIF + JavaScript": (lambda: b"GIF89a=1;alert(1)//" + b"\0" * 50, "unsupported_format"),
    "AVIF": (lambda: b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + b"\0" * 100, "unsupported_format"),
    "ZIP": (zipped, "not_an_image"),
    "ZIP + JPEG": (lambda: zipped(after=jpeg()), "not_an_image"),
    "the start of a JPEG": (lambda: jpeg()[:2], "not_an_image"),
    "half a JPEG": (lambda: jpeg()[: len(jpeg()) // 2], "truncated"),
    "half a PNG": (lambda: saved(picture(), "PNG")[:200], "truncated"),
    "half a WebP": (lambda: saved(picture(), "WEBP")[:100], "truncated"),
    "half a HEIC": (lambda: heic()[: len(heic()) // 2], "truncated"),
    "PNG of 50,000 x 50,000": (lambda: png(size=(50_000, 50_000)), "too_many_pixels"),
    "PNG of 2^31 x 2^31": (lambda: png(size=(2**31 - 1, 2**31 - 1)), "too_many_pixels"),
    "PNG without sides": (lambda: png(size=(0, 0)), "not_an_image"),
    "PNG with too few pixels": (lambda: png(size=(7000, 7000), rows=b"\0" * 100), "truncated"),
    "JPEG of a claimed 65,500 x 65,500": (lambda: jpeg_of_claimed_size(65_500, 65_500), "too_many_pixels"),
    "JPEG without sides": (lambda: jpeg_of_claimed_size(0, 0), "not_an_image"),
    "1 x 1": (lambda: saved(Image.new("RGB", (1, 1)), "PNG"), "too_small"),
    "15 x 4,000": (lambda: saved(Image.new("RGB", (15, 4000)), "JPEG"), "too_small"),
    "PNG with a bomb of text": (
        lambda: png((b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 100_000_000))),
        "truncated",
    ),
}
"""What is refused, each with the problem's code."""
