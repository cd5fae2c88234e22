"""Jackets, vests, coats."""

from __future__ import annotations

from dataclasses import replace

from numpy.random import Generator

from segmentation.drawn.assortment.designs import PLAIN, Design, a_person, pick
from segmentation.drawn.cuts import Cut, Front, Upper
from segmentation.drawn.fabric import Material
from segmentation.drawn.patterns import Pattern

# Written like a table: the formatter would put every word on its own line.
# fmt: off


JACKETS: dict[str, tuple[Material, tuple[Pattern, ...], Upper]] = {
    "bomber jacket": ("nylon", ("plain", "plain", "camo", "floral"), Upper(
        hem="rib", cuffs="rib", front="zip", collar="stand", ease=3.6, waist=0.0, sleeve_ease=3.0, pockets="welt",
        length=57.0,
    )),
    "denim jacket": ("denim", PLAIN, Upper(
        neck="shirt", neck_depth=5.0, front="buttons", collar="shirt", cuffs="button", ease=2.6, waist=0.2,
        sleeve_ease=2.0, pockets="two_chest", length=54.0,
    )),
    "blazer jacket": ("wool", ("plain", "plain", "pinstripe", "plaid", "houndstooth", "melange"), Upper(
        neck="v", neck_depth=10.0, front="buttons", collar="lapel", ease=2.4, waist=0.6, length=66.0, pockets="flap",
        sleeve_ease=1.8,
    )),
    "leather jacket": ("leather", PLAIN, Upper(
        neck="shirt", neck_depth=6.0, front="zip", collar="shirt", ease=2.2, waist=0.4, length=54.0, sleeve_ease=1.8,
        pockets="welt",
    )),
    "puffer jacket": ("nylon", ("plain", "color_block"), Upper(
        front="zip", collar="stand", ease=5.5, waist=0.0, sleeve_ease=4.0, length=58.0, quilt=8.0, cuffs="rib",
        hem="rib",
    )),
    "windbreaker jacket": ("nylon", ("plain", "color_block"), Upper(
        collar="hood", front="zip", ease=4.0, waist=0.05, sleeve_ease=2.8, length=62.0, pockets="welt", cuffs="rib",
        neck_depth=5.0,
    )),
}
"""By name: material, patterns, and the cut before its length and front are chosen."""


def jacket_design(rng: Generator) -> Design:
    """Chooses one."""
    gender = a_person(rng)
    kind = pick(rng, sorted(JACKETS))
    material, patterns, upper = JACKETS[kind]
    pattern = pick(rng, patterns)
    front: Front = pick(rng, ("open", "buttons", "double")) if kind == "blazer jacket" else upper.front
    upper = replace(upper, front=front, length=upper.length + float(rng.uniform(-3, 4)))
    return Design(Cut(4, kind, "Jackets", upper=upper), material, pattern, gender, 8.0 if pattern == "plaid" else 4.0)


def vest_design(rng: Generator) -> Design:
    """Chooses one."""
    gender = a_person(rng)
    kind = pick(rng, ("waistcoat vest", "puffer vest", "knitted vest"))
    if kind == "waistcoat vest":
        upper = Upper(
            neck="v", neck_depth=21.0, sleeve=0.0, front="buttons", length=57, waist=0.6, ease=1.4, pockets="flap",
        )
        return Design(
            Cut(5, kind, "Vests", upper=upper), "wool", pick(rng, ("plain", "pinstripe", "plaid")), gender, 8.0,
        )
    if kind == "puffer vest":
        upper = Upper(sleeve=0.0, front="zip", collar="stand", ease=4.8, waist=0.0, length=58, quilt=8.0)
        return Design(Cut(5, kind, "Vests", upper=upper), "nylon", "plain", gender)
    upper = Upper(neck="v", neck_depth=13.0, sleeve=0.0, hem="rib", ease=2.0, waist=0.2, length=56)
    return Design(Cut(5, kind, "Vests", upper=upper), "knit", pick(rng, ("plain", "cable", "striped")), gender)


def coat_design(rng: Generator) -> Design:
    """Chooses one."""
    gender = a_person(rng)
    kind = pick(rng, ("trench coat", "wool coat", "wool coat", "puffer coat", "parka coat"))
    length = float(rng.uniform(82, 108))
    if kind == "trench coat":
        upper = Upper(
            neck="v", neck_depth=10.0, front="double", collar="lapel", ease=3.0, waist=0.65, length=length, flare=6.0,
            pockets="welt", tie_belt=True, sleeve_ease=2.5,
        )
        return Design(Cut(9, kind, "Coats", upper=upper), "cotton", "plain", gender)
    if kind == "wool coat":
        front: Front = pick(rng, ("buttons", "double", "open"))
        upper = Upper(
            neck="v", neck_depth=10.0, front=front, collar=pick(rng, ("lapel", "shawl")), ease=3.2, waist=0.35,
            length=length, flare=3.0, pockets="flap", sleeve_ease=2.4,
        )
        return Design(
            Cut(9, kind, "Coats", upper=upper), "wool",
            pick(rng, ("plain", "plain", "plaid", "houndstooth", "melange")), gender, 16.0,
        )
    if kind == "puffer coat":
        upper = Upper(
            front="zip", collar=pick(rng, ("stand", "hood")), ease=6.0, waist=0.15, length=length, quilt=8.0,
            sleeve_ease=4.2,
        )
        return Design(Cut(9, kind, "Coats", upper=upper), "nylon", "plain", gender)
    upper = Upper(
        front="zip", collar="hood", ease=4.6, waist=0.2, length=84, pockets="flap", sleeve_ease=3.0, flare=2.0,
        neck_depth=5.0,
    )
    return Design(Cut(9, kind, "Coats", upper=upper), "cotton", pick(rng, ("plain", "camo")), gender)
