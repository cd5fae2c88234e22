"""Which format a feed has, told by its content and not by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from catalog.errors import FeedError
from catalog.feeds.google_csv import GoogleCsv
from catalog.feeds.google_xml import GoogleXml
from catalog.feeds.headers import read_header
from catalog.feeds.json_lines import JsonLines
from catalog.feeds.opening import FeedFile
from catalog.feeds.probing import probe
from catalog.feeds.product_search_csv import ProductSearchCsv, looks_like
from catalog.feeds.rows import FeedBroken, FeedItem, FeedRowError
from catalog.feeds.seen import SeenIds
from catalog.feeds.shopify_columns import OLDER_NAMES, TELLING_COLUMNS
from catalog.feeds.shopify_csv import ShopifyCsv
from catalog.feeds.vocabulary import KNOWN_COLUMNS, FeedDefaults
from catalog.money import decimals_of


class Reader(Protocol):
    """A feed of one format, its beginning understood."""

    notes: list[str]
    """What the retailer should know of the feed as a whole; complete after the last row."""

    def rows(self) -> Iterator[FeedItem]:
        """What the feed says, in the file's order."""


READERS: dict[str, Callable[[FeedFile, FeedDefaults], Reader]] = {
    "google_csv": GoogleCsv,
    "google_xml": GoogleXml,
    "shopify_csv": ShopifyCsv,
    "product_search_csv": ProductSearchCsv,
    "json_lines": JsonLines,
}
FORMATS = tuple(READERS)
"""Names of the formats, as options and records carry them."""


class Feed:
    """A feed of whatever format; its rows are read as they are asked for."""

    def __init__(self, file: FeedFile, feed_format: str, reader: Reader) -> None:
        self.file = file
        self.format = feed_format
        self.named = SeenIds()
        """The products that any row named, bad ones too."""
        self._reader = reader

    @property
    def notes(self) -> list[str]:
        """What the retailer should know of the feed as a whole; complete after the last row."""
        return self._reader.notes

    def rows(self) -> Iterator[FeedItem]:
        """Every row, in order. Of an id that comes twice, the first good row counts.

        Memory: 18 to 36 bytes for each id seen so far (54 while that grows), and one row (of Shopify's: one product).

        Raises:
            FeedError: The file turns out to be no feed.
        """
        for item in self._reader.rows():
            if isinstance(item, FeedRowError):
                if item.product_id:
                    self.named.mention(item.product_id)
                yield item
                continue
            first_line = self.named.add(item.external_id, item.line)
            if first_line is not None:
                reason = f'"{item.external_id}" was already given in line {first_line}; that row counts'
                yield FeedRowError(item.line, "id", reason, item.external_id)
                continue
            yield item
        if self.file.damage:
            yield FeedBroken(self.file.n_lines, "", self.file.damage)


def open_feed(path: Path, feed_format: str | None = None, defaults: FeedDefaults | None = None) -> Feed:
    """Understand a feed's encoding, format and header.

    Args:
        path: The file, plain or gzip.
        feed_format: One of `FORMATS`; None = told by the content.
        defaults: What the feed does not say.

    Raises:
        FeedError: The file cannot be read, is of no known format, or lacks a required column; or `feed_format` or the
            default currency is unknown.
    """
    known = FeedDefaults() if defaults is None else defaults
    if known.currency and decimals_of(known.currency) is None:
        raise FeedError(f"{known.currency} is not a currency of ISO 4217")
    if feed_format is not None and feed_format not in READERS:
        raise FeedError(f'"{feed_format}" is no format; known are {", ".join(FORMATS)}')
    file = probe(path)
    name = detect(file) if feed_format is None else feed_format
    return Feed(file, name, READERS[name](file, known))


def read_feed(path: Path) -> Iterator[FeedItem]:
    """The rows of a feed of any format; a bad row is a `FeedRowError` and the rest goes on.

    Raises:
        FeedError: See `open_feed`; raised here, before the first row.
    """
    return open_feed(path).rows()


def detect(file: FeedFile) -> str:
    """The likeliest format; a delimited text that is nothing else is taken for Google's, which names what it lacks."""
    start = file.start.lstrip()
    if start.startswith("<"):
        return "google_xml"
    if start.startswith(("{", "[")):
        return "json_lines"
    header = read_header(file, {"handle", *TELLING_COLUMNS, *OLDER_NAMES, *KNOWN_COLUMNS})
    columns = {OLDER_NAMES.get(column, column) for column in header.columns}
    if "handle" in columns and columns & TELLING_COLUMNS:
        return "shopify_csv"
    if looks_like(list(header.cells)) and not {"id", "title"} <= columns:
        return "product_search_csv"
    return "google_csv"
