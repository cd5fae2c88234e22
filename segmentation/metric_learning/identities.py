"""What a source of identity gives: photos of things, and which of them are the same thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from segmentation.taxonomy import category_by_id, find_category
from segmentation.types import BoxXyxyPx, MaskRLE

FEED, STREET, DRAWN = "feed", "street", "drawn"
"""Kinds of sources."""

# What aisles of shops are called where it is not a category's own word; singular, lower case.
_AISLE_WORDS = {
    **dict.fromkeys(("hoodie", "sweatshirt", "tee", "tank", "bra", "long sleeve", "polo", "jersey"), 1),
    **dict.fromkeys(("trouser", "jean", "leggings", "chino"), 6),
    **dict.fromkeys(("sneaker", "boot", "sandal", "heel", "footwear"), 23),
    **dict.fromkeys(("backpack", "handbag", "tote", "purse"), 24),
    **dict.fromkeys(("parka", "overcoat", "trench"), 9),
    **dict.fromkeys(("cap", "beanie"), 14),
}


@dataclass(frozen=True, slots=True)
class IdentityItem:
    """One picture of one thing that is sold or worn.

    `product` and `group` are unique within the source; the colors of one product share their group. Without mask and
    box the photo is a packshot, and what it shows is looked for.
    """

    photo: Path
    product: str
    group: str
    category_id: int | None
    color: str
    aisle: str
    """What negatives are hard within: a super-category, or the shop's own word."""
    mask: MaskRLE | None = None
    box_xyxy_px: BoxXyxyPx | None = None


class IdentitySource(Protocol):
    """A folder that knows which of its pictures show the same thing."""

    @property
    def name(self) -> str:
        """The folder's name."""

    @property
    def kind(self) -> str:
        """FEED, STREET or DRAWN."""

    def items(self) -> Iterator[IdentityItem]:
        """All pictures, in an order that never changes.

        Raises:
            AnnotationError: The folder's files are wrong.
        """


def category_of_words(words: str) -> int | None:
    """The category a shop's words mean, the last of a path (`Women > Tops > Tees`) first; None where none is known.

    >>> category_of_words("Women > Jackets"), category_of_words("Hoodies & Sweatshirts"), category_of_words("Gifts")
    (4, 1, None)
    """
    for part in reversed(words.split(">")):
        for word in part.lower().replace("&", ",").split(","):
            for form in _forms(word.strip()):
                known = find_category(form) if form else None
                if known is not None:
                    return known.id
                if form in _AISLE_WORDS:
                    return _AISLE_WORDS[form]
    return None


def aisle_of(category_id: int | None, words: str) -> str:
    """See `IdentityItem.aisle`."""
    return words.strip().lower() if category_id is None else category_by_id(category_id).supercategory


def _forms(word: str) -> tuple[str, ...]:
    return (word, word.removesuffix("es"), word.removesuffix("s"))
