"""What changed since a base was built: frames appended to a log, each with the running checksum of all before it.

    delta.log   frames: header (magic, operation, count), ids int64, for an upsert tags int64 (count, tags), sha256
    delta.f32   the vectors of all upserts, float32 rows in the order of the log; mapped by readers

A frame's checksum covers the one before it, the frame and its vectors. The pointer names how long the log is and its
last checksum: what lies beyond was never published, what lies before must verify.
"""

import hashlib
import mmap
import os
import struct
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.index.base import TAG_NAMES, IndexDamaged

LOG_FILE = "delta.log"
VECTORS_FILE = "delta.f32"
LOG_FILES = (LOG_FILE, VECTORS_FILE)

HEADER = struct.Struct("<4sIQ")
MAGIC = b"SDL2"
UPSERT, REMOVE = 1, 2
DIGEST_BYTES = hashlib.sha256().digest_size

_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class LogPosition:
    """A place between two frames.

    Attributes:
        n_bytes: Length of the log up to here.
        n_rows: Vectors up to here.
        digest: Running checksum up to here; at the start, the base's `log_start`.
    """

    n_bytes: int
    n_rows: int
    digest: bytes


@dataclass(frozen=True)
class Frame:
    """One change.

    Attributes:
        ids: int64 (N,), each once.
        tags: int64 (N, len(TAG_NAMES)) of an upsert, whose N vectors are the next of the vectors' file; None: a
            removal.
    """

    ids: NDArray[np.int64]
    tags: NDArray[np.int64] | None

    @property
    def n_rows(self) -> int:
        """How many vectors it brings."""
        return 0 if self.tags is None else self.ids.size

    def encoded(self) -> bytes:
        """Header and body, as they are written."""
        header = HEADER.pack(MAGIC, REMOVE if self.tags is None else UPSERT, self.ids.size)
        return header + self.ids.tobytes() + (b"" if self.tags is None else self.tags.tobytes())

    def end(self, start: LogPosition, digest: bytes) -> LogPosition:
        """Where it ends if it starts at `start`."""
        values = self.ids.size * (1 if self.tags is None else 1 + len(TAG_NAMES))
        return LogPosition(start.n_bytes + HEADER.size + 8 * values + DIGEST_BYTES, start.n_rows + self.n_rows, digest)


class LogReader:
    """The log of one base, open for reading; what it gives was verified.

    Args:
        folder: The base's folder.
        dim: Length of a vector.

    Raises:
        IndexDamaged: The files are missing or may not be read.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder = folder
        self._dim = dim
        self._files = [_open(folder / LOG_FILE)]
        weakref.finalize(self, _close_all, self._files)
        self._files.append(_open(folder / VECTORS_FILE))
        self._mapped = np.empty((0, dim), dtype=np.float32)

    def frames(self, start: LogPosition, end: LogPosition) -> Iterator[tuple[Frame, LogPosition]]:
        """Read the frames between two positions, each with where it ends.

        Raises:
            IndexDamaged: What lies between was cut short or altered.
        """
        at = start
        while at.n_bytes < end.n_bytes:
            frame = self._frame(at.n_bytes, end.n_bytes)
            after = frame.end(at, b"")
            if after.n_bytes > end.n_bytes or after.n_rows > end.n_rows:
                raise self._damaged()
            digest = self._digest(frame, at)
            if self._read(0, DIGEST_BYTES, after.n_bytes - DIGEST_BYTES) != digest:
                raise self._damaged()
            at = frame.end(at, digest)
            yield frame, at
        if at != end:
            raise self._damaged()

    def vectors(self, n_rows: int) -> NDArray[np.float32]:
        """Map the first `n_rows` vectors, float32 (n_rows, dim); they must have been published or written by us."""
        mapped = self._mapped
        if len(mapped) < n_rows:
            length = os.fstat(self._files[1]).st_size // (4 * self._dim) * (4 * self._dim)
            if length < n_rows * 4 * self._dim:
                raise self._damaged()
            pages = mmap.mmap(self._files[1], length, prot=mmap.PROT_READ)
            mapped = self._mapped = np.frombuffer(pages, dtype=np.float32).reshape(-1, self._dim)
        return mapped[:n_rows]

    def _frame(self, offset: int, end: int) -> Frame:
        magic, operation, count = HEADER.unpack(self._read(0, HEADER.size, offset))
        width = {UPSERT: 1 + len(TAG_NAMES), REMOVE: 1}.get(operation, 0)
        # Before reading: an altered count may ask for more than the memory holds.
        if magic != MAGIC or not width or 8 * count * width > end - offset:
            raise self._damaged()
        values = np.frombuffer(self._read(0, 8 * count * width, offset + HEADER.size), dtype=np.int64)
        tags = values[count:].reshape(count, len(TAG_NAMES)) if operation == UPSERT else None
        return Frame(values[:count], tags)

    def _digest(self, frame: Frame, start: LogPosition) -> bytes:
        checksum = hashlib.sha256(start.digest + frame.encoded())
        offset, left = start.n_rows * 4 * self._dim, frame.n_rows * 4 * self._dim
        while left:
            content = self._read(1, min(left, _READ_BYTES), offset)
            checksum.update(content)
            offset, left = offset + len(content), left - len(content)
        return checksum.digest()

    def _read(self, file: int, n_bytes: int, offset: int) -> bytes:
        parts = []
        while n_bytes:
            part = os.pread(self._files[file], n_bytes, offset)
            if not part:
                raise self._damaged()
            parts.append(part)
            offset, n_bytes = offset + len(part), n_bytes - len(part)
        return b"".join(parts)

    def _damaged(self) -> IndexDamaged:
        return IndexDamaged(f"the log in {self._folder} was cut short or altered; rebuild the index")


class LogWriter:
    """The log of one base, open for appending; what lies beyond `position` is cut off.

    Args:
        folder: The base's folder; the files are made where they are missing.
        dim: Length of a vector.
        position: Where the published part ends.

    Raises:
        IndexDamaged: The files are shorter than that.
        OSError: They cannot be opened.
    """

    def __init__(self, folder: Path, dim: int, position: LogPosition) -> None:
        self.position = position
        self._row_bytes = 4 * dim
        self._files: list[int] = []
        weakref.finalize(self, _close_all, self._files)
        lengths = {LOG_FILE: position.n_bytes, VECTORS_FILE: position.n_rows * self._row_bytes}
        for name, length in lengths.items():
            self._files.append(os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o666))
            if os.fstat(self._files[-1]).st_size < length:
                raise IndexDamaged(f"{folder / name} was cut short; rebuild the index")
        # What was never published may be what filled the disk. Only its writer's searches looked into it; see `close`.
        for file, length in zip(self._files, lengths.values(), strict=True):
            os.ftruncate(file, length)

    def append(self, frame: Frame, vectors: NDArray[np.float32] | None) -> LogPosition:
        """Write a frame (and its vectors) and give where it ends. On failure, nothing has happened.

        Raises:
            OSError: The disk refused.
        """
        start, content = self.position, frame.encoded()
        checksum = hashlib.sha256(start.digest + content)
        if vectors is not None and vectors.size:
            checksum.update(vectors.data)
            _write(self._files[1], vectors.data.cast("B"), start.n_rows * self._row_bytes)
        _write(self._files[0], content + checksum.digest(), start.n_bytes)
        self.position = frame.end(start, checksum.digest())
        return self.position

    def sync(self) -> None:
        """Force what was appended to the disk."""
        for file in self._files:
            os.fsync(file)


def _write(file: int, content: bytes | memoryview, offset: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError as error:
        raise IndexDamaged(f"{path} cannot be read ({error}); rebuild the index") from error


def _close_all(files: list[int]) -> None:
    for file in files:
        os.close(file)
