"""Where on the body things are worn: nobody wears two pairs of trousers."""

from __future__ import annotations

from collections.abc import Iterable

from segmentation.taxonomy import CATEGORIES

_LEGS, _SHIRT, _SWEATER, _COAT, _HEAD, _LEGWEAR = "legs", "shirt", "sweater", "coat", "head", "legwear"

_LAYERS: dict[str, tuple[str, ...]] = {
    "shirt, blouse": (_SHIRT,),
    "top, t-shirt, sweatshirt": (_SHIRT,),
    "sweater": (_SWEATER,),
    "cardigan": (_SWEATER,),
    "vest": (_SWEATER,),
    "jacket": (_COAT,),
    "coat": (_COAT,),
    "cape": (_COAT,),
    "pants": (_LEGS,),
    "shorts": (_LEGS,),
    "skirt": (_LEGS,),
    "dress": (_LEGS, _SHIRT),
    "jumpsuit": (_LEGS, _SHIRT),
    "hat": (_HEAD,),
    "headband, head covering, hair accessory": (_HEAD,),
    "leg warmer": (_LEGWEAR,),
    "tights, stockings": (_LEGWEAR,),
    "sock": (_LEGWEAR,),
}
"""A shirt, a sweater and a coat are worn over each other; what is not listed has a place of its own."""

GARMENT_IDS = frozenset(category.id for category in CATEGORIES if category.is_garment)

_PLACES: dict[int, frozenset[str]] = {
    category.id: frozenset(_LAYERS.get(category.name, (category.name,)))
    for category in CATEGORIES
    if category.is_garment
}


def places_of(category_ids: Iterable[int]) -> frozenset[str]:
    """Where things of these categories are worn; parts of garments (sleeves, pockets) are nowhere.

    >>> sorted(places_of([10])), sorted(places_of([6, 23])), places_of([31])
    (['legs', 'shirt'], ['legs', 'shoe'], frozenset())
    """
    return frozenset().union(*(_PLACES.get(category_id, frozenset()) for category_id in category_ids))


def go_together(category_id: int, taken: frozenset[str]) -> bool:
    """Whether something of a category can be worn where some places are taken.

    >>> go_together(4, places_of([10])), go_together(7, places_of([6])), go_together(31, frozenset())
    (True, False, False)
    """
    places = places_of([category_id])
    return bool(places) and not places & taken
