"""Why something is recommended: a code for programs, and a few words for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from catalog.models import Product
from search.vocabulary import folded

ReasonCode = Literal[
    "same_item_other_color",
    "looks_alike",
    "same_size",
    "size_available",
    "near_price",
    "cheaper",
    "same_brand",
    "in_stock",
]
REASON_CODES: tuple[ReasonCode, ...] = get_args(ReasonCode)

NEAR_PRICE = 1.2
"""Prices whose quotient is at most this are near each other."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason."""

    code: ReasonCode
    text: str


def reasons_for(
    product: Product,
    *,
    is_same_item: bool,
    looks_alike: bool,
    size_code: Literal["same_size", "size_available"] | None,
    price_ratio: float | None,
    is_same_brand: bool,
) -> tuple[Reason, ...]:
    """The reasons that hold for an alternative, the weightiest first.

    Args:
        product: The alternative, which is in stock.
        is_same_item: It is of the same item group.
        looks_alike: Its verdict is not none.
        size_code: How it comes in the size wanted; None where it does not, or where that is not known.
        price_ratio: Its price divided by that of the product it stands for; None where they cannot be compared.
        is_same_brand: Whether the brands are the same.
    """
    found: list[Reason] = []
    if is_same_item:
        color = f", in {product.color}" if product.color else ""
        found.append(Reason("same_item_other_color", f"The same item in another color{color}."))
    elif looks_alike:
        found.append(Reason("looks_alike", "Looks alike."))
    if size_code == "same_size":
        found.append(Reason("same_size", f"Comes in the same size, {product.size}."))
    elif size_code == "size_available":
        found.append(Reason("size_available", f"Its size covers the one wanted: {product.size}."))
    if price_ratio is not None and 1 / NEAR_PRICE <= price_ratio <= NEAR_PRICE:
        found.append(Reason("near_price", "Costs about the same."))
    if price_ratio is not None and price_ratio < 1:
        found.append(Reason("cheaper", f"Costs {_percent(1 - price_ratio)} less."))
    if is_same_brand:
        found.append(Reason("same_brand", f"Also by {product.brand.strip()}."))
    found.append(Reason("in_stock", "Can be bought now."))
    return tuple(found)


def same_brand(one: Product, other: Product) -> bool:
    """Whether both have a brand, and the same."""
    return bool(folded(one.brand)) and folded(one.brand) == folded(other.brand)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "a little"
