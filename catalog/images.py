"""A feed's image files: found only inside the images folder, copied into the media folder by content."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from catalog import limits
from catalog.errors import ImageMissing, ImageRefused

FILE_STARTS = {".jpg": b"\xff\xd8\xff", ".png": b"\x89PNG\r\n\x1a\n", ".gif": b"GIF8"}
HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A regular file inside the images folder, as it was when it was looked at."""

    path: Path
    size: int
    """Bytes."""
    mtime_ns: int


def locate(link: str, images_dir: Path) -> ImageFile:
    """The local file a feed's image link names.

    A link is relative to the images folder, or repeats that folder's own name ("images/a.jpg" with the folder
    ".../images"). Symbolic links are followed, but never out of the folder.

    Args:
        link: As written in the feed.
        images_dir: The folder, already resolved.

    Raises:
        ImageMissing: There is no such file.
        ImageRefused: A web address, an absolute path, a path out of the folder, or a file of improper kind or size.
    """
    relative = _relative_path(link)
    try:
        path = (images_dir / relative).resolve()
        if relative.parts[0] == images_dir.name and not path.exists():
            path = (images_dir.parent / relative).resolve()
        if not path.is_relative_to(images_dir):
            raise ImageRefused(f"{_quote(link)} leads out of the images folder")
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageMissing(f"there is no file {_quote(link)} in the images folder") from error
    except (OSError, RuntimeError) as error:
        raise ImageRefused(
            f"{_quote(link)} cannot be read: {getattr(error, 'strerror', 'a circle of links')}"
        ) from error
    if not stat.S_ISREG(status.st_mode):
        raise ImageRefused(f"{_quote(link)} is not a file")
    if status.st_size == 0:
        raise ImageRefused(f"{_quote(link)} is empty")
    if status.st_size > limits.IMAGE_BYTES:
        raise ImageRefused(f"{_quote(link)} has {status.st_size} bytes; at most {limits.IMAGE_BYTES} are allowed")
    return ImageFile(path, status.st_size, status.st_mtime_ns)


def read(image: ImageFile) -> bytes:
    """The file's bytes.

    Raises:
        ImageRefused: It cannot be read, or has grown since it was located.
    """
    try:
        with image.path.open("rb") as file:
            data = file.read(limits.IMAGE_BYTES + 1)
    except OSError as error:
        raise ImageRefused(f"{_quote(image.path.name)} cannot be read: {error.strerror}") from error
    if len(data) != image.size:
        raise ImageRefused(f"{_quote(image.path.name)} changed while it was read; import again")
    return data


def content_name(data: bytes) -> tuple[str, str]:
    """The name of a copy in the media folder, and the SHA-256 it carries.

    The type follows the content, never the feed's file name, because the copy is served under it.

    Raises:
        ImageRefused: Not a JPEG, PNG, WebP, HEIC or GIF file.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    return f"catalog/{sha256[:2]}/{sha256}{_suffix(data)}", sha256


def is_stored(name: str, size: int) -> bool:
    """Whether a whole copy lies in the media folder (a copy torn by a power cut has another size)."""
    try:
        return default_storage.size(name) == size
    except FileNotFoundError:
        return False


def store(name: str, data: bytes) -> None:
    """Write a copy under its content's name; readers see the whole file or none, also after a kill.

    Storing what is already there writes nothing.
    """
    if is_stored(name, len(data)):
        return
    try:
        path = Path(default_storage.path(name))
    except NotImplementedError:
        # Not on a local disk: object stores show an object only when it is whole.
        if default_storage.exists(name):
            default_storage.delete(name)
        default_storage.save(name, ContentFile(data))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # One temporary name per thread: what a killed one left behind is overwritten or ignored, never served.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    unfinished.write_bytes(data)
    unfinished.replace(path)


def _relative_path(link: str) -> PurePosixPath:
    """The link as a path below the images folder, without touching the disk."""
    scheme = link.split(":", 1)[0].lower() if "://" in link else ""
    if scheme in {"http", "https"}:
        raise ImageRefused("images are not fetched from the web yet; put the file into the images folder")
    if scheme:
        raise ImageRefused(f"{_quote(link)}: {scheme}:// links are not supported")
    path = PurePosixPath(link.replace("\\", "/"))
    if "\0" in link or path.is_absolute() or not path.parts or path.parts[0].endswith(":"):
        raise ImageRefused(f"{_quote(link)} is not a path inside the images folder")
    if ".." in path.parts:
        raise ImageRefused(f"{_quote(link)} leads out of the images folder")
    return path


def _suffix(data: bytes) -> str:
    for suffix, start in FILE_STARTS.items():
        if data.startswith(start):
            return suffix
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        return ".heic"
    raise ImageRefused("is not a JPEG, PNG, WebP, HEIC or GIF file")


def _quote(link: str) -> str:
    return f'"{link[:200]}…"' if len(link) > 200 else f'"{link}"'
