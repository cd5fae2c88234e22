"""Reads Google Product Search's bulk import CSV: no header, one reference image a row.

Source: Cloud Vision API Product Search, "CSV formatting guidelines".
"""

from __future__ import annotations

import io
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby

from catalog.errors import FeedError
from catalog.feeds.cells import CellRefused, check_storable
from catalog.feeds.opening import FeedFile
from catalog.feeds.product_search_products import COLUMNS, ImageRow, row_of_product
from catalog.feeds.rows import FeedBroken, FeedItem, FeedRow, FeedRowError
from catalog.feeds.text import BREAKS_OFF, SEPARATORS, Record, records
from catalog.feeds.vocabulary import FeedDefaults, column_name

LEAST_CELLS = 5
REQUIRED = ("image-uri", "product-id")
ROWS_AT_ONCE = 1000
IMAGE_URI = re.compile(r"(?:gs|s3|https?)://\S+|\S+\.(?:jpe?g|png|webp|gif|heic|bmp|tiff?)", re.IGNORECASE)

SPOOL = "CREATE TABLE part (product TEXT, line INTEGER, cells TEXT)"
IN_ORDER = """
    SELECT product, line, cells FROM
    (SELECT product, line, cells, MIN(line) OVER (PARTITION BY product) AS first FROM part) ORDER BY first, line
"""


def looks_like(cells: list[str]) -> bool:
    """Whether a first record is one of this format."""
    return len(cells) >= LEAST_CELLS and (
        column_name(cells[0]) in {"image-uri", "image_uri"}
        or (IMAGE_URI.fullmatch(cells[0].strip()) is not None and bool(cells[3].strip()))
    )


class ProductSearchCsv:
    """A bulk import file. The rows of a product may stand anywhere; they are joined on disk, not in memory."""

    name = "product_search_csv"

    def __init__(self, file: FeedFile, defaults: FeedDefaults) -> None:
        """Look at the first row.

        Raises:
            FeedError: It is none of this format.
        """
        self.notes: list[str] = []
        self._file = file
        self._defaults = defaults
        self._separator = next((separator for separator in SEPARATORS if looks_like(self._first(separator))), "")
        if not self._separator:
            raise FeedError(f"{file.path.name}: the first row is none of Product Search's: {', '.join(COLUMNS)}")

    def rows(self) -> Iterator[FeedItem]:
        """Every product, in the order of their first rows; rows that are wrong come before them.

        Raises:
            FeedError: A line is so long that this cannot be a feed.
        """
        n_polygons = 0
        with closing(sqlite3.connect("")) as spool:  # a file of its own that is gone when it is closed
            spool.execute("PRAGMA journal_mode = OFF")
            spool.execute(SPOOL)
            yield from self._spool(spool)
            for _, parts in groupby(spool.execute(IN_ORDER), key=lambda part: str(part[0])):
                images = [_image_row(line, cells) for _, line, cells in parts]
                row = row_of_product(images, self._defaults)
                if isinstance(row, FeedRow) and row.extra is not None:
                    n_polygons += sum(column.startswith("bounding-poly") for column in row.extra)
                yield row
        if n_polygons:
            self.notes.append(
                f"{n_polygons} bounding polygons are kept with their products and not used: garments are found anew"
            )

    def _spool(self, spool: sqlite3.Connection) -> Iterator[FeedRowError]:
        batch: list[tuple[str, int, str]] = []
        with self._file.open() as text:
            for record in self._records(records(text, self._separator)):
                if isinstance(record, FeedRowError):
                    yield record
                    continue
                cells = [cell.strip() for cell in record.cells]
                batch.append((cells[3], record.line, json.dumps(cells)))
                if len(batch) == ROWS_AT_ONCE:
                    spool.executemany("INSERT INTO part VALUES (?, ?, ?)", batch)
                    batch.clear()
        spool.executemany("INSERT INTO part VALUES (?, ?, ?)", batch)

    def _records(self, found: Iterable[Record | FeedRowError]) -> Iterator[Record | FeedRowError]:
        for number, record in enumerate(found):
            if isinstance(record, FeedRowError):
                yield record
            elif number > 0 or column_name(record.cells[0]) not in {"image-uri", "image_uri"}:
                error = self._error_of(record)
                yield record if error is None else error

    def _error_of(self, record: Record) -> FeedRowError | None:
        cells = record.cells
        if len(cells) < LEAST_CELLS:
            if record.is_last:
                return FeedBroken(record.line, "", BREAKS_OFF)
            return FeedRowError(record.line, "", f"has {len(cells)} cells; {len(COLUMNS)} are expected")
        product_id = cells[3].strip()
        if any(cell.strip() for cell in cells[len(COLUMNS) :]):
            reason = f"has {len(cells)} cells; {len(COLUMNS)} are expected (labels with commas stand in quotes)"
            return FeedRowError(record.line, "", reason, product_id)
        try:
            for column, cell in zip(COLUMNS, cells, strict=False):
                check_storable(column, cell, self._file.encoding)
                if column in REQUIRED and not cell.strip():
                    raise CellRefused(column, "is empty")
        except CellRefused as refused:
            return FeedRowError(record.line, refused.column, refused.reason, product_id)
        return None

    def _first(self, separator: str) -> list[str]:
        first = next(records(io.StringIO(self._file.start, newline=""), separator), None)
        return first.cells if isinstance(first, Record) else []


def _image_row(line: int, cells: str) -> ImageRow:
    return ImageRow(line, dict(zip(COLUMNS, json.loads(cells), strict=False)))
