"""What goes with what: chooses one person's clothes from a catalog."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numpy.random import Generator

from segmentation.drawn.dressing import Outfit
from segmentation.drawn.products import Product

TOPS = frozenset({0, 1, 2})
LAYERS = frozenset({3, 4, 5, 9})


def choose_outfit(products: Sequence[Product], rng: Generator, *, female: bool) -> Outfit:
    """Clothes for one person of the given build."""
    closet = _Closet([p for p in products if p.gender in ("unisex", "female" if female else "male")], rng)
    slots, put = closet.slots, closet.put
    if female:
        put("dress", 0.34, lambda p: p.category_id in (10, 11))
    if "dress" not in slots:
        put("top", 1.0, lambda p: p.category_id in TOPS)
        put("bottom", 1.0, _bottom_chooser(rng, female=female))
        put("bottom", 1.0, lambda p: p.category_id in (6, 7) or (female and p.category_id == 8))
    put("outer", 0.45 if "dress" not in slots else 0.25, lambda p: _goes_over(p, slots))
    put("shoes", 1.0, lambda p: p.category_id == 23 and _suits_feet(p, slots))
    tucked = bool(rng.random() < 0.45)
    _add_small_things(closet, tucked=tucked)
    return Outfit(slots, tucked, _hangs_open(slots.get("outer"), rng), int(rng.integers(2)))


class _Closet:
    """What may still be chosen, and what has been."""

    def __init__(self, products: Sequence[Product], rng: Generator) -> None:
        self.products = products
        self.rng = rng
        self.slots: dict[str, Product] = {}

    def put(self, slot: str, chance: float, suits: Callable[[Product], bool]) -> None:
        """Fill an empty slot, with some chance, from what suits."""
        options = [p for p in self.products if suits(p)]
        if slot not in self.slots and options and self.rng.random() < chance:
            self.slots[slot] = options[int(self.rng.integers(len(options)))]


def _add_small_things(closet: _Closet, *, tucked: bool) -> None:
    slots, put = closet.slots, closet.put
    if "shoes" in slots and _shows_ankles(slots):
        put("socks", 0.55, lambda p: p.category_id == 22)
    put("hat", 0.28, lambda p: p.category_id == 14)
    put("glasses", 0.28, lambda p: p.category_id == 13)
    put("bag", 0.5, lambda p: p.category_id == 24)
    outer = slots.get("outer")
    if not any(p.cut.upper is not None and p.cut.upper.collar in ("hood", "turtle", "bow") for p in slots.values()):
        put("scarf", 0.22 if outer is None else 0.4, lambda p: p.category_id == 25)
    if tucked and "bottom" in slots and not _closed_outer(outer):
        put("belt", 0.6, lambda p: p.category_id == 19)
    if _takes_tie(slots.get("top")) and "scarf" not in slots:
        put("tie", 0.6, lambda p: p.category_id == 16)
    if _bare_wrists(slots):
        put("watch", 0.5, lambda p: p.category_id == 18)


def _bottom_chooser(rng: Generator, *, female: bool) -> Callable[[Product], bool]:
    roll = rng.random()
    if female and roll < 0.35:
        return lambda p: p.category_id == 8
    if roll > 0.84:
        return lambda p: p.category_id == 7
    return lambda p: p.category_id == 6


def _goes_over(product: Product, slots: dict[str, Product]) -> bool:
    if product.category_id not in LAYERS:
        return False
    top = slots.get("top")
    bulky = top is not None and top.cut.upper is not None and top.cut.upper.ease > 3.0
    return not (bulky and product.category_id in (3, 5))


def _suits_feet(product: Product, slots: dict[str, Product]) -> bool:
    kind = product.cut.accessory.kind if product.cut.accessory is not None else ""
    trousers = slots.get("bottom")
    if kind == "tall_boot":
        return trousers is None or trousers.category_id in (7, 8)
    return True


def _shows_ankles(slots: dict[str, Product]) -> bool:
    shoes = slots["shoes"].cut.accessory
    low = shoes is not None and shoes.kind in ("sneaker", "high_top", "loafer", "lace_boot")
    bottom = slots.get("bottom")
    lower = bottom.cut.lower if bottom is not None else None
    return low and (lower is None or lower.length < 0.8)


def _closed_outer(outer: Product | None) -> bool:
    return outer is not None and outer.cut.upper is not None and outer.cut.upper.front != "open"


def _hangs_open(outer: Product | None, rng: Generator) -> bool:
    roll = rng.random()
    if outer is None or outer.cut.upper is None:
        return False
    return outer.cut.upper.front in ("buttons", "zip", "double") and outer.cut.upper.sleeve > 0 and roll < 0.45


def _takes_tie(top: Product | None) -> bool:
    return top is not None and top.cut.upper is not None and top.cut.upper.collar == "shirt" and top.gender == "male"


def _bare_wrists(slots: dict[str, Product]) -> bool:
    uppers = [p.cut.upper for p in slots.values() if p.cut.upper is not None]
    return all(upper.sleeve < 0.85 for upper in uppers)
