"""Dresses a figure: which product covers which, in painter's order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from segmentation.drawn.bags import draw_backpack_behind, draw_bag_worn
from segmentation.drawn.canvas import Canvas
from segmentation.drawn.cuts import Accessory, Cut, Lower, Upper
from segmentation.drawn.fabric import Fabric
from segmentation.drawn.feet import draw_bare_foot, draw_on_foot, heel_units
from segmentation.drawn.figure import Look, draw_arm, draw_trunk
from segmentation.drawn.fitting import Fitting
from segmentation.drawn.garments import draw_garment_back, draw_garment_front
from segmentation.drawn.heads import draw_hair_behind, draw_hair_front, draw_head
from segmentation.drawn.headwear import draw_glasses, draw_hat
from segmentation.drawn.lowers import draw_lower, draw_waistband
from segmentation.drawn.products import Product
from segmentation.drawn.shoes import draw_shoe
from segmentation.drawn.skeleton import LEFT, RIGHT, Skeleton
from segmentation.drawn.smallwear import draw_belt_worn, draw_scarf, draw_scarf_behind, draw_tie, draw_watch_worn
from segmentation.drawn.socks import draw_sock
from segmentation.drawn.uppers import draw_body, draw_sleeve

UNDERWEAR = Fabric("plain", "cotton", ((198, 200, 202), (198, 200, 202), (198, 200, 202)))


@dataclass(frozen=True, slots=True)
class Outfit:
    """What one person wears.

    Slots: top, dress, bottom, outer, shoes, socks, hat, glasses, bag, scarf, tie, belt, watch.
    `tucked`: whether the top goes into the waistband. `outer_open`: whether the outer layer hangs open.
    """

    slots: Mapping[str, Product]
    tucked: bool = False
    outer_open: bool = False
    bag_side: int = RIGHT


def _tucked_in(upper: Upper) -> Upper:
    """A top whose hem has gone into the waistband."""
    ease, waist = min(upper.ease, 1.6), max(upper.waist, 0.7)
    return replace(upper, length=45.0, hem="straight", flare=0.0, ease=ease, waist=waist)


class Dresser:
    """Draws one dressed person.

    Args:
        canvas: The sheet.
        body: The posed body.
        look: The person.
        outfit: The clothes.
        first_tag: Tag of the first slot; each slot takes the next, pairs two.
    """

    def __init__(self, canvas: Canvas, body: Skeleton, look: Look, outfit: Outfit, first_tag: int) -> None:
        self.canvas, self.body, self.look, self.outfit = canvas, body, look, outfit
        self.tags: dict[int, Product] = {}
        self.fits: dict[str, Fitting] = {}
        tag = first_tag
        for slot, product in outfit.slots.items():
            self.fits[slot] = Fitting(canvas, body, product.fabric, product.trim, tag, True)
            for _ in range(2 if slot in ("shoes", "socks") else 1):
                self.tags[tag] = product
                tag += 1

    def draw(self) -> dict[int, Product]:
        """Everything, from behind to front; returns whose product each tag is."""
        self._draw_behind()
        draw_trunk(self.canvas, self.body, self.look)
        self._draw_underwear()
        self._draw_feet()
        self._draw_clothes()
        self._draw_arms()
        self._draw_head()
        return self.tags

    def _cut(self, slot: str) -> Cut:
        cut = self.outfit.slots[slot].cut
        if slot == "outer" and self.outfit.outer_open and cut.upper is not None:
            cut = replace(cut, upper=replace(cut.upper, front="open", tie_belt=False))
        if slot == "top" and cut.upper is not None and self._is_tucked():
            cut = replace(cut, upper=_tucked_in(cut.upper))
        return cut

    def _is_tucked(self) -> bool:
        return self.outfit.tucked and "bottom" in self.outfit.slots

    def _accessory(self, slot: str) -> Accessory:
        accessory = self.outfit.slots[slot].cut.accessory
        if accessory is None:
            raise ValueError(f"slot {slot} holds a garment, not an accessory")
        return accessory

    def _draw_behind(self) -> None:
        draw_hair_behind(self.canvas, self.body, self.look)
        if "bag" in self.fits and self._accessory("bag").kind == "backpack":
            draw_backpack_behind(self.fits["bag"], self._accessory("bag"))
        for slot in ("outer", "dress", "top"):
            if slot in self.fits:
                draw_garment_back(self.fits[slot], self._cut(slot))
        if "scarf" in self.fits:
            draw_scarf_behind(self.fits["scarf"])

    def _draw_underwear(self) -> None:
        """Plain gray, where the shop had nothing to put on; no instance."""
        fit = Fitting(self.canvas, self.body, UNDERWEAR, UNDERWEAR.ground, 0, True)
        if "dress" in self.outfit.slots:
            return
        if "bottom" not in self.outfit.slots:
            draw_lower(fit, Lower(length=0.3, ease=0.2, style="leggings"))
        if "top" not in self.outfit.slots:
            draw_body(fit, Upper(neck="scoop", neck_depth=9.0, sleeve=0.0, ease=0.2, waist=0.9, length=48.0))

    def _draw_feet(self) -> None:
        heel = heel_units(self._accessory("shoes")) if "shoes" in self.fits else 0.0
        for side in (1 - self.body.pose.front_leg, self.body.pose.front_leg):
            draw_bare_foot(self.canvas, self.body, self.look.skin, side, heel)
            if "socks" in self.fits:
                draw_on_foot(self._paired("socks", side), self._accessory("socks"), side, draw_sock)
            if "shoes" in self.fits:
                draw_on_foot(self._paired("shoes", side), self._accessory("shoes"), side, draw_shoe)

    def _paired(self, slot: str, side: int) -> Fitting:
        fit = self.fits[slot]
        return replace(fit, tag=fit.tag + side)

    def _draw_clothes(self) -> None:
        top_last = not self._is_tucked()
        order = ["dress", "bottom", "top"] if top_last else ["dress", "top", "bottom"]
        for slot in order:
            if slot in self.fits:
                draw_garment_front(self.fits[slot], self._cut(slot))
        if "belt" in self.fits:
            self._draw_belt()
        if "tie" in self.fits:
            draw_tie(self.fits["tie"], self._accessory("tie"))
        if "outer" in self.fits:
            draw_garment_front(self.fits["outer"], self._cut("outer"))
        if "bag" in self.fits:
            draw_bag_worn(self.fits["bag"], self._accessory("bag"), self.outfit.bag_side)
        if "scarf" in self.fits:
            draw_scarf(self.fits["scarf"], self._accessory("scarf"))

    def _draw_belt(self) -> None:
        bottom = self.outfit.slots.get("bottom")
        fit = self.fits["belt"]
        lower = bottom.cut.lower if bottom is not None else None
        rise, ease = (lower.rise, lower.ease) if lower is not None else (38.0, 1.0)
        band = draw_waistband(fit, rise, ease)
        draw_belt_worn(fit, self._accessory("belt"), band)

    def _draw_arms(self) -> None:
        for side in (LEFT, RIGHT):
            draw_arm(self.canvas, self.body, self.look, side)
            outer = self.outfit.slots.get("outer")
            covered = outer is not None and outer.cut.upper is not None and outer.cut.upper.sleeve > 0.9
            for slot in ("dress", "top"):
                upper = self._cut(slot).upper if slot in self.fits else None
                if upper is not None and not covered:
                    draw_sleeve(self.fits[slot], upper, side)
            upper = self._cut("outer").upper if "outer" in self.fits else None
            if upper is not None:
                draw_sleeve(self.fits["outer"], upper, side)
        if "watch" in self.fits:
            draw_watch_worn(self.fits["watch"], self._accessory("watch"), 1 - self.outfit.bag_side)

    def _draw_head(self) -> None:
        draw_head(self.canvas, self.body, self.look)
        draw_hair_front(self.canvas, self.body, self.look, hatted="hat" in self.fits)
        if "glasses" in self.fits:
            draw_glasses(self.fits["glasses"], self._accessory("glasses"))
        if "hat" in self.fits:
            draw_hat(self.fits["hat"], self._accessory("hat"))
