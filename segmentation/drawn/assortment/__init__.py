"""What the drawn shop sells: for each category, the cuts and cloths a buyer may choose from."""

from __future__ import annotations

from collections.abc import Callable

from numpy.random import Generator

from segmentation.drawn.assortment.accessories import ACCESSORY_BUYERS
from segmentation.drawn.assortment.bottoms import pants_design, shorts_design, skirt_design
from segmentation.drawn.assortment.designs import Design
from segmentation.drawn.assortment.dresses import dress_design, jumpsuit_design
from segmentation.drawn.assortment.layers import coat_design, jacket_design, vest_design
from segmentation.drawn.assortment.tops import cardigan_design, shirt_design, sweater_design, tee_design

BUYERS: dict[int, Callable[[Generator], Design]] = {
    0: shirt_design,
    1: tee_design,
    2: sweater_design,
    3: cardigan_design,
    4: jacket_design,
    5: vest_design,
    6: pants_design,
    7: shorts_design,
    8: skirt_design,
    9: coat_design,
    10: dress_design,
    11: jumpsuit_design,
    **ACCESSORY_BUYERS,
}
"""Who chooses a design, by iMaterialist category."""

# fmt: off
CATEGORY_CYCLE: tuple[int, ...] = (
    0, 0, 1, 1, 1, 2, 2, 3, 4, 4, 5, 6, 6, 6, 7, 8, 8, 9, 9, 10, 10, 10, 11,
    13, 14, 16, 18, 19, 22, 23, 23, 23, 24, 24, 25,
)
# fmt: on
"""Categories of one run of product groups: every one at least once, what shops sell most more often."""
