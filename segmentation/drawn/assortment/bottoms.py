"""Trousers, shorts, skirts."""

from __future__ import annotations

from numpy.random import Generator

from segmentation.drawn.assortment.designs import Design, a_cloth, a_person, pick
from segmentation.drawn.cuts import Cut, Lower, Skirt
from segmentation.drawn.fabric import Material
from segmentation.drawn.patterns import Pattern

# Written like a table: the formatter would put every word on its own line.
# fmt: off


def pants_design(rng: Generator) -> Design:
    """Chooses one."""
    gender = a_person(rng)
    kind = pick(
        rng,
        (
            "jeans", "jeans", "jeans", "chinos", "tailored trousers", "wide-leg trousers", "joggers", "cargo pants",
            "leggings",
        ),
    )
    rise = float(rng.uniform(40, 44)) if gender == "female" else float(rng.uniform(43, 46))
    pattern: Pattern = "plain"
    material: Material = "cotton"
    if kind == "jeans":
        cut = pick(rng, (("skinny", 0.4, 0.0), ("straight", 1.4, 1.2), ("flared", 0.8, 5.5), ("wide-leg", 3.2, 3.5)))
        material, lower = "denim", Lower(style="jeans", ease=cut[1], flare=cut[2], rise=rise, cuffed=rng.random() < 0.2)
        kind = f"{cut[0]} jeans"
    elif kind == "chinos":
        lower = Lower(
            style="chino", ease=1.6, taper=0.2, rise=rise, cuffed=rng.random() < 0.35, length=pick(rng, (1.0, 0.93)),
        )
    elif kind == "tailored trousers":
        material, lower = "wool", Lower(style="tailored", ease=1.8, rise=rise)
        pattern = pick(rng, ("plain", "pinstripe", "plaid", "houndstooth"))
    elif kind == "wide-leg trousers":
        material, lower = (
            pick(rng, ("linen", "wool", "satin")),
            Lower(style="pleated", ease=4.0, flare=float(rng.uniform(1, 5)), rise=40.0),
        )
        pattern = pick(rng, ("plain", "plain", "vertical_stripe", "floral"))
    elif kind == "joggers":
        lower = Lower(style="jogger", ease=2.8, taper=0.4, rise=rise)
        pattern = pick(rng, ("plain", "melange", "camo"))
    elif kind == "cargo pants":
        lower = Lower(style="cargo", ease=2.8, rise=rise)
        pattern = pick(rng, ("plain", "camo"))
    else:
        gender, material = "female", "nylon"
        lower = Lower(style="leggings", ease=0.1, rise=rise, length=pick(rng, (0.96, 0.75)))
        pattern = pick(rng, ("plain", "leopard", "floral"))
    return Design(Cut(6, kind, "Pants", lower=lower), material, pattern, gender, 8.0 if pattern == "plaid" else 4.0)


def shorts_design(rng: Generator) -> Design:
    """Chooses one."""
    gender = a_person(rng)
    length = float(rng.uniform(0.2, 0.36)) if gender == "female" else float(rng.uniform(0.34, 0.5))
    kind = pick(rng, ("denim shorts", "chino shorts", "cargo shorts", "sport shorts"))
    if kind == "denim shorts":
        return Design(
            Cut(7, kind, "Shorts", lower=Lower(length=length, style="jeans", ease=1.4, cuffed=True, rise=43)),
            "denim", "plain", gender,
        )
    if kind == "chino shorts":
        pattern, period = a_cloth(rng, ("vertical_stripe", "gingham", "floral", "dots"))
        return Design(
            Cut(7, kind, "Shorts", lower=Lower(length=length, ease=2.2, rise=42)), pick(rng, ("cotton", "linen")),
            pattern, gender, period,
        )
    if kind == "cargo shorts":
        return Design(
            Cut(7, kind, "Shorts", lower=Lower(length=max(length, 0.42), style="cargo", ease=3.0, rise=44)), "cotton",
            pick(rng, ("plain", "camo")), gender,
        )
    return Design(
        Cut(7, kind, "Shorts", lower=Lower(length=length, style="jogger", ease=3.4, rise=43)), "nylon",
        pick(rng, ("plain", "camo", "melange")), gender,
    )


def skirt_design(rng: Generator) -> Design:
    """Chooses one."""
    kind = pick(rng, ("pleated", "denim", "a-line", "pencil", "tiered", "wrap", "button-front"))
    pattern, period = a_cloth(rng, ("plaid", "dots", "floral", "vertical_stripe", "gingham", "houndstooth", "leopard"))
    size = pick(rng, (("mini", 30.0), ("knee-length", 48.0), ("midi", 66.0), ("maxi", 92.0)))
    material: Material = pick(rng, ("cotton", "wool", "satin", "linen"))
    skirt = Skirt(length=size[1], flare=float(rng.uniform(8, 16)), style="plain")
    if kind == "pleated":
        skirt = Skirt(length=min(size[1], 66.0), flare=float(rng.uniform(8, 16)), style="pleated")
    elif kind == "denim":
        material, pattern, size = "denim", "plain", ("mini", 32.0)
        skirt = Skirt(length=32.0, flare=3.0, style="denim")
    elif kind == "pencil":
        size = ("knee-length", 50.0)
        skirt = Skirt(length=50.0, flare=-1.5, style="slit", ease=0.6)
    elif kind == "tiered":
        skirt = Skirt(length=max(size[1], 48.0), flare=float(rng.uniform(14, 22)), style="tiered")
    elif kind == "wrap":
        skirt = Skirt(length=size[1], flare=7.0, style="wrap")
    elif kind == "button-front":
        skirt = Skirt(length=size[1], flare=8.0, style="buttons")
    return Design(Cut(8, f"{kind} {size[0]} skirt", "Skirts", skirt=skirt), material, pattern, "female", period)
