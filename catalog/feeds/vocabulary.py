"""A product in Google Merchant Center's words, which CSV, XML and JSON feeds share, as a row.

Source: Google Merchant Center product data specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote as url_quote

from catalog.feeds.cells import (
    GOOGLE_CHARS,
    CellRefused,
    check_length,
    check_storable,
    check_web_link,
    parse_availability,
    parse_image_links,
)
from catalog.feeds.prices import PriceRefused, read_price
from catalog.feeds.rows import FeedRow, FeedRowError

REQUIRED_COLUMNS = ("id", "title", "link", "image_link", "availability", "price")
"""Required in a header and in every row; `link` only where no template makes it."""

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
JOINED_BY = {"color": "/", "size": "/", "material": "/"}
"""How the specification writes several values of these; all others take the first."""


@dataclass(frozen=True, slots=True)
class FeedDefaults:
    """What whoever imports a feed knows and the feed does not say."""

    currency: str = ""
    """ISO 4217 code of prices that name none; empty = such a price is a row error."""
    link_template: str = ""
    """Makes missing links, with {id} and {handle} (the item group's id where there is none)."""

    def link_of(self, product_id: str, handle: str) -> str:
        """The link of a product whose feed has none; empty without a template."""
        by_name = {"{id}": product_id, "{handle}": handle if handle else product_id}
        link = self.link_template
        for name, value in by_name.items():
            link = link.replace(name, url_quote(value, safe=""))
        return link


def column_name(written: str) -> str:
    """A name as the specification spells it; Google also accepts "Image Link" and "g:image_link".

    >>> column_name("g:Image Link")
    'image_link'
    """
    return written.strip().lower().removeprefix("g:").replace(" ", "_")


def google_row(
    line: int, by_column: Mapping[str, list[str]], defaults: FeedDefaults, encoding: str = "utf-8"
) -> FeedRow | FeedRowError:
    """A row of Google's columns, or why it is none.

    Args:
        line: Number of the row's first line.
        by_column: Stripped texts by column, none of them empty; a column may be repeated.
        defaults: What the feed does not say.
        encoding: The feed's, for messages.
    """
    try:
        for column, texts in by_column.items():
            for text in texts:
                if not (text.isascii() and "\0" not in text):
                    check_storable(column, text, encoding)
                check_length(column, text, GOOGLE_CHARS)
        return _build(line, by_column, defaults)
    except CellRefused as refused:
        [product_id, *_] = by_column.get("id", [""])
        return FeedRowError(line, refused.column, refused.reason, product_id)


def prices_of(price: str, sale_price: str, currency: str) -> tuple[Decimal, Decimal | None, str]:
    """The price, the sale price where there is one, and their currency.

    Raises:
        CellRefused: One is no price, or they differ in their currency.
    """
    column = "price"
    try:
        amount, code = read_price(price, currency)
        column = "sale_price"
        sale_amount, sale_code = read_price(sale_price, currency) if sale_price else (None, code)
    except PriceRefused as refused:
        raise CellRefused(column, str(refused)) from refused
    if sale_code != code:
        raise CellRefused("sale_price", f"is in {sale_code} while the price is in {code}")
    return amount, sale_amount, code


def _build(line: int, by_column: Mapping[str, list[str]], defaults: FeedDefaults) -> FeedRow:
    single = {column: texts[0] for column, texts in by_column.items()}
    for column, separator in JOINED_BY.items():
        if len(by_column.get(column, ())) > 1:
            single[column] = separator.join(dict.fromkeys(by_column[column]))
            check_length(column, single[column], GOOGLE_CHARS)
    if "link" not in single and defaults.link_template and "id" in single:
        single["link"] = defaults.link_of(single["id"], single.get("item_group_id", ""))
    for column in REQUIRED_COLUMNS:
        if column not in single:
            raise CellRefused(column, "is empty")
    check_web_link("link", single["link"])
    price, sale_price, currency = prices_of(single["price"], single.get("sale_price", ""), defaults.currency)
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
