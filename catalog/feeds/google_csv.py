"""Reads Google Merchant Center product feeds with a header: CSV, TSV and their like.

Source: Google Merchant Center product data specification, file format "delimited (.txt, .tsv, .csv)".
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog.errors import FeedError
from catalog.feeds.headers import read_header
from catalog.feeds.opening import FeedFile
from catalog.feeds.rows import FeedBroken, FeedItem, FeedRowError
from catalog.feeds.text import BREAKS_OFF, Record, records
from catalog.feeds.vocabulary import IMAGES_COLUMN, KNOWN_COLUMNS, REQUIRED_COLUMNS, FeedDefaults, google_row


class GoogleCsv:
    """A feed whose header has been understood; its rows are read as they are asked for."""

    name = "google_csv"

    def __init__(self, file: FeedFile, defaults: FeedDefaults) -> None:
        """Understand the header.

        Raises:
            FeedError: It lacks a required column, or names one twice.
        """
        self.notes: list[str] = []
        self._file = file
        self._defaults = defaults
        header = read_header(file, KNOWN_COLUMNS)
        self._separator, self._columns = header.separator, header.columns
        optional = {"link"} if defaults.link_template else set()
        missing = [column for column in REQUIRED_COLUMNS if column not in {*self._columns, *optional}]
        if missing:
            found = ", ".join(self._columns)
            raise FeedError(
                f"{file.path.name}: the header lacks {', '.join(missing)} (its columns: {found[:300]}); "
                "a feed of another format needs its name"
            )
        twice = sorted({name for name in KNOWN_COLUMNS - {IMAGES_COLUMN} if self._columns.count(name) > 1})
        if twice:
            raise FeedError(f"{file.path.name}: the header names {', '.join(twice)} more than once")

    def rows(self) -> Iterator[FeedItem]:
        """Every row after the header, in order.

        Raises:
            FeedError: A line is so long that this cannot be a feed.
        """
        with self._file.open() as text:
            found = records(text, self._separator)
            next(found)  # the header
            for record in found:
                yield record if isinstance(record, FeedRowError) else self._parse(record)

    def _parse(self, record: Record) -> FeedItem:
        cells, columns = record.cells, self._columns
        if len(cells) != len(columns) and (len(cells) < len(columns) or any(map(str.strip, cells[len(columns) :]))):
            return self._misfit(record)
        by_column: dict[str, list[str]] = {}
        for column, cell in zip(columns, cells, strict=False):
            text = cell.strip()
            if text:
                by_column.setdefault(column, []).append(text)
        return google_row(record.line, by_column, self._defaults, self._file.encoding)

    def _misfit(self, record: Record) -> FeedRowError:
        n_cells, n_columns = len(record.cells), len(self._columns)
        at = self._columns.index("id")
        product_id = record.cells[at].strip() if at < n_cells else ""
        if record.is_last and n_cells < n_columns:
            return FeedBroken(record.line, "", BREAKS_OFF, product_id)
        reason = f"has {n_cells} cells where the header has {n_columns} columns"
        return FeedRowError(record.line, "", reason, product_id)
