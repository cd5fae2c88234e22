"""The iMaterialist (Fashion) 2019 taxonomy: 27 apparel objects and 19 garment parts.

Ids are the competition's (0..45). A model's class is `id + 1`, because class 0 is the background.
Source: label_descriptions.json of the iMaterialist (Fashion) 2019 competition at FGVC6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

N_CATEGORIES = 46
N_GARMENTS = 27
N_ATTRIBUTES = 92

_BY_SUPERCATEGORY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("upperbody", ("shirt, blouse", "top, t-shirt, sweatshirt", "sweater", "cardigan", "jacket", "vest")),
    ("lowerbody", ("pants", "shorts", "skirt")),
    ("wholebody", ("coat", "dress", "jumpsuit", "cape")),
    ("head", ("glasses", "hat", "headband, head covering, hair accessory")),
    ("neck", ("tie",)),
    ("arms and hands", ("glove", "watch")),
    ("waist", ("belt",)),
    ("legs and feet", ("leg warmer", "tights, stockings", "sock", "shoe")),
    ("others", ("bag, wallet", "scarf", "umbrella")),
    ("garment parts", ("hood", "collar", "lapel", "epaulette", "sleeve", "pocket", "neckline")),
    ("closures", ("buckle", "zipper")),
    (
        "decorations",
        ("applique", "bead", "bow", "flower", "fringe", "ribbon", "rivet", "ruffle", "sequin", "tassel"),
    ),
)


@dataclass(frozen=True, slots=True)
class Category:
    """One class of the taxonomy."""

    id: int
    name: str
    supercategory: str

    @property
    def slug(self) -> str:
        """The name as a URL writes it.

        >>> Category(0, "shirt, blouse", "upperbody").slug
        'shirt-blouse'
        """
        return _slug(self.name)

    @property
    def is_garment(self) -> bool:
        """Whether this is an apparel object (true) or a part of one (false)."""
        return self.id < N_GARMENTS


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


CATEGORIES: tuple[Category, ...] = tuple(
    Category(index, name, group)
    for index, (group, name) in enumerate((group, name) for group, names in _BY_SUPERCATEGORY for name in names)
)

_BY_SLUG = {category.slug: category for category in CATEGORIES}
_BY_WORD = {
    _slug(word): category for category in reversed(CATEGORIES) for word in category.name.split(",") if word.strip()
}

# What a detector, or two people, may call by different names. Symmetric; a category is always compatible with itself.
_LOOKALIKES: tuple[frozenset[int], ...] = (
    frozenset({0, 1, 2, 3, 4, 5, 9, 12}),  # everything worn above the waist, coats and capes included
    frozenset({6, 7, 21, 20}),  # trousers, shorts, tights, leg warmers
    frozenset({8, 10}),  # skirt, dress
    frozenset({9, 10}),  # coat, dress
    frozenset({0, 10}),  # shirt, shirt dress
    frozenset({1, 10}),  # top, dress
    frozenset({10, 11}),  # dress, jumpsuit
    frozenset({6, 11}),  # trousers, jumpsuit
    frozenset({7, 8}),  # shorts, skirt
    frozenset({14, 15}),  # hat, headband
    frozenset({21, 22, 20}),  # tights, socks, leg warmers
    frozenset({12, 25}),  # cape, scarf
    frozenset({16, 25}),  # tie, scarf
)


def category_by_id(category_id: int) -> Category:
    """Look a category up by its competition id.

    Raises:
        KeyError: `category_id` is not in 0..45.

    >>> category_by_id(4).name
    'jacket'
    """
    if not 0 <= category_id < N_CATEGORIES:
        raise KeyError(f"no category {category_id}: ids run from 0 to {N_CATEGORIES - 1}")
    return CATEGORIES[category_id]


def find_category(text: str) -> Category | None:
    """Find a category by id, slug, full name, or one of the words of its name; None where nothing matches.

    >>> find_category("T-Shirt").name
    'top, t-shirt, sweatshirt'
    >>> find_category("23").name
    'shoe'
    >>> find_category("spaceship") is None
    True
    """
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,2}", text):
        return CATEGORIES[int(text)] if int(text) < N_CATEGORIES else None
    slug = _slug(text)
    found = _BY_SLUG.get(slug)
    return found if found is not None else _BY_WORD.get(slug)


def compatible_category_ids(category_id: int) -> frozenset[int]:
    """Categories whose garments may answer a query of this category: itself and its look-alikes.

    >>> sorted(compatible_category_ids(23))
    [23]
    >>> sorted(compatible_category_ids(8))
    [7, 8, 10]
    """
    return frozenset({category_id}).union(*(group for group in _LOOKALIKES if category_id in group))
