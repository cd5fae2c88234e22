"""Reads Google Merchant Center product feeds: CSV and TSV with a header.

Source: Google Merchant Center product data specification, file format "delimited (.txt, .tsv, .csv)".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import FeedError
from catalog.feeds.cells import (
    CellRefused,
    check_text,
    check_web_link,
    parse_availability,
    parse_image_links,
    parse_price,
)
from catalog.feeds.rows import FeedRow, FeedRowError
from catalog.feeds.text import FeedText, Record, probe, records

REQUIRED_COLUMNS = ("id", "title", "link", "image_link", "availability", "price")
"""Required in the header and in every row."""

TEXT_COLUMNS = (
    "title",
    "link",
    "description",
    "brand",
    "item_group_id",
    "color",
    "size",
    "gender",
    "age_group",
    "google_product_category",
    "product_type",
    "material",
    "pattern",
)
"""Taken over as they are, under the same name."""

IMAGES_COLUMN = "additional_image_link"
KNOWN_COLUMNS = frozenset({*REQUIRED_COLUMNS, *TEXT_COLUMNS, "sale_price", IMAGES_COLUMN})
SEPARATORS = (",", "\t", ";", "|")


@dataclass(frozen=True, slots=True)
class GoogleFeed:
    """A feed whose header has been understood; its rows are read as they are asked for."""

    text: FeedText
    separator: str
    columns: tuple[str, ...]
    """Normalized names, in the file's order."""

    def rows(self) -> Iterator[FeedRow | FeedRowError]:
        """Every row after the header, in order. Of an id that comes twice, the first good row counts.

        Memory: the ids seen so far (some 150 bytes each) and one row.

        Raises:
            FeedError: A line is so long that this cannot be a feed.
        """
        first_lines: dict[str, int] = {}
        with self.text.open() as file:
            found = records(file, self.separator)
            next(found)  # the header
            for record in found:
                row = record if isinstance(record, FeedRowError) else self._parse(record)
                if isinstance(row, FeedRow):
                    first_line = first_lines.setdefault(row.external_id, row.line)
                    if first_line != row.line:
                        reason = f'"{row.external_id}" was already given in line {first_line}; that row counts'
                        row = FeedRowError(row.line, "id", reason)
                yield row

    def _parse(self, record: Record) -> FeedRow | FeedRowError:
        surplus = record.cells[len(self.columns) :]
        if len(record.cells) < len(self.columns) or any(cell.strip() for cell in surplus):
            reason = f"has {len(record.cells)} cells where the header has {len(self.columns)} columns"
            return FeedRowError(record.line, "", reason)
        try:
            return _parse_row(record.line, self._by_column(record.cells))
        except CellRefused as refused:
            return FeedRowError(record.line, refused.column, refused.reason)

    def _by_column(self, row_cells: list[str]) -> dict[str, list[str]]:
        """Stripped, checked, non-empty texts by column; a column may be repeated."""
        by_column: dict[str, list[str]] = {}
        for column, cell in zip(self.columns, row_cells, strict=False):
            text = cell.strip()
            if text:
                check_text(column, text, self.text.encoding)
                by_column.setdefault(column, []).append(text)
        return by_column


def open_feed(path: Path) -> GoogleFeed:
    """Understand a feed's encoding, separator and header.

    Raises:
        FeedError: The file cannot be read, is no delimited text, or lacks a required column.
    """
    text = probe(path)
    separator, columns = max(
        ((separator, _read_header(text, separator)) for separator in SEPARATORS),
        key=lambda candidate: len(KNOWN_COLUMNS.intersection(candidate[1])),
    )
    missing = [column for column in REQUIRED_COLUMNS if column not in columns]
    if missing:
        found = ", ".join(columns)
        raise FeedError(f"{path}: the header lacks {', '.join(missing)} (its columns: {found[:300]})")
    twice = sorted({name for name in KNOWN_COLUMNS - {IMAGES_COLUMN} if columns.count(name) > 1})
    if twice:
        raise FeedError(f"{path}: the header names {', '.join(twice)} more than once")
    return GoogleFeed(text, separator, columns)


def read_feed(path: Path) -> Iterator[FeedRow | FeedRowError]:
    """The rows of a Google Merchant feed; a bad row is a `FeedRowError` and the rest goes on.

    Raises:
        FeedError: See `open_feed`; raised here, before the first row.
    """
    return open_feed(path).rows()


def _read_header(text: FeedText, separator: str) -> tuple[str, ...]:
    with text.open() as file:
        header = next(records(file, separator), None)
    return _column_names(header.cells) if isinstance(header, Record) else ()


def _column_names(cells: list[str]) -> tuple[str, ...]:
    """Names as the specification spells them; Google also accepts "Image Link" and "g:image_link".

    >>> _column_names(["ID", "g:image link", ""])
    ('id', 'image_link', 'column_3')
    """
    plain = [cell.strip().lower().removeprefix("g:").replace(" ", "_") for cell in cells]
    return tuple(name if name else f"column_{number}" for number, name in enumerate(plain, start=1))


def _parse_row(line: int, by_column: dict[str, list[str]]) -> FeedRow:
    for column in REQUIRED_COLUMNS:
        if column not in by_column:
            raise CellRefused(column, "is empty")
    single = {column: texts[0] for column, texts in by_column.items()}
    check_web_link("link", single["link"])
    price, currency = parse_price("price", single["price"])
    sale_price = None
    if "sale_price" in single:
        sale_price, sale_currency = parse_price("sale_price", single["sale_price"])
        if sale_currency != currency:
            raise CellRefused("sale_price", f"is in {sale_currency} while the price is in {currency}")
    extra = {column: ", ".join(texts) for column, texts in by_column.items() if column not in KNOWN_COLUMNS}
    return FeedRow(
        line=line,
        external_id=single["id"],
        availability=parse_availability(single["availability"]),
        currency=currency,
        price=price,
        sale_price=sale_price,
        image_links=parse_image_links(single["image_link"], by_column.get(IMAGES_COLUMN, [])),
        extra=extra if extra else None,
        **{column: single.get(column, "") for column in TEXT_COLUMNS},
    )
