"""Which garment of a catalog photo is the product: read from what the feed calls it.

A packshot of a hoodie worn by a model shows trousers and shoes that are not for sale. The feed's own words
(`product_type`, `google_product_category`, `title`; English) say which categories of the taxonomy are.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Protocol, TypeVar

from search.product_words import GOOGLE_CATEGORY_IDS, PHRASES, WHOLE_SEGMENTS
from segmentation.taxonomy import CATEGORIES, compatible_category_ids
from segmentation.types import BoxXyxyPx

MAX_PHRASE_WORDS = max(len(phrase.split()) for phrase in PHRASES)
COMPATIBLE_WEIGHT = 0.25
"""How much a garment of a compatible category weighs against one of the named category itself: the segmenter may call
a hoodie a jacket, but the shirt under a jacket is not the jacket, so it must be four times as large to win."""


class Seen(Protocol):
    """A garment as the segmenter describes it or as the records keep it."""

    @property
    def category_id(self) -> int | None:
        """Taxonomy id."""
        ...

    @property
    def score(self) -> float:
        """The segmenter's confidence, 0..1."""
        ...

    @property
    def box_xyxy_px(self) -> BoxXyxyPx:
        """Where it is."""
        ...


SeenT = TypeVar("SeenT", bound=Seen)

_WORD = re.compile(r"[a-z0-9]+")
_ITEM_BREAK = re.compile(r"&|,|/|;|\band\b|\bor\b")
_CLAUSE_BREAK = re.compile(r"\b(?:with|in|for|from|by|featuring)\b|[,;:(|]|\s[-–—]\s")
_SCARVES = {"scarves": "scarf", "headscarves": "headscarf"}
_IE_NOUNS = frozenset(["hoodie", "beanie", "bootie", "footie", "onesie", "necktie", "bowtie", "pullie", "cardie"])
_GARMENT_IDS = frozenset(category.id for category in CATEGORIES if category.is_garment)


def product_category_ids(product_type: str, google_product_category: str, title: str) -> frozenset[int] | None:
    """Reads what a product is from the feed's words.

    The shop's own `product_type` counts first, then Google's taxonomy; the title narrows what they say
    ("Outerwear" and "Denim Jacket" is a jacket) and speaks alone where both are silent.

    Args:
        product_type: The shop's category, possibly a path such as ``Women > Dresses > Maxi``.
        google_product_category: Google's category, as a path or as its number.
        title: The product's name.

    Returns:
        Ids of the taxonomy's categories that the product may be, or None where the words say nothing.

    >>> sorted(product_category_ids("Hoodies & Sweatshirts", "", "Hero Hoodie"))
    [1]
    >>> sorted(product_category_ids("", "Apparel & Accessories > Clothing", "Slim Fit Dress Shirt with Tie"))
    [0]
    >>> product_category_ids("Kitchen", "", "Teapot") is None
    True
    """
    named = _read_path(product_type)
    if not named:
        number = google_product_category.strip()
        named = GOOGLE_CATEGORY_IDS.get(number) or _read_path(google_product_category)
    titled = _read_title(title)
    if not named:
        return titled if titled else None
    return titled if titled and titled < named else named


def choose_product_garments(garments: Sequence[SeenT], category_ids: frozenset[int] | None) -> list[SeenT]:
    """Picks the garments of a catalog photo that are what is for sale.

    Where the feed's words say nothing, every garment counts (parts such as sleeves never do). Otherwise the heaviest
    garment (score times area) of a named or compatible category decides: is it of a named category, then all
    garments of named categories count (both shoes of a pair); is it of a compatible one, then all of its category.

    Args:
        garments: What the segmenter found in the photo.
        category_ids: Result of `product_category_ids`.

    Returns:
        The chosen garments in the given order; empty where none fits, so that the whole photo stands for the product.
    """
    if category_ids is None:
        return [garment for garment in garments if garment.category_id in _GARMENT_IDS]
    compatible = frozenset().union(*(compatible_category_ids(category_id) for category_id in category_ids))
    candidates = [garment for garment in garments if garment.category_id in category_ids | compatible]
    if not candidates:
        return []
    main = max(candidates, key=lambda garment: _weight(garment, category_ids))
    counting = category_ids if main.category_id in category_ids else frozenset({main.category_id})
    return [garment for garment in candidates if garment.category_id in counting]


def _weight(garment: Seen, category_ids: frozenset[int]) -> float:
    x_min, y_min, x_max, y_max = garment.box_xyxy_px
    share = 1.0 if garment.category_id in category_ids else COMPATIBLE_WEIGHT
    return share * garment.score * (x_max - x_min) * (y_max - y_min)


def _read_path(path: str) -> frozenset[int]:
    """The categories the most specific telling step of a ``A > B > C`` path names; within a step, each item counts."""
    for step in reversed(html.unescape(path).lower().split(">")):
        found = WHOLE_SEGMENTS.get(" ".join(step.split()))
        if found is None:
            found = frozenset().union(*(_read_head_noun(item) for item in _ITEM_BREAK.split(step)))
        if found:
            return found
    return frozenset()


def _read_title(title: str) -> frozenset[int]:
    """The categories the first telling clause of a title names: "Jacket with Hood" is a jacket."""
    for clause in _CLAUSE_BREAK.split(html.unescape(title).lower()):
        found = _read_head_noun(clause)
        if found:
            return found
    return frozenset()


def _read_head_noun(text: str) -> frozenset[int]:
    """The categories of the last known noun, as English puts it last: a shirt dress is a dress.

    >>> sorted(_read_head_noun("denim shirt dresses"))
    [10]
    """
    words = [_singular(word) for word in _WORD.findall(text.replace("'", ""))]
    found: frozenset[int] = frozenset()
    start = 0
    while start < len(words):
        for length in range(min(MAX_PHRASE_WORDS, len(words) - start), 0, -1):
            category_ids = PHRASES.get(" ".join(words[start : start + length]))
            if category_ids is not None:
                found = category_ids or found
                break
        else:
            length = 1
        start += length
    return found


def _singular(word: str) -> str:
    """The dictionary form of an English plural, roughly; pairs lose their s as well (pants -> pant).

    >>> [_singular(word) for word in ("dresses", "watches", "bodies", "shoes", "pants", "scarves", "dress")]
    ['dress', 'watch', 'body', 'shoe', 'pant', 'scarf', 'dress']
    """
    if word in _SCARVES:
        return _SCARVES[word]
    if len(word) > 4 and word.endswith("ies") and word[:-1] not in _IE_NOUNS:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us")):
        return word[:-1]
    return word
