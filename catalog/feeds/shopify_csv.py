"""Reads Shopify's product CSV: the rows of one handle are a product, its variants and its images.

Source: Shopify Help Center, "Using CSV files to import and export products".
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog.errors import FeedError
from catalog.feeds.cells import CellRefused, check_storable
from catalog.feeds.headers import read_header
from catalog.feeds.opening import FeedFile
from catalog.feeds.rows import FeedBroken, FeedItem, FeedRowError
from catalog.feeds.shopify_columns import OLDER_NAMES, REQUIRED_COLUMNS, TELLING_COLUMNS
from catalog.feeds.shopify_products import ShopifyRow, rows_of_product
from catalog.feeds.text import BREAKS_OFF, Record, records
from catalog.feeds.vocabulary import FeedDefaults

MOST_ROWS = 5000
"""Of one handle: more than Shopify's variants (2,048) and images (250)."""


class ShopifyCsv:
    """A product export of a Shopify shop."""

    name = "shopify_csv"

    def __init__(self, file: FeedFile, defaults: FeedDefaults) -> None:
        """Understand the header.

        Raises:
            FeedError: It lacks a required column, or nobody said the currency.
        """
        self.notes: list[str] = []
        self._file = file
        self._defaults = defaults
        header = read_header(file, {*REQUIRED_COLUMNS, *TELLING_COLUMNS, *OLDER_NAMES})
        self._separator = header.separator
        self._columns = tuple(OLDER_NAMES.get(name, name) for name in header.columns)
        missing = [column for column in REQUIRED_COLUMNS if column not in self._columns]
        if missing:
            raise FeedError(f"{file.path.name}: the header lacks {', '.join(missing)}")
        if not defaults.currency:
            raise FeedError(f"{file.path.name}: Shopify's CSV names no currency: give one as `currency`, such as EUR")

    def rows(self) -> Iterator[FeedItem]:
        """Every variant, in order. The rows of a handle follow one another.

        Raises:
            FeedError: A line is so long that this cannot be a feed.
        """
        group: list[ShopifyRow] = []
        with self._file.open() as text:
            found = records(text, self._separator)
            next(found)  # the header
            for record in found:
                row = record if isinstance(record, FeedRowError) else self._read(record)
                if isinstance(row, FeedRowError):
                    yield row
                    continue
                if group and group[0].handle != row.handle:
                    yield from rows_of_product(group, self._defaults)
                    group = []
                if len(group) < MOST_ROWS:
                    group.append(row)
                else:
                    yield FeedRowError(row.line, "Handle", f"has more than {MOST_ROWS} rows", row.handle)
        if group:
            yield from rows_of_product(group, self._defaults)

    def _read(self, record: Record) -> ShopifyRow | FeedRowError:
        n_cells, n_columns = len(record.cells), len(self._columns)
        if n_cells < n_columns and record.is_last:
            return FeedBroken(record.line, "", BREAKS_OFF)
        if n_cells < n_columns or any(cell.strip() for cell in record.cells[n_columns:]):
            return FeedRowError(record.line, "", f"has {n_cells} cells where the header has {n_columns} columns")
        cells: dict[str, str] = {}
        try:
            for column, cell in zip(self._columns, record.cells, strict=False):
                text = cell.strip()
                if text:
                    if not (text.isascii() and "\0" not in text):
                        check_storable(column, text, self._file.encoding)
                    cells.setdefault(column, text)
        except CellRefused as refused:
            return FeedRowError(record.line, refused.column, refused.reason)
        if "handle" not in cells:
            return FeedRowError(record.line, "Handle", "is empty")
        return ShopifyRow(record.line, cells["handle"], cells)
