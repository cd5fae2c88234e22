"""A delimited text file of unknown encoding as records with their true line numbers."""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from catalog.errors import FeedError
from catalog.feeds.rows import FeedRowError

CHUNK_BYTES = 1 << 20
MAX_LINE_CHARS = 1 << 20
MAX_RECORD_LINES = 5000
"""More lines than the longest description has; a quote that is never closed must not swallow the file."""

FOREIGN_STARTS = {
    b"PK\x03\x04": "is a zip archive or an Excel workbook; export it as CSV or TSV",
    b"\x1f\x8b": "is compressed; unpack it first",
    b"\xff\xfe": "is UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "is UTF-16 text; save it as UTF-8",
    b"<": "is XML; export it as CSV or TSV",
}

UNDECODED = re.compile("[\udc80-\udcff]")
"""What `surrogateescape` leaves in place of a byte that the encoding does not know."""


@dataclass(frozen=True, slots=True)
class FeedText:
    """How a feed's bytes become text."""

    path: Path
    encoding: str
    n_lines: int

    def open(self) -> TextIO:
        """The text with its line ends untouched; unknown bytes appear as lone surrogates (`UNDECODED`)."""
        return self.path.open(encoding=self.encoding, errors="surrogateescape", newline="")


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one record and the number of its first line."""

    line: int
    cells: list[str]


def probe(path: Path) -> FeedText:
    """Read the file once, in constant memory, to learn its encoding and its number of lines.

    UTF-8 (with or without a byte order mark), else Windows-1252. A UTF-8 file with a few broken bytes stays UTF-8, so
    that only the rows holding them are lost.

    Raises:
        FeedError: The file is missing, unreadable, empty, or of another kind.
    """
    if not path.is_file():
        raise FeedError(f"{path}: there is no such file")
    try:
        with path.open("rb") as file:
            start = file.read(64)
            _refuse_foreign(path, start)
            file.seek(0)
            n_valid = n_broken = n_lines = 0
            decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
            chunk = last = start
            while chunk:
                last, chunk = chunk, file.read(CHUNK_BYTES)
                n_lines += chunk.count(b"\n")
                text = decode(chunk, final=not chunk)
                if not text.isascii():
                    broken = len(UNDECODED.findall(text))
                    n_broken += broken
                    n_valid += len(text) - len(text.encode("ascii", "ignore")) - broken
    except OSError as error:
        raise FeedError(f"{path}: cannot be read: {error.strerror}") from error
    encoding = "utf-8-sig" if n_broken <= n_valid else "cp1252"
    return FeedText(path, encoding, n_lines if last.endswith(b"\n") else n_lines + 1)


def records(lines: TextIO, separator: str) -> Iterator[Record | FeedRowError]:
    """The file's records, strictly parsed; blank lines are passed over.

    A record with a stray or unclosed quote is an error at its first line, and reading goes on at the line after it.
    """
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=separator, strict=True)
    while True:
        source.start_record()
        line = source.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            source.rewind_to_second_line()
            yield FeedRowError(line, "", f"is not proper CSV, look for a stray or unclosed quote ({error})")
            continue
        if any(cell.strip() for cell in cells):
            yield Record(line, cells)


class _Lines:
    """Physical lines, counted, that can be given back when the record they seemed to form turns out broken."""

    def __init__(self, file: TextIO) -> None:
        self.number = 0
        self._file = file
        self._returned: deque[str] = deque()
        self._taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self._taken) == MAX_RECORD_LINES:
            raise csv.Error(f"more than {MAX_RECORD_LINES} lines in one row")
        line = self._returned.popleft() if self._returned else self._file.readline(MAX_LINE_CHARS)
        if not line:
            raise StopIteration
        if len(line) == MAX_LINE_CHARS:
            raise FeedError(
                f"line {self.number + 1} has more than {MAX_LINE_CHARS} characters; this is no product feed"
            )
        self.number += 1
        self._taken.append(line)
        return line

    def start_record(self) -> None:
        self._taken.clear()

    def rewind_to_second_line(self) -> None:
        again = self._taken[1:]
        self._returned.extendleft(reversed(again))
        self.number -= len(again)


def _refuse_foreign(path: Path, start: bytes) -> None:
    first = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if not first:
        raise FeedError(f"{path}: is empty")
    for magic, advice in FOREIGN_STARTS.items():
        if first.startswith(magic):
            raise FeedError(f"{path}: {advice}")
