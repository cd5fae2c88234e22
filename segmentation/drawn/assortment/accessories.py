"""Glasses, hats, ties, watches, belts, socks, shoes, bags, scarves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numpy.random import Generator

from segmentation.drawn.assortment.designs import PLAIN, Design, Gender, pick
from segmentation.drawn.cuts import Accessory, Cut
from segmentation.drawn.fabric import Material
from segmentation.drawn.patterns import Pattern

# Written like a table: the formatter would put every word on its own line.
# fmt: off


def accessory_buyer(
    category_id: int,
    shelf: str,
    kinds: dict[str, tuple[str, Sequence[Material], Sequence[Pattern], Gender | None]],
    sizes: tuple[float, float] = (1.0, 1.0),
) -> Callable[[Generator], Design]:
    """A buyer for accessories: kind -> (noun, materials, patterns, gender or None for either)."""

    def choose(rng: Generator) -> Design:
        kind = pick(rng, sorted(kinds))
        noun, materials, patterns, gender = kinds[kind]
        cut = Accessory(kind, float(rng.uniform(*sizes)), int(rng.integers(12)))
        if category_id == 13:
            noun = f"{noun} {'sunglasses' if cut.detail % 2 else 'glasses'}"
        pattern = pick(rng, patterns)
        who: Gender = pick(rng, ("female", "male", "unisex", "unisex")) if gender is None else gender
        return Design(
            Cut(category_id, noun, shelf, accessory=cut), pick(rng, materials), pattern, who,
            8.0 if pattern == "plaid" else 2.0,
        )

    return choose


ACCESSORY_BUYERS: dict[int, Callable[[Generator], Design]] = {
    13: accessory_buyer(
        13,
        "Eyewear",
        {
            "round": ("round", ("nylon", "metal"), PLAIN, None), "aviator": ("aviator", ("metal",), PLAIN, None),
            "cat_eye": ("cat-eye", ("nylon",), ("plain", "leopard"), "female"),
            "square": ("square", ("nylon",), PLAIN, None),
        },
    ),
    14: accessory_buyer(
        14,
        "Hats",
        {
            "beanie": ("beanie hat", ("knit",), ("plain", "plain", "striped", "melange"), None),
            "cap": ("baseball cap", ("cotton", "denim"), ("plain", "plain", "camo"), None),
            "fedora": ("fedora hat", ("wool",), PLAIN, None),
            "sun_hat": ("straw sun hat", ("straw",), PLAIN, "female"),
            "bucket_hat": ("bucket hat", ("cotton", "denim"), ("plain", "camo", "gingham"), None),
        },
    ),
    16: accessory_buyer(
        16,
        "Ties",
        {
            "tie": ("tie", ("satin", "wool"), ("plain", "striped", "dots", "plaid", "houndstooth"), "male"),
            "bow_tie": ("bow tie", ("satin",), ("plain", "dots", "plaid"), "male"),
        },
        (0.85, 1.15),
    ),
    18: accessory_buyer(
        18,
        "Watches",
        {
            "watch": ("wrist watch", ("leather", "metal", "nylon"), PLAIN, None),
            "square_watch": ("square wrist watch", ("leather", "metal"), PLAIN, None),
        },
    ),
    19: accessory_buyer(
        19,
        "Belts",
        {
            "belt": ("belt", ("leather", "suede"), PLAIN, None),
            "round_belt": ("ring-buckle belt", ("leather",), PLAIN, "female"),
        },
        (0.75, 1.2),
    ),
    22: accessory_buyer(
        22, "Socks", {"sock": ("socks", ("knit",), ("plain", "striped", "striped", "dots", "cable"), None)},
        (0.25, 1.0),
    ),
    23: accessory_buyer(
        23,
        "Shoes",
        {
            "sneaker": ("sneakers", ("leather", "cotton", "suede"), PLAIN, None),
            "high_top": ("high-top sneakers", ("cotton", "leather"), ("plain", "plain", "camo"), None),
            "chelsea_boot": ("chelsea boots", ("leather", "suede"), PLAIN, None),
            "lace_boot": ("lace-up boots", ("leather", "suede"), PLAIN, None),
            "heeled_boot": ("heeled ankle boots", ("leather", "suede"), PLAIN, "female"),
            "tall_boot": ("knee-high boots", ("leather", "suede"), PLAIN, "female"),
            "pump": ("high-heel pumps shoes", ("leather", "satin"), ("plain", "plain", "leopard"), "female"),
            "loafer": ("loafers shoes", ("leather", "suede"), PLAIN, None),
            "ballet": ("ballet flats shoes", ("leather",), PLAIN, "female"),
            "sandal": ("sandals", ("leather",), PLAIN, "female"),
        },
    ),
    24: accessory_buyer(
        24,
        "Bags",
        {
            "tote": ("tote bag", ("linen", "leather", "cotton"), ("plain", "plain", "striped", "floral"), None),
            "handbag": ("handbag", ("leather",), PLAIN, "female"),
            "crossbody": ("crossbody bag", ("leather", "suede"), PLAIN, "female"),
            "backpack": (
                "backpack bag", ("nylon", "cotton", "leather"), ("plain", "plain", "camo", "color_block"), None,
            ),
            "clutch": ("clutch bag", ("leather", "satin"), ("plain", "leopard"), "female"),
            "bucket": ("bucket bag", ("leather", "suede"), PLAIN, "female"),
        },
        (0.88, 1.08),
    ),
    25: accessory_buyer(
        25,
        "Scarves",
        {
            "scarf": (
                "scarf", ("wool", "knit", "satin"), ("plain", "plaid", "plaid", "striped", "leopard", "houndstooth"),
                None,
            ),
        },
        (0.75, 1.1),
    ),
}
"""By iMaterialist category."""
