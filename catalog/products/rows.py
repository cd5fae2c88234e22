"""A product as a client writes it, checked as a feed's row is and turned into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from catalog.access.audit import storable
from catalog.downloads.roots import check_link, web_address
from catalog.errors import AddressRefused, InvalidProduct
from catalog.feeds.cells import (
    RECORD_CHARS,
    CellRefused,
    check_length,
    check_storable,
    check_web_link,
    parse_availability,
)
from catalog.feeds.rows import FeedRow
from catalog.feeds.vocabulary import TEXT_COLUMNS, prices_of
from catalog.limits import ADDITIONAL_IMAGES, DESCRIPTION_CHARS
from catalog.models import Product
from catalog.money import in_decimals_of

REQUIRED = ("title", "link", "availability", "price")
"""Of a product that is made or replaced, as of a feed's row; images may come later."""
CHARS = RECORD_CHARS | {"description": DESCRIPTION_CHARS, "product_id": RECORD_CHARS["id"]}
MAX_EXTRA = 100
EXTRA_NAME_CHARS, EXTRA_CHARS = 100, 5000


def whole_row(product_id: str, values: Mapping[str, Any]) -> FeedRow:
    """The row of a product of which all is given; what is left out is empty.

    Args:
        product_id: The retailer's own.
        values: Members as `catalog.api.product_fields.ProductFields` names and types them.

    Raises:
        InvalidProduct: Something is missing or wrong; it is named.
    """
    for name in REQUIRED:
        if values.get(name) in (None, ""):
            raise InvalidProduct(name, "This field is required.")
    return _row(product_id, values)


def changed_row(known: Product, values: Mapping[str, Any]) -> FeedRow:
    """The row of a known product of which some is given; null empties a member, what is left out stays.

    Raises:
        InvalidProduct: As `whole_row`.
    """
    for name in REQUIRED:
        if name in values and values[name] in (None, ""):
            raise InvalidProduct(name, "This field cannot be emptied.")
    told = {name: getattr(known, name) for name in (*TEXT_COLUMNS, "availability", "currency")}
    told |= {name: _amount(getattr(known, name), known.currency) for name in ("price", "sale_price")}
    return _row(known.external_id, told | {"extra": known.extra} | dict(values))


def _amount(amount: Decimal | None, currency: str) -> str:
    return "" if amount is None else format(in_decimals_of(amount, currency), "f")


def _row(product_id: str, values: Mapping[str, Any]) -> FeedRow:
    try:
        _check_texts({"product_id": product_id, **{name: _text(values, name) for name in TEXT_COLUMNS}})
        if _text(values, "link"):
            check_web_link("link", _text(values, "link"))
        row = FeedRow(
            line=0,
            external_id=product_id,
            availability=parse_availability(_text(values, "availability")),
            currency="",
            price=None,
            sale_price=None,
            image_links=_image_links(values.get("image_links")),
            extra=_extra(values.get("extra")),
            **{name: _text(values, name) for name in TEXT_COLUMNS},
        )
        if not _text(values, "price"):
            return row
        price, sale_price, currency = prices_of(
            _text(values, "price"), _text(values, "sale_price"), _text(values, "currency").upper()
        )
    except CellRefused as refused:
        raise InvalidProduct(refused.column, refused.reason) from refused
    return replace(row, price=price, sale_price=sale_price, currency=currency)


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return "" if value is None else str(value).strip()


def _check_texts(texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        check_storable(name, text, "utf-8")
        check_length(name, text, CHARS)


def _image_links(links: Sequence[str] | None) -> tuple[str, ...]:
    """The links, none twice: an upload has no folder that they could start from.

    Raises:
        InvalidProduct: One is no web address that would be fetched, or there are too many.
    """
    given = tuple(dict.fromkeys(link.strip() for link in links or ()))
    if len(given) > ADDITIONAL_IMAGES + 1:
        raise InvalidProduct("image_links", f"Give at most {ADDITIONAL_IMAGES + 1} links.")
    for position, link in enumerate(given):
        try:
            address = web_address(link)
            if address is None:
                raise AddressRefused("url_refused", "it is no web address, and files go to the product's images")
            check_link(address)
        except (AddressRefused, ValueError) as error:
            raise InvalidProduct(f"image_links.{position}", f"{str(error).capitalize()}.") from error
    return given


def _extra(extra: Mapping[str, str] | None) -> dict[str, str] | None:
    kept = {name.strip(): text for name, text in (extra or {}).items() if name.strip() and text.strip()}
    if len(kept) > MAX_EXTRA or any(len(n) > EXTRA_NAME_CHARS or len(t) > EXTRA_CHARS for n, t in kept.items()):
        limits = f"{MAX_EXTRA} members of {EXTRA_CHARS} characters, their names of {EXTRA_NAME_CHARS}"
        raise InvalidProduct("extra", f"Give at most {limits}.")
    if any(storable(text) != text for pair in kept.items() for text in pair):
        raise InvalidProduct("extra", "It holds a NUL character or half of a character.")
    return kept if kept else None
