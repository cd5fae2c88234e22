"""A feed's bytes: plain or gzip, counted as they are read, and never more of them than is sane."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from catalog import limits
from catalog.errors import FeedError

if TYPE_CHECKING:  # buffers have no type of their own before Python 3.12
    from _typeshed import WriteableBuffer

GZIP_START = b"\x1f\x8b"
GZIP_RATIO = 200
"""Feeds shrink to a tenth or a thirtieth. Packed zeros shrink to a thousandth; a file like that is a bomb."""
GZIP_RATIO_FROM_BYTES = 16 << 20
BUFFER_BYTES = 1 << 16

UNDECODED = "\ufdd0"
"""Stands for bytes that the encoding does not know: a code point that Unicode sets aside for such inner use."""
UNDECODED_HANDLER = "catalog.undecoded"


def _mark_undecoded(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNDECODED, error.end


codecs.register_error(UNDECODED_HANDLER, _mark_undecoded)


class FeedBytes(io.RawIOBase):
    """The unpacked bytes of a feed. A packed file that breaks off ends early, and `damage` says so."""

    def __init__(self, path: Path, is_gzip: bool, counter: FeedFile | None = None) -> None:
        self.damage = ""
        self.n_bytes = 0
        self._path = path
        self._counter = counter
        self._packed = path.open("rb")
        self._source: io.BufferedReader | gzip.GzipFile = (
            gzip.GzipFile(fileobj=self._packed) if is_gzip else self._packed  # closed with this
        )

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill the buffer as far as one read goes.

        Raises:
            FeedError: Of a packed feed, that it unpacks to more than any feed does.
        """
        view = memoryview(buffer).cast("B")
        try:
            data = self._source.read1(len(view))  # not `read`, which loses what came before the damage
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            reason = "breaks off" if isinstance(error, EOFError) else f"is damaged ({error})"
            self.damage = f"the packed file {reason} after {self.n_bytes} unpacked bytes"
            return 0
        view[: len(data)] = data
        self.n_bytes += len(data)
        self._refuse_bomb()
        if self._counter is not None:
            self._counter.bytes_done = self.n_bytes
        return len(data)

    def close(self) -> None:
        """Close the files below as well."""
        self._source.close()
        self._packed.close()
        super().close()

    def _refuse_bomb(self) -> None:
        if self._source is self._packed:
            return
        most = max(GZIP_RATIO_FROM_BYTES, GZIP_RATIO * self._packed.tell())
        if self.n_bytes > min(most, limits.FEED_BYTES):
            raise FeedError(
                f"{self._path.name}: unpacks to more than {self.n_bytes - 1} bytes; no honest feed is packed so densely"
            )


@dataclass(slots=True)
class FeedFile:
    """A feed's file, looked through once: how its bytes become text, and how much of it there is."""

    path: Path
    is_gzip: bool
    encoding: str
    n_bytes: int
    """Unpacked."""
    n_lines: int
    start: str
    """The first characters, enough to tell the format."""
    damage: str = ""
    """Why the packed bytes end before their end; empty where they do not."""
    bytes_done: int = field(default=0)
    """How far the reader is that was opened last."""

    def open(self) -> TextIO:
        """The text with its line ends untouched; unknown bytes appear as `UNDECODED`."""
        self.bytes_done = 0
        raw = io.BufferedReader(FeedBytes(self.path, self.is_gzip, self), BUFFER_BYTES)
        return io.TextIOWrapper(raw, encoding=self.encoding, errors=UNDECODED_HANDLER, newline="")
