"""Dresses and jumpsuits."""

from __future__ import annotations

from numpy.random import Generator

from segmentation.drawn.assortment.designs import Design, a_cloth, pick
from segmentation.drawn.cuts import Collar, Cut, Lower, Neck, Skirt, Upper
from segmentation.drawn.fabric import Material
from segmentation.drawn.patterns import Pattern

# Written like a table: the formatter would put every word on its own line.
# fmt: off


def _bodice(rng: Generator) -> Upper:
    neck: Neck = pick(rng, ("v", "scoop", "square", "strap", "crew", "shirt"))
    depth = {"v": 13.0, "scoop": 9.0, "square": 10.0, "strap": 14.0, "crew": 4.5, "shirt": 6.0}[neck]
    sleeve = 0.0 if neck == "strap" else pick(rng, (0.0, 0.32, 0.42, 0.75, 1.0))
    collar: Collar = "shirt" if neck == "shirt" else "none"
    return Upper(
        neck=neck, neck_depth=depth, neck_half=8.2 if neck in ("strap", "square") else 7.2, sleeve=sleeve,
        collar=collar, puff=float(rng.choice([0.0, 1.8])), cuffs="button" if sleeve > 0.7 else "none", length=41.0,
        waist=1.0, ease=0.7,
        front="buttons" if neck == "shirt" else pick(rng, ("closed", "closed", "wrap")) if neck == "v" else "closed",
    )


def dress_design(rng: Generator) -> Design:
    """Chooses one."""
    prints: tuple[Pattern, ...] = ("floral", "floral", "dots", "striped", "gingham", "plaid", "leopard", "color_block")
    pattern, period = a_cloth(rng, prints)
    size = pick(rng, (("mini", 40.0), ("knee-length", 56.0), ("midi", 70.0), ("maxi", 96.0)))
    kind = pick(rng, ("fit-and-flare", "shift", "slip", "shirt", "wrap", "tiered"))
    bodice = _bodice(rng)
    skirt = Skirt(length=size[1], flare=float(rng.uniform(10, 20)), style="gathered", band=False)
    if kind == "shift":
        skirt = Skirt(length=min(size[1], 60.0), flare=3.0, ease=2.6, band=False)
    elif kind == "slip":
        bodice = Upper(neck="strap", neck_depth=14.0, neck_half=8.0, sleeve=0.0, length=41.0, waist=1.0, ease=0.6)
        skirt = Skirt(length=max(size[1], 56.0), flare=7.0, band=False)
    elif kind == "shirt":
        bodice = Upper(
            neck="shirt", neck_depth=6.0, sleeve=pick(rng, (0.4, 1.0)), collar="shirt", front="buttons", length=41.0,
            waist=0.9, ease=1.4, cuffs="button", tie_belt=True,
        )
        skirt = Skirt(length=size[1], flare=9.0, style="buttons", band=False)
    elif kind == "wrap":
        bodice = Upper(
            neck="v", neck_depth=14.0, sleeve=pick(rng, (0.35, 0.75)), front="wrap", length=41.0, waist=1.0, ease=0.7,
            tie_belt=True,
        )
        skirt = Skirt(length=size[1], flare=11.0, style="wrap", band=False)
    elif kind == "tiered":
        skirt = Skirt(length=size[1], flare=18.0, style="tiered", band=False)
    material: Material = "satin" if kind == "slip" else pick(rng, ("cotton", "cotton", "linen", "satin"))
    return Design(
        Cut(10, f"{size[0]} {kind} dress", "Dresses", upper=bodice, skirt=skirt), material, pattern, "female", period,
    )


def jumpsuit_design(rng: Generator) -> Design:
    """Chooses one."""
    pattern, period = a_cloth(rng, ("dots", "floral", "vertical_stripe", "plain"))
    short = rng.random() < 0.25
    lower = Lower(
        length=0.3 if short else 0.97, ease=float(rng.uniform(2, 4.4)),
        flare=0.0 if short else float(rng.uniform(0, 4)), rise=39.0,
    )
    bodice = _bodice(rng)
    return Design(
        Cut(11, "playsuit jumpsuit" if short else "jumpsuit", "Jumpsuits", upper=bodice, lower=lower),
        pick(rng, ("cotton", "linen", "satin")), pattern, "female", period,
    )
