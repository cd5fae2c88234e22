"""Where the image files lie that a feed names: a folder, or a zip of one. Nothing outside of it is ever read."""

from __future__ import annotations

import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from catalog import limits
from catalog.errors import FeedError, ImageMissing, ImageRefused

MOST_ENTRIES = 1_000_000
BUCKETS = frozenset({"gs", "s3"})
NO_IMAGES = "no_images"
"""Code of the reason where no images came with the feed."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A regular file of the source, as it was when it was looked at."""

    name: str
    """How the source finds it again."""
    size: int
    """Bytes."""
    mtime_ns: int
    """Nanoseconds since 1970; of a zip the checksum, which tells a change better."""


class ImageSource(Protocol):
    """Finds and reads the files that image links name."""

    def locate(self, link: str) -> ImageFile:
        """The file a feed's image link names; a link is relative, or repeats the source's own name.

        Raises:
            ImageMissing: There is no such file.
            ImageRefused: No path inside, or a file of improper kind or size.
        """

    def read(self, image: ImageFile) -> bytes:
        """The file's bytes.

        Raises:
            ImageRefused: It cannot be read, or has grown since it was located.
        """


def open_images(path: Path) -> ImageSource:
    """The folder or zip of images at a path.

    Raises:
        FeedError: There is neither.
    """
    if path.is_file():
        return ImageZip(path)
    if not path.is_dir():
        raise FeedError(f"{path.name}: there is no such images folder")
    return ImageFolder(path) if any(path.iterdir()) else NoImages()


class NoImages:
    """No images came with the feed, such as one of prices and stock: copies stored earlier are what it means."""

    def locate(self, link: str) -> ImageFile:
        """As `ImageSource.locate`."""
        _relative_path(link)
        raise ImageMissing(f"{_quote(link)} is a file, and no images came with the feed", NO_IMAGES)

    def read(self, image: ImageFile) -> bytes:
        """As `ImageSource.read`."""
        raise ImageMissing(f"{_quote(image.name)} is a file, and no images came with the feed", NO_IMAGES)


class ImageFolder:
    """Image files below a folder. Symbolic links are followed, but never out of it."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def locate(self, link: str) -> ImageFile:
        """As `ImageSource.locate`."""
        relative = _relative_path(link)
        try:
            path = (self._root / relative).resolve()
            if relative.parts[0] == self._root.name and not path.exists():
                path = (self._root.parent / relative).resolve()
            if not path.is_relative_to(self._root):
                raise ImageRefused(f"{_quote(link)} leads out of the images folder", "link_refused")
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ImageMissing(f"there is no file {_quote(link)} in the images folder", "missing_file") from error
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", "a circle of links")
            raise ImageRefused(f"{_quote(link)} cannot be read: {reason}", "unreadable") from error
        if not stat.S_ISREG(status.st_mode):
            raise ImageRefused(f"{_quote(link)} is not a file", "link_refused")
        _check_size(link, status.st_size)
        return ImageFile(str(path), status.st_size, status.st_mtime_ns)

    def read(self, image: ImageFile) -> bytes:
        """As `ImageSource.read`."""
        path = Path(image.name)
        try:
            with path.open("rb") as file:
                data = file.read(limits.IMAGE_BYTES + 1)
        except OSError as error:
            raise ImageRefused(f"{_quote(path.name)} cannot be read: {error.strerror}", "unreadable") from error
        if len(data) != image.size:
            raise ImageRefused(f"{_quote(path.name)} changed while it was read; import again", "unreadable")
        return data


class ImageZip:
    """Image files in a zip, unpacked one by one into memory when they are asked for.

    Names that are absolute or lead out of the zip, symbolic links and folders are as if they were not there; whatever
    an entry's header says, no more is unpacked of it than an image may have.
    """

    def __init__(self, path: Path) -> None:
        """Reads the zip's directory.

        Raises:
            FeedError: It is no zip, or of too many files.
        """
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError) as error:
            raise FeedError(f"{path.name}: neither a folder nor a zip of images") from error
        entries = self._zip.infolist()
        if len(entries) > MOST_ENTRIES:
            raise FeedError(f"{path.name}: more than {MOST_ENTRIES} files")
        self._entries = {name: entry for entry in entries if (name := _entry_name(entry))}
        tops = {name.partition("/")[0] for name in self._entries}
        self._own_names = {path.stem, *(tops if len(tops) == 1 else ())}

    def locate(self, link: str) -> ImageFile:
        """As `ImageSource.locate`."""
        relative = _relative_path(link)
        inside = relative.as_posix()
        tried = [inside, *(f"{top}/{inside}" for top in sorted(self._own_names))]
        if relative.parts[0] in self._own_names:
            tried.append("/".join(relative.parts[1:]))
        name = next((each for each in tried if each in self._entries), None)
        if name is None:
            raise ImageMissing(f"there is no file {_quote(link)} in the zip of images", "missing_file")
        entry = self._entries[name]
        _check_size(link, entry.file_size)
        return ImageFile(name, entry.file_size, entry.CRC)

    def read(self, image: ImageFile) -> bytes:
        """As `ImageSource.read`."""
        try:
            with self._zip.open(self._entries[image.name]) as file:
                data = file.read(limits.IMAGE_BYTES + 1)
        except (OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
            raise ImageRefused(f"{_quote(image.name)} cannot be unpacked: {error}", "unreadable") from error
        if len(data) != image.size:
            raise ImageRefused(f"{_quote(image.name)} is not as long as the zip says", "unreadable")
        return data


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """A plain file's name inside the zip, with "/" between its parts; empty for all else."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if entry.is_dir() or kind not in (0, stat.S_IFREG) or path.is_absolute() or ".." in path.parts:
        return ""
    return path.as_posix()


def _relative_path(link: str) -> PurePosixPath:
    """The link as a path below the images folder, without touching the disk."""
    if "://" in link:
        scheme = link.split(":", 1)[0].lower()
        hint = ", unless SELVEDGE_IMAGE_ROOTS maps them to a web address" if scheme in BUCKETS else ""
        raise ImageRefused(f"{_quote(link)}: {scheme}:// links are not supported{hint}", "link_refused")
    path = PurePosixPath(link.replace("\\", "/"))
    if "\0" in link or path.is_absolute() or not path.parts or path.parts[0].endswith(":"):
        raise ImageRefused(f"{_quote(link)} is not a path inside the images folder", "link_refused")
    if ".." in path.parts:
        raise ImageRefused(f"{_quote(link)} leads out of the images folder", "link_refused")
    return path


def _check_size(link: str, size: int) -> None:
    if size == 0:
        raise ImageRefused(f"{_quote(link)} is empty", "empty")
    if size > limits.IMAGE_BYTES:
        raise ImageRefused(f"{_quote(link)} has {size} bytes; at most {limits.IMAGE_BYTES} are allowed", "too_large")


def _quote(link: str) -> str:
    return f'"{link[:200]}…"' if len(link) > 200 else f'"{link}"'
