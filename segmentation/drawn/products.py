"""Products of the drawn shop: an endless, seeded sequence of cuts, cloths and colors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from segmentation.drawn.assortment import BUYERS, CATEGORY_CYCLE
from segmentation.drawn.assortment.designs import Design, Gender
from segmentation.drawn.cuts import Cut
from segmentation.drawn.fabric import Fabric, Material, darker
from segmentation.drawn.palette import DEFAULT_PAIRING, HIDES, PAIRINGS, PALETTE, WORKWEAR_BLUES
from segmentation.drawn.patterns import Pattern, Rgb

PRODUCT_STREAM = 1
"""First number after the seed in the seed sequence of products; packshots and scenes use others."""
MAX_COLORS = 4


@dataclass(frozen=True, slots=True)
class Product:
    """One thing for sale: a cut in one fabric and color."""

    product_id: str
    item_group_id: str
    """Joins the colors of one cut."""
    cut: Cut
    fabric: Fabric
    trim: Rgb
    color_name: str
    gender: Gender
    number: int
    """Position in the catalog, from 0."""
    group_number: int

    @property
    def category_id(self) -> int:
        """The iMaterialist category."""
        return self.cut.category_id


def product_stream(seed: int) -> Iterator[Product]:
    """Every product of a seed, in catalog order; a longer catalog begins with the shorter one."""
    number = 0
    group = 0
    while True:
        for product in _product_group(seed, group, number):
            yield product
            number += 1
        group += 1


def first_products(seed: int, count: int) -> list[Product]:
    """The catalog of `count` products of a seed."""
    return list(islice(product_stream(seed), count))


def _product_group(seed: int, group: int, number: int) -> list[Product]:
    """All colors of one cut."""
    rng = np.random.default_rng([seed, PRODUCT_STREAM, group])
    category_id = _category_of_group(seed, group)
    design = BUYERS[category_id](rng)
    count = int(rng.choice([1, 2, 2, 3, 3, MAX_COLORS]))
    shades = dyes(design.material)
    names = [str(name) for name in rng.permutation(sorted(shades))[:count]]
    look = int(rng.integers(1 << 20))
    products = []
    for k, name in enumerate(names):
        fabric = dyed(design, shades, name, look)
        trim = trim_of(design, fabric, look)
        code = f"{design.cut.category_id:02d}{group:05d}"
        slug = name.lower().replace(" ", "-")
        products.append(
            Product(f"D{code}-{slug}", f"D{code}", design.cut, fabric, trim, name, design.gender, number + k, group)
        )
    return products


def _category_of_group(seed: int, group: int) -> int:
    """Each run of `len(CATEGORY_CYCLE)` groups holds every category, in an order of its own."""
    cycle, place = divmod(group, len(CATEGORY_CYCLE))
    order = np.random.default_rng([seed, PRODUCT_STREAM, 0, cycle]).permutation(len(CATEGORY_CYCLE))
    return CATEGORY_CYCLE[int(order[place])]


def dyes(material: Material) -> dict[str, Rgb]:
    """Colors a material is sold in."""
    if material == "denim":
        return WORKWEAR_BLUES
    if material in ("leather", "suede"):
        return HIDES
    if material == "metal":
        return {"Silver": (186, 189, 194), "Gold": (204, 170, 92), "Rose Gold": (206, 150, 128), "Black": (44, 44, 48)}
    if material == "straw":
        return {"Beige": (222, 200, 156), "Brown": (150, 108, 68), "Black": (52, 48, 46), "White": (236, 230, 214)}
    return PALETTE


def dyed(design: Design, shades: dict[str, Rgb], name: str, look: int) -> Fabric:
    """A design's cloth in a color of `shades`, with accents that go with it; `look` decides the pattern's details."""
    pick = np.random.default_rng([look, len(name), ord(name[0])])
    pairs = [pair for pair in PAIRINGS.get(name, DEFAULT_PAIRING) if pair != name]
    accents = [PALETTE[str(pair)] for pair in pick.permutation(pairs)[:2]]
    if design.pattern == "camo":
        accents = [darker(shades[name], 0.62), darker(PALETTE["Brown"], 1.1)]
    elif design.pattern == "leopard":
        accents = [PALETTE["Rust"] if name != "Rust" else PALETTE["Camel"], PALETTE["Black"]]
    elif design.pattern == "floral":
        bright = ["Pink", "Red", "Yellow", "Lilac", "Orange", "White", "Light Blue", "Fuchsia"]
        accents = [PALETTE[str(c)] for c in pick.permutation([b for b in bright if b != name])[:2]]
    ground = shades[name]
    jitter = pick.integers(-4, 5, 3)
    red, green, blue = (int(np.clip(c + j, 0, 255)) for c, j in zip(ground, jitter, strict=True))
    return Fabric(design.pattern, design.material, ((red, green, blue), accents[0], accents[1]), design.period, look)


def trim_of(design: Design, fabric: Fabric, look: int) -> Rgb:
    """The contrasting part's color: the accent for some looks, else a shade of the ground."""
    if design.cut.category_id == 18:
        return [(244, 243, 238), (36, 38, 44), (40, 62, 104), (226, 218, 200)][look % 4]
    if design.cut.category_id in (22, 23, 24, 14) or look % 5 == 0:
        return fabric.colors[1] if look % 3 else darker(fabric.ground, 0.8)
    return darker(fabric.ground, 0.86)


def is_patterned(pattern: Pattern) -> bool:
    """Whether a shopper would name the pattern."""
    return pattern not in ("plain", "melange")
