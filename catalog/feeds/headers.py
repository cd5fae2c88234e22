"""The header of a delimited feed, and the separator it tells."""

from __future__ import annotations

import io
from collections.abc import Set
from dataclasses import dataclass

from catalog.feeds.opening import FeedFile
from catalog.feeds.text import SEPARATORS, Record, records
from catalog.feeds.vocabulary import column_name


@dataclass(frozen=True, slots=True)
class Header:
    """A delimited feed's first record under its likeliest separator."""

    separator: str
    columns: tuple[str, ...]
    """Normalized names, in the file's order."""
    cells: tuple[str, ...]
    """As written."""


def read_header(file: FeedFile, known: Set[str]) -> Header:
    """The header under the separator that shows most of the known columns; with none known, most columns."""
    candidates = [_under(file, separator) for separator in SEPARATORS]
    return max(candidates, key=lambda header: (len(known & set(header.columns)), len(header.columns)))


def _under(file: FeedFile, separator: str) -> Header:
    first = next(records(io.StringIO(file.start, newline=""), separator), None)
    cells = first.cells if isinstance(first, Record) else []
    named = [column_name(cell) for cell in cells]
    columns = tuple(name if name else f"column_{number}" for number, name in enumerate(named, start=1))
    return Header(separator, columns, tuple(cells))
