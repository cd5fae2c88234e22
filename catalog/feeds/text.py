"""A delimited text as records with their true line numbers."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from catalog.errors import FeedError
from catalog.feeds.rows import FeedBroken, FeedRowError

SEPARATORS = (",", "\t", ";", "|")
MAX_LINE_CHARS = 1 << 20
MAX_RECORD_LINES = 5000
"""More lines than the longest description has; a quote that is never closed must not swallow the file."""
BREAKS_OFF = "the feed breaks off in this row; what should follow is missing"


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one record and the number of its first line."""

    line: int
    cells: list[str]
    is_last: bool = False
    """Whether the text ends in this record, without a line end: a feed cut short ends so, and many whole ones do."""


def records(lines: TextIO, separator: str) -> Iterator[Record | FeedRowError]:
    """The text's records, strictly parsed; blank lines are passed over.

    A record with a stray or unclosed quote is an error at its first line, and reading goes on at the line after it.
    Between tabs such a quote is taken as it is: many TSV files are written without any quoting.

    Raises:
        FeedError: A line is so long that this cannot be a feed.
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
            first_line = source.rewind_to_second_line()
            if separator == "\t":
                yield Record(line, first_line.rstrip("\r\n").split("\t"), source.is_at_end)
            elif source.is_at_end:
                yield FeedBroken(line, "", BREAKS_OFF)
            else:
                yield FeedRowError(line, "", f"is not proper CSV, look for a stray or unclosed quote ({error})")
            continue
        if any(cell.strip() for cell in cells):
            yield Record(line, cells, source.is_at_end)


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

    @property
    def is_at_end(self) -> bool:
        """Whether the last line taken is the text's last and has no line end."""
        return bool(self._taken) and not self._returned and not self._taken[-1].endswith(("\n", "\r"))

    def start_record(self) -> None:
        self._taken.clear()

    def rewind_to_second_line(self) -> str:
        """Give all but the first line back; returns that one."""
        again = self._taken[1:]
        del self._taken[1:]
        self._returned.extendleft(reversed(again))
        self.number -= len(again)
        return self._taken[0]
