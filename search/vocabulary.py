"""The names by which products are filtered: one spelling each, and a number that stands for it in the index."""

from __future__ import annotations

import hashlib
import math
from decimal import Decimal
from functools import lru_cache

from catalog.money import decimals_of
from search.errors import InvalidFilter
from search.index.base import NO_VALUE
from segmentation.colors import COLOR_NAMES

GENDER_WORDS: dict[str, tuple[str, ...]] = {
    "female": ("female", "females", "woman", "women", "womens", "women's", "lady", "ladies", "girl", "girls", "f", "w"),
    "male": ("male", "males", "man", "men", "mens", "men's", "gentleman", "gentlemen", "boy", "boys", "m"),
    "unisex": ("unisex", "uni", "all", "both", "everyone", "neutral", "gender neutral", "gender-neutral", "u"),
}
"""The three genders of Google Merchant's specification, and what feeds write for them."""

AGE_GROUP_WORDS: dict[str, tuple[str, ...]] = {
    "adult": ("adult", "adults", "grown-up", "teen", "teens", "teenager", "junior"),
    "kids": ("kids", "kid", "child", "children", "youth", "big kids", "little kids"),
    "toddler": ("toddler", "toddlers"),
    "infant": ("infant", "infants", "baby", "babies"),
    "newborn": ("newborn", "newborns"),
}
"""The age groups of Google Merchant's specification (teens count as adults there), and what feeds write for them."""

COLOR_IDS = {name: number for number, name in enumerate(COLOR_NAMES)}

_AGE_GROUP_OF_WORD = {word: age_group for age_group, words in AGE_GROUP_WORDS.items() for word in words}
_GENDER_OF_WORD = {word: gender for gender, words in GENDER_WORDS.items() for word in words}
_COLOR_OF_WORD = {**{name: name for name in COLOR_NAMES}, "grey": "gray"}
_MAX_TAG = 2**63 - 1
MAX_AMOUNT = Decimal(10) ** 15
"""More than any price in the records."""


def folded(text: str) -> str:
    """Without case, without spaces at the ends, with single spaces within.

    >>> folded("  Weiß &  Söhne ") == folded("WEISS & SÖHNE")
    True
    """
    return " ".join(text.casefold().split())


def gender_of(word: str) -> str | None:
    """The gender that a feed's word means, or None.

    >>> gender_of(" Women's "), gender_of("robots")
    ('female', None)
    """
    return _GENDER_OF_WORD.get(folded(word))


def age_group_of(word: str) -> str | None:
    """The age group that a feed's word means, or None; no word is for adults, as Google reads it.

    >>> age_group_of("Children"), age_group_of(""), age_group_of("robots")
    ('kids', 'adult', None)
    """
    return _AGE_GROUP_OF_WORD.get(folded(word)) if word.strip() else "adult"


def known_gender(word: str) -> str:
    """The gender that a word means.

    Raises:
        InvalidFilter: None.
    """
    gender = gender_of(word)
    if gender is None:
        raise InvalidFilter(f'"{word}" is no gender; use one of {", ".join(GENDER_WORDS)}')
    return gender


def known_color(name: str) -> str:
    """A color as `COLOR_NAMES` spells it.

    Raises:
        InvalidFilter: It is none of them.
    """
    color = _COLOR_OF_WORD.get(folded(name))
    if color is None:
        raise InvalidFilter(f'"{name}" is no color; use one of {", ".join(COLOR_NAMES)}')
    return color


def known_currency(code: str) -> str:
    """A currency's code as ISO 4217 spells it.

    Raises:
        InvalidFilter: There is no such currency.
    """
    currency = code.strip().upper()
    if decimals_of(currency) is None:
        raise InvalidFilter(f'"{code}" is not a currency of ISO 4217')
    return currency


def check_price(name: str, price: Decimal | None) -> None:
    """Refuses a bound that is no amount.

    Raises:
        InvalidFilter: It is negative, not finite or beyond all prices.
    """
    if price is not None and not (price.is_finite() and 0 <= price <= MAX_AMOUNT):
        raise InvalidFilter(f"{name} must be an amount of 0 or more")


def hundredths(amount: Decimal) -> int:
    """Rounded down, for prices and bounds alike: so whatever passes exactly passes rounded.

    >>> hundredths(Decimal("19.999"))
    1999
    """
    return min(math.floor(amount * 100), _MAX_TAG)


@lru_cache(maxsize=65536)
def stable_id(name: str) -> int:
    """A number of 63 bits that stands for a name in every process, `NO_VALUE` for no name.

    >>> stable_id("acme") == stable_id("acme") >= 0, stable_id("")
    (True, -1)
    """
    if not name:
        return NO_VALUE
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 1
