"""Unpacks a zip of images that strangers made: into one folder, within limits, whatever its names say."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from catalog import limits
from catalog.errors import ArchiveRefused

MAX_FILES = 200_000
MAX_RATIO = 20
"""Photos hardly shrink: an archive that unpacks to more than this many times its size is a bomb."""
CHUNK_BYTES = 1 << 20
NAME_CHARS = 255


def unpack_images(archive: Path, folder: Path, *, max_bytes: int) -> int:
    """Unpacks the files of an archive below a folder; symbolic links, folders and hidden files are passed over.

    Args:
        archive: The zip.
        folder: Where to; made when missing.
        max_bytes: Of all files, unpacked.

    Returns:
        How many files there are.

    Raises:
        ArchiveRefused: No zip, damaged, encrypted, too large, or a name leads out of the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if _is_image_file(entry)]
            _check_size(entries, archive.stat().st_size, max_bytes)
            for entry in entries:
                _unpack(opened, entry, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise ArchiveRefused(f"the zip of images cannot be read: {error}") from error
    except OSError as error:
        raise ArchiveRefused(f"the zip of images cannot be unpacked: {error.strerror}") from error
    return len(entries)


def _is_image_file(entry: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in PurePosixPath(entry.filename).parts)
    return not entry.is_dir() and kind in {0, stat.S_IFREG} and not hidden


def _check_size(entries: list[zipfile.ZipInfo], archive_bytes: int, max_bytes: int) -> None:
    """What the directory announces; what is really unpacked is counted again."""
    if len(entries) > MAX_FILES:
        raise ArchiveRefused(f"the zip of images holds {len(entries)} files; at most {MAX_FILES} are taken")
    announced = sum(entry.file_size for entry in entries)
    if announced > min(max_bytes, archive_bytes * MAX_RATIO + CHUNK_BYTES):
        raise ArchiveRefused(f"the zip of images would unpack to {announced} bytes, which is too much")


def _unpack(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in entry.filename:
        raise ArchiveRefused(f'the zip of images holds a name that leads out of it: "{entry.filename[:100]}"')
    if any(len(part.encode()) > NAME_CHARS for part in path.parts):
        raise ArchiveRefused(f'the zip of images holds a name that is too long: "{entry.filename[:100]}"')
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    left = min(entry.file_size, limits.IMAGE_BYTES + 1)
    with opened.open(entry) as source, target.open("wb") as file:
        # One byte more than an image may have: the import then says which one is too large.
        while left > 0 and (chunk := source.read(min(left, CHUNK_BYTES))):
            file.write(chunk)
            left -= len(chunk)
