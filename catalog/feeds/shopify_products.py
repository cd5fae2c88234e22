"""One Shopify product, told by the rows of its handle, as a row for each variant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from catalog import limits
from catalog.feeds.cells import RECORD_CHARS, CellRefused, check_length
from catalog.feeds.html_text import text_of_html
from catalog.feeds.prices import PriceRefused, quote, read_price
from catalog.feeds.rows import FeedItem, FeedRow, FeedRowError, OffSaleRow
from catalog.feeds.shopify_columns import (
    FIELD_COLUMNS,
    N_OPTIONS,
    NO_OPTION,
    NOS,
    OFF_SALE,
    OPTION_NAMES,
    STATUSES,
    TAKEN_COLUMNS,
    VARIANT_STARTS,
)
from catalog.feeds.vocabulary import FeedDefaults
from catalog.models import Availability


@dataclass(frozen=True, slots=True)
class ShopifyRow:
    """One row's cells that are not empty, by normalized column."""

    line: int
    handle: str
    cells: Mapping[str, str]

    @property
    def is_variant(self) -> bool:
        """Whether it tells of a variant; other rows only add images."""
        return not {"variant_price", "option1_value", "variant_sku"}.isdisjoint(self.cells)


def rows_of_product(rows: Sequence[ShopifyRow], defaults: FeedDefaults) -> Iterator[FeedItem]:
    """A row for each variant of one handle.

    Its id is the SKU where the product's variants have SKUs that differ, else the handle and the option's values.
    """
    product = dict(rows[0].cells)
    for row in rows[1:]:
        for column, text in row.cells.items():
            if not column.startswith(VARIANT_STARTS) or column.endswith("_name"):
                product.setdefault(column, text)
    variants = [row for row in rows if row.is_variant]
    ids = _ids(rows[0].handle, variants)
    images = _Images(rows)
    for row, product_id in zip(variants, ids, strict=True):
        try:
            yield _row(row, product_id, product, images, defaults)
        except CellRefused as refused:
            yield FeedRowError(row.line, refused.column, refused.reason, product_id)
    if not variants:
        yield FeedRowError(rows[0].line, "Variant Price", "is empty", rows[0].handle)


def _row(
    row: ShopifyRow, product_id: str, product: Mapping[str, str], images: _Images, defaults: FeedDefaults
) -> FeedRow | OffSaleRow:
    if "title" not in product:
        raise CellRefused("Title", "is empty in all rows of the handle (they must follow one another)")
    status = product.get("status", "").lower()
    if status not in STATUSES:
        raise CellRefused("Status", f"{quote(status)} is none of active, {', '.join(sorted(OFF_SALE))}")
    if status in OFF_SALE or product.get("published", "").lower() in NOS:
        return OffSaleRow(row.line, product_id, product["title"][: limits.TITLE_CHARS])
    price, sale_price, currency = _prices(row.cells, defaults.currency)
    fields, extra = _fields(row, product)
    texts = fields | {
        "id": product_id,
        "item_group_id": row.handle,
        "title": product["title"],
        "link": defaults.link_of(product_id, row.handle),
    }
    for column, text in texts.items():
        check_length(column, text, RECORD_CHARS)
    links = images.of(row)
    if not links:
        raise CellRefused("Image Src", "is empty in all rows of the handle")
    del texts["id"]
    return FeedRow(
        line=row.line,
        external_id=product_id,
        availability=_availability(row.cells),
        currency=currency,
        price=price,
        sale_price=sale_price,
        image_links=links,
        description=text_of_html(product.get("body_(html)", "")),
        extra=extra if extra else None,
        **texts,
    )


def _ids(handle: str, variants: Sequence[ShopifyRow]) -> list[str]:
    skus = [row.cells.get("variant_sku", "").lstrip("'") for row in variants]  # spreadsheets write '0123
    if all(skus) and len(set(skus)) == len(skus):
        return skus
    return ["/".join([handle, *(value for _, value in _options(row, row.cells))]) for row in variants]


def _options(row: ShopifyRow, product: Mapping[str, str]) -> list[tuple[str, str]]:
    """The variant's options as (name, value); the names stand in the product's first row."""
    options = []
    for number in range(1, N_OPTIONS + 1):
        value = row.cells.get(f"option{number}_value", "")
        if value and value.lower() != NO_OPTION:
            options.append((product.get(f"option{number}_name", f"option{number}"), value))
    return options


def _fields(row: ShopifyRow, product: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The variant's fields, and what is kept beside them."""
    fields = {
        field: next((product[column] for column in columns if column in product), "")
        for field, columns in FIELD_COLUMNS.items()
    }
    extra = {column: text for column, text in {**_shared(product), **row.cells}.items() if column not in TAKEN_COLUMNS}
    for name, value in _options(row, product):
        field = OPTION_NAMES.get(name.strip().lower())
        if field is None:
            extra[name[:100]] = value
        else:
            fields[field] = value
    return fields, extra


def _shared(product: Mapping[str, str]) -> dict[str, str]:
    return {column: text for column, text in product.items() if not column.startswith(VARIANT_STARTS)}


def _prices(cells: Mapping[str, str], currency: str) -> tuple[Decimal, Decimal | None, str]:
    """Price, sale price and currency: what a variant was compared at is its price, where that is the higher one."""
    column = "Variant Price"
    try:
        if "variant_price" not in cells:
            raise CellRefused(column, "is empty")
        price, code = read_price(cells["variant_price"], currency)
        column = "Variant Compare At Price"
        before = read_price(cells[name], currency)[0] if (name := "variant_compare_at_price") in cells else None
    except PriceRefused as refused:
        raise CellRefused(column, str(refused)) from refused
    return (before, price, code) if before is not None and before > price else (price, None, code)


def _availability(cells: Mapping[str, str]) -> str:
    """In stock unless Shopify counts the variant and has none left; then whether it goes on selling."""
    written = cells.get("variant_inventory_qty", "")
    try:
        quantity = int(written) if written else None
    except ValueError as error:
        raise CellRefused("Variant Inventory Qty", f"{quote(written)} is no whole number") from error
    if quantity is None or quantity > 0 or "variant_inventory_tracker" not in cells:
        return Availability.IN_STOCK.value
    goes_on = cells.get("variant_inventory_policy", "deny").lower() in {"continue", "true"}
    return Availability.BACKORDER.value if goes_on else Availability.OUT_OF_STOCK.value


class _Images:
    """The images of a product, and which of them show one variant alone."""

    def __init__(self, rows: Sequence[ShopifyRow]) -> None:
        sources = [
            (_position(row.cells.get("image_position", "")), row.cells["image_src"])
            for row in rows
            if "image_src" in row.cells
        ]
        self._all = [source for _, source in sorted(sources, key=lambda entry: entry[0])]
        self._of_variants = {row.cells["variant_image"] for row in rows if "variant_image" in row.cells}

    def of(self, row: ShopifyRow) -> tuple[str, ...]:
        """The variant's own image and those of all variants; without an own one, all. At most eleven.

        Raises:
            CellRefused: A link is too long.
        """
        own = row.cells.get("variant_image")
        if own is None:
            links = self._all
        else:
            links = [own, *(link for link in self._all if link not in self._of_variants)]
        chosen = tuple(dict.fromkeys(links))[: limits.ADDITIONAL_IMAGES + 1]
        for link in chosen:
            check_length("image_link", link, RECORD_CHARS)
        return chosen


def _position(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 1 << 30
