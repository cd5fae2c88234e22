"""Reads Google Merchant Center product feeds in XML: RSS 2.0 and Atom, with the g: namespace.

Source: Google Merchant Center product data specification, file format "XML (RSS 2.0, Atom 1.0)".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from catalog.errors import FeedError
from catalog.feeds.opening import FeedFile
from catalog.feeds.rows import FeedBroken, FeedItem, FeedRowError
from catalog.feeds.text import BREAKS_OFF
from catalog.feeds.vocabulary import FeedDefaults, google_row
from catalog.feeds.xml_items import parse_items, wrapper_of
from catalog.feeds.xml_scanning import Piece, XmlScanner

ITEMS_AT_ONCE = 100


class GoogleXml:
    """A feed of items (RSS) or entries (Atom)."""

    name = "google_xml"

    def __init__(self, file: FeedFile, defaults: FeedDefaults) -> None:
        """Look at the beginning.

        Raises:
            FeedError: It is no XML, or declares entities.
        """
        self.notes: list[str] = []
        self._file = file
        self._defaults = defaults
        if not file.start.lstrip().startswith("<"):
            raise FeedError(f"{file.path.name}: is no XML")
        if "<!ENTITY" in file.start:
            raise FeedError(f"{file.path.name}: declares entities, which are never read")

    def rows(self) -> Iterator[FeedItem]:
        """Every item, in order; broken XML costs the item it stands in.

        Raises:
            FeedError: It has no item at all.
        """
        line, is_cut = 0, False
        with self._file.open() as text:
            scanner = XmlScanner(text)
            pieces = scanner.pieces()
            while some := list(islice(pieces, ITEMS_AT_ONCE)):
                line, is_cut = some[-1].line, some[-1].is_cut
                yield from self._rows_of(some, scanner)
        if not line:
            raise FeedError(f"{self._file.path.name}: has neither items (RSS) nor entries (Atom)")
        if not (scanner.is_whole or is_cut):
            yield FeedBroken(line, "", "the feed breaks off after this item; its closing tag is missing")

    def _rows_of(self, pieces: list[Piece], scanner: XmlScanner) -> Iterator[FeedItem]:
        wrapper = wrapper_of(scanner.head)
        found = iter(parse_items([piece.text for piece in pieces if not piece.is_broken], wrapper))
        for piece in pieces:
            if piece.is_cut:
                yield FeedBroken(piece.line, "", BREAKS_OFF)
            elif piece.is_broken:
                yield FeedRowError(piece.line, "", "has no closing tag")
            elif isinstance(columns := next(found), str):
                yield FeedRowError(piece.line, "", columns)
            else:
                yield google_row(piece.line, columns, self._defaults, self._file.encoding)
