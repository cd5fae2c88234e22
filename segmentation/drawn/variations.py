"""Products whose cut, pattern and color vary independently, so that what each does to an embedding can be told apart.

The shop of `products` sells what shops sell: jeans are blue and plain. Here every cut is made in several patterns, each
of them in the same several colors, whatever a buyer would say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.random import Generator

from segmentation.drawn.assortment import BUYERS
from segmentation.drawn.assortment.designs import Design, pick
from segmentation.drawn.palette import PALETTE
from segmentation.drawn.patterns import Pattern
from segmentation.drawn.products import Product, dyed, trim_of

VARIATION_STREAM = 6
"""First number after the seed in the seed sequence of these products (`products.PRODUCT_STREAM` has another)."""
VARIED_CATEGORIES: tuple[int, ...] = (10, 1, 6, 8, 0, 2, 9, 4, 7, 3, 11, 5)
"""Clothes that can be made of any cloth, in the order in which cuts take turns."""
VARIED_PATTERNS: tuple[Pattern, ...] = (
    "plain",
    "striped",
    "vertical_stripe",
    "gingham",
    "plaid",
    "dots",
    "floral",
    "camo",
    "leopard",
    "houndstooth",
    "cable",
    "pinstripe",
)
"""They look alike on every cut, as a color block does not, and differ to the eye, as melange and plain do not."""
PATTERNS_A_CUT = 3
COLORS_A_CUT = 4
PRODUCTS_A_CUT = PATTERNS_A_CUT * COLORS_A_CUT


@dataclass(frozen=True, slots=True)
class VariedProduct:
    """A product and the three things that were chosen independently."""

    product: Product
    cut_number: int
    """Equal for products of one cut."""
    pattern: Pattern
    color_name: str
    """A name of `palette.PALETTE`."""


def varied_products(seed: int, count: int) -> list[VariedProduct]:
    """The first `count` products of a seed: `PRODUCTS_A_CUT` of each cut, pattern by pattern, color by color."""
    return list(islice(_stream(seed), count))


def _stream(seed: int) -> Iterator[VariedProduct]:
    cut_number = 0
    while True:
        yield from _of_one_cut(seed, cut_number)
        cut_number += 1


def _of_one_cut(seed: int, cut_number: int) -> list[VariedProduct]:
    rng = np.random.default_rng([seed, VARIATION_STREAM, cut_number])
    bought = BUYERS[VARIED_CATEGORIES[cut_number % len(VARIED_CATEGORIES)]](rng)
    patterns = [VARIED_PATTERNS[int(n)] for n in rng.permutation(len(VARIED_PATTERNS))[:PATTERNS_A_CUT]]
    colors = [str(name) for name in rng.permutation(sorted(PALETTE))[:COLORS_A_CUT]]
    products: list[VariedProduct] = []
    for pattern in patterns:
        design, look = _in_pattern(bought, pattern, rng), int(rng.integers(1 << 20))
        for color in colors:
            number = cut_number * PRODUCTS_A_CUT + len(products)
            product = _product(design, color, look, cut_number, number)
            products.append(VariedProduct(product, cut_number, pattern, color))
    return products


def _in_pattern(design: Design, pattern: Pattern, rng: Generator) -> Design:
    return replace(design, pattern=pattern, period=pick(rng, (8.0, 16.0) if pattern == "plaid" else (2.0, 4.0, 8.0)))


def _product(design: Design, color: str, look: int, cut_number: int, number: int) -> Product:
    fabric = dyed(design, PALETTE, color, look)
    code = f"V{cut_number:05d}"
    name = f"{code}-{design.pattern}-{color.lower().replace(' ', '-')}"
    trim = trim_of(design, fabric, look)
    return Product(name, code, design.cut, fabric, trim, color, design.gender, number, cut_number)
