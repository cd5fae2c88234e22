"""The cells of a Google Merchant row: each parser returns a clean value or says what is wrong with the cell."""

from __future__ import annotations

import re
from decimal import Decimal
from urllib.parse import urlsplit

from catalog import limits
from catalog.feeds.text import UNDECODED
from catalog.models import Availability
from catalog.money import decimals_of, in_decimals_of

TEXT_LIMITS_CHARS = {
    "id": limits.ID_CHARS,
    "title": limits.TITLE_CHARS,
    "description": limits.DESCRIPTION_CHARS,
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
AVAILABILITIES = {
    **{value: value for value in Availability.values},
    "pre_order": Availability.PREORDER.value,
    "back_order": Availability.BACKORDER.value,
}
PRICE = re.compile(r"(?:(?P<before>[A-Za-z]{3})\s*)?(?P<amount>[+-]?[0-9]+(?:\.[0-9]+)?)(?:\s*(?P<after>[A-Za-z]{3}))?")


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


def check_text(column: str, text: str, encoding: str) -> None:
    """Refuse text that no database keeps, or that is longer than its column's limit.

    Raises:
        CellRefused: See above.
    """
    if not text.isascii() and UNDECODED.search(text):
        raise CellRefused(column, f"holds bytes that are not {encoding.removesuffix('-sig')} text")
    if "\0" in text:
        raise CellRefused(column, "holds a NUL character")
    limit = TEXT_LIMITS_CHARS.get(column)
    if limit is not None and len(text) > limit:
        raise CellRefused(column, f"has {len(text)} characters; at most {limit} are allowed")


def parse_price(column: str, text: str) -> tuple[Decimal, str]:
    """An amount and its ISO 4217 code from text like "15.00 USD"; no locale has a say.

    >>> parse_price("price", "15.00 USD")
    (Decimal('15.00'), 'USD')

    Raises:
        CellRefused: Not a number, negative, decimals its currency does not have, or an unknown currency.
    """
    if "," in text:
        raise CellRefused(
            column, f"{_quote(text)}: write decimals with a point and no thousands separator: 1234.50 EUR"
        )
    match = PRICE.fullmatch(text)
    if match is None:
        raise CellRefused(column, f"{_quote(text)} is not a price like 15.00 USD")
    codes = [code.upper() for code in match.group("before", "after") if code]
    if len(codes) != 1:
        raise CellRefused(column, f"{_quote(text)} needs one currency, like 15.00 USD")
    amount, currency = Decimal(match["amount"]), codes[0]
    if amount < 0:
        raise CellRefused(column, f"{_quote(text)} is negative")
    if decimals_of(currency) is None:
        raise CellRefused(column, f"{currency} is not a currency of ISO 4217")
    if amount.adjusted() >= limits.PRICE_DIGITS - limits.PRICE_DECIMALS:
        raise CellRefused(column, f"{_quote(text)} is too large")
    exact = in_decimals_of(amount, currency)
    if exact != amount:
        raise CellRefused(column, f"{_quote(text)}: {currency} has {decimals_of(currency)} decimals")
    return exact, currency


def parse_availability(text: str) -> str:
    """One of `Availability`, written with spaces, hyphens or underscores in any case.

    >>> parse_availability("In Stock")
    'in_stock'

    Raises:
        CellRefused: Another word.
    """
    word = re.sub(r"[\s_-]+", "_", text.lower())
    if word not in AVAILABILITIES:
        raise CellRefused("availability", f"{_quote(text)} is none of {', '.join(Availability.values)}")
    return AVAILABILITIES[word]


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
        raise CellRefused(column, f"{_quote(text)} is not an http or https address")


def parse_image_links(main: str, additional: list[str]) -> tuple[str, ...]:
    """The main image and the additional ones (cells of comma-separated links), none twice.

    Raises:
        CellRefused: More than ten additional images, or one whose link is too long.
    """
    links = [link for cell in additional for link in map(str.strip, cell.split(",")) if link]
    if len(links) > limits.ADDITIONAL_IMAGES:
        reason = f"names {len(links)} images; at most {limits.ADDITIONAL_IMAGES} are allowed"
        raise CellRefused("additional_image_link", reason)
    if any(len(link) > limits.LINK_CHARS for link in links):
        raise CellRefused("additional_image_link", f"a link has more than {limits.LINK_CHARS} characters")
    return tuple(dict.fromkeys([main, *links]))


def _quote(text: str) -> str:
    return f'"{text[:40]}…"' if len(text) > 40 else f'"{text}"'
