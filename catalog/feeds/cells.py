"""The cells of a feed's row: each parser returns a clean value or says what is wrong with the cell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from catalog import limits
from catalog.feeds.opening import UNDECODED
from catalog.feeds.prices import quote
from catalog.models import Availability

RECORD_CHARS = {
    "id": limits.ID_CHARS,
    "title": limits.TITLE_CHARS,
    "brand": limits.BRAND_CHARS,
    "item_group_id": limits.ID_CHARS,
    "color": limits.COLOR_CHARS,
    "size": limits.SIZE_CHARS,
    "gender": limits.GENDER_CHARS,
    "age_group": limits.AGE_GROUP_CHARS,
    "google_product_category": limits.CATEGORY_CHARS,
    "product_type": limits.CATEGORY_CHARS,
    "material": limits.MATERIAL_CHARS,
    "pattern": limits.PATTERN_CHARS,
    "link": limits.LINK_CHARS,
    "image_link": limits.LINK_CHARS,
}
"""What the records hold, by field."""
GOOGLE_CHARS = RECORD_CHARS | {
    "id": 50,
    "title": 150,
    "description": limits.DESCRIPTION_CHARS,
    "brand": 70,
    "item_group_id": 50,
}
"""Source: Google Merchant Center product data specification."""

AVAILABILITIES = {
    "instock": Availability.IN_STOCK,
    "available": Availability.IN_STOCK,
    "limitedavailability": Availability.IN_STOCK,
    "onlineonly": Availability.IN_STOCK,
    "outofstock": Availability.OUT_OF_STOCK,
    "soldout": Availability.OUT_OF_STOCK,
    "unavailable": Availability.OUT_OF_STOCK,
    "notavailable": Availability.OUT_OF_STOCK,
    "discontinued": Availability.OUT_OF_STOCK,
    "instoreonly": Availability.OUT_OF_STOCK,
    "preorder": Availability.PREORDER,
    "presale": Availability.PREORDER,
    "backorder": Availability.BACKORDER,
    "availablefororder": Availability.BACKORDER,
    "madetoorder": Availability.BACKORDER,
}
"""Google's words and schema.org's, without case and punctuation."""
SCHEMA_ORG = re.compile(r"\Ahttps?://schema\.org/", re.IGNORECASE)
NOT_LETTERS = re.compile(r"[\s_-]+")
UNSTORABLE = re.compile(f"[\0\ud800-\udfff{UNDECODED}]")
"""NUL, halves of characters, and bytes that were none in the feed's encoding: no database keeps them."""


class CellRefused(Exception):
    """A cell's text is not what its column holds.

    Attributes:
        column: The feed's column name.
        reason: What is wrong, for the retailer.
    """

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


def check_storable(column: str, text: str, encoding: str) -> None:
    """Refuse text that no database keeps.

    Raises:
        CellRefused: See above.
    """
    found = UNSTORABLE.search(text)
    if found is None:
        return
    if found[0] == UNDECODED:
        raise CellRefused(column, f"holds bytes that are not {encoding.removesuffix('-sig')} text")
    raise CellRefused(column, "holds a NUL character" if found[0] == "\0" else "holds half of a character")


def check_length(column: str, text: str, chars: Mapping[str, int]) -> None:
    """Refuse text that is longer than its column's limit.

    Raises:
        CellRefused: See above.
    """
    limit = chars.get(column)
    if limit is not None and len(text) > limit:
        raise CellRefused(column, f"has {len(text)} characters; at most {limit} are allowed")


@lru_cache(maxsize=1024)
def parse_availability(text: str) -> str:
    """One of `Availability`, written with spaces, hyphens or underscores in any case, or as schema.org does.

    >>> parse_availability("In Stock"), parse_availability("https://schema.org/OutOfStock")
    ('in_stock', 'out_of_stock')

    Raises:
        CellRefused: Another word.
    """
    word = NOT_LETTERS.sub("", SCHEMA_ORG.sub("", text)).lower()
    found = AVAILABILITIES.get(word)
    if found is None:
        raise CellRefused("availability", f"{quote(text)} is none of {', '.join(Availability.values)}")
    return found.value


def check_web_link(column: str, text: str) -> None:
    """Refuse what is no web address: pages link to it, so a `javascript:` link must not get in.

    Raises:
        CellRefused: Not http or https, or without a host.
    """
    try:
        parts = urlsplit(text)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_web = False
    if not is_web:
        raise CellRefused(column, f"{quote(text)} is not an http or https address")


def parse_image_links(main: str, additional: list[str]) -> tuple[str, ...]:
    """The main image and the additional ones (cells of comma-separated links), none twice.

    A comma followed by neither a scheme nor a space may belong to a web address, and stays in it.

    Raises:
        CellRefused: More than ten additional images, or one whose link is too long.
    """
    links = [link for cell in additional for link in map(str.strip, _split_links(cell)) if link]
    if len(links) > limits.ADDITIONAL_IMAGES:
        reason = f"names {len(links)} images; at most {limits.ADDITIONAL_IMAGES} are allowed"
        raise CellRefused("additional_image_link", reason)
    if any(len(link) > limits.LINK_CHARS for link in links):
        raise CellRefused("additional_image_link", f"a link has more than {limits.LINK_CHARS} characters")
    return tuple(dict.fromkeys([main, *links]))


def _split_links(cell: str) -> list[str]:
    """A cell's links.

    >>> _split_links("https://cdn.example/w_100,h_100/a.jpg,https://cdn.example/b.jpg, c.jpg")
    ['https://cdn.example/w_100,h_100/a.jpg', 'https://cdn.example/b.jpg', ' c.jpg']
    """
    if "," not in cell:
        return [cell]
    pattern = r",(?=\s|\Z|[A-Za-z][A-Za-z0-9+.-]*://)" if "://" in cell else ","
    return re.split(pattern, cell)
