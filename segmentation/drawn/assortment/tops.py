"""Shirts, t-shirts, sweaters, cardigans."""

from __future__ import annotations

from numpy.random import Generator

from segmentation.drawn.assortment.designs import Design, a_cloth, a_person, pick
from segmentation.drawn.cuts import Collar, Cut, Front, Neck, Upper

# Written like a table: the formatter would put every word on its own line.
# fmt: off


def shirt_design(rng: Generator) -> Design:
    """Chooses one."""
    gender = a_person(rng)
    pattern, period = a_cloth(rng, ("striped", "vertical_stripe", "pinstripe", "gingham", "plaid", "dots", "floral"))
    if gender == "male" or rng.random() < 0.4:
        short = rng.random() < 0.25
        upper = Upper(
            neck="shirt", neck_depth=6.0, sleeve=0.4 if short else 1.0, front="buttons", collar="shirt", hem="curved",
            cuffs="none" if short else "button", pockets=pick(rng, ("none", "chest", "two_chest")),
            length=float(rng.uniform(60, 67)), ease=float(rng.uniform(1.5, 3.5)), waist=float(rng.uniform(0.2, 0.6)),
        )
        noun = "short-sleeve shirt" if short else "button-down shirt"
        return Design(
            Cut(0, noun, "Shirts", upper=upper), pick(rng, ("cotton", "linen", "denim")), pattern, gender, period,
        )
    neck: Neck = pick(rng, ("v", "crew", "scoop", "square"))
    upper = Upper(
        neck=neck, neck_depth=float(rng.uniform(6, 11)), sleeve=pick(rng, (0.42, 0.75, 0.95)),
        sleeve_flare=float(rng.uniform(0, 4)), puff=float(rng.uniform(0, 2.4)),
        collar=pick(rng, ("none", "none", "bow")), cuffs="button", length=float(rng.uniform(52, 60)), ease=2.0,
        flare=float(rng.uniform(0, 4)), waist=0.5, front=pick(rng, ("closed", "buttons", "wrap")),
        ruffle=rng.random() < 0.2,
    )
    return Design(
        Cut(0, "blouse", "Blouses", upper=upper), pick(rng, ("satin", "cotton", "linen")), pattern, "female", period,
    )


def tee_design(rng: Generator) -> Design:
    """Chooses one."""
    gender = a_person(rng)
    kind = pick(rng, ("tee", "tee", "tee", "polo", "long", "tank", "hoodie", "sweatshirt"))
    pattern, period = a_cloth(rng, ("striped", "striped", "color_block", "camo", "melange", "dots"))
    printed = int(rng.integers(1, 7)) if pattern == "plain" and rng.random() < 0.6 else 0
    woman = gender == "female"
    waist, ease = (0.6, 1.2) if woman else (0.15, 2.0)
    neck: Neck = pick(rng, ("crew", "crew", "v", "scoop", "boat") if woman else ("crew", "crew", "v"))
    depth = {"crew": 4.5, "v": 11.0, "scoop": 10.0, "boat": 3.0}.get(neck, 5.0)
    half = 9.5 if neck == "boat" else 7.2
    length = float(rng.uniform(50, 60)) if woman else float(rng.uniform(58, 64))
    if kind in ("hoodie", "sweatshirt"):
        upper = Upper(
            hem="rib", cuffs="rib", collar="hood" if kind == "hoodie" else "none", ease=3.5, waist=0.05,
            pockets="kangaroo" if kind == "hoodie" else "none", sleeve_ease=2.4, length=59, print_number=printed,
            front=pick(rng, ("closed", "closed", "zip")) if kind == "hoodie" else "closed",
        )
        return Design(Cut(1, kind, "Hoodies & Sweatshirts", upper=upper), "cotton", pattern, gender, period)
    if kind == "polo":
        upper = Upper(
            neck="shirt", neck_depth=5.5, sleeve=0.36, sleeve_ease=1.0, front="polo", collar="shirt", cuffs="rib",
            length=length, ease=ease, waist=waist,
        )
        return Design(Cut(1, "polo shirt", "Polo Shirts", upper=upper), "cotton", pattern, gender, period)
    if kind == "tank":
        thin = woman and rng.random() < 0.5
        upper = Upper(
            neck="strap" if thin else "scoop", neck_depth=14.0 if thin else 11.0, neck_half=8.0, sleeve=0.0,
            length=length, ease=ease * 0.6, waist=waist, print_number=0 if thin else printed,
        )
        return Design(
            Cut(1, "camisole top" if thin else "tank top", "Tops", upper=upper), "cotton", pattern, gender, period,
        )
    sleeve = 1.0 if kind == "long" else float(rng.uniform(0.3, 0.42))
    upper = Upper(
        neck=neck, neck_depth=depth, neck_half=half, sleeve=sleeve, length=length, ease=ease, waist=waist,
        print_number=printed,
    )
    noun = {"crew": "crew-neck", "v": "v-neck", "scoop": "scoop-neck", "boat": "boat-neck"}.get(neck, "crew-neck")
    noun += " long-sleeve t-shirt" if kind == "long" else " t-shirt"
    return Design(Cut(1, noun, "T-Shirts", upper=upper), "cotton", pattern, gender, period)


def sweater_design(rng: Generator) -> Design:
    """Chooses one."""
    gender = a_person(rng)
    pattern, period = a_cloth(rng, ("striped", "striped", "cable", "cable", "color_block", "melange", "leopard"))
    collar: Collar = pick(rng, ("none", "none", "turtle", "stand"))
    neck: Neck = pick(rng, ("crew", "v")) if collar == "none" else "crew"
    upper = Upper(
        neck=neck, neck_depth=11.0 if neck == "v" else 5.0, collar=collar, hem="rib", cuffs="rib",
        ease=float(rng.uniform(2, 4.5)), sleeve_ease=float(rng.uniform(1.6, 3.2)), waist=0.15,
        length=float(rng.uniform(52, 62)),
    )
    noun = {"turtle": "turtleneck sweater", "stand": "mock-neck sweater"}.get(
        collar, f"{'v-neck' if neck == 'v' else 'crew-neck'} sweater",
    )
    return Design(Cut(2, noun, "Sweaters", upper=upper), pick(rng, ("knit", "knit", "wool")), pattern, gender, period)


def cardigan_design(rng: Generator) -> Design:
    """Chooses one."""
    gender = a_person(rng)
    pattern, period = a_cloth(rng, ("striped", "cable", "color_block", "melange"))
    long = rng.random() < 0.35
    front: Front = "open" if long else pick(rng, ("buttons", "buttons", "open"))
    upper = Upper(
        neck="v", neck_depth=20.0, hem="straight" if long else "rib", cuffs="rib", front=front, ease=2.8, waist=0.2,
        sleeve_ease=1.8, length=85.0 if long else float(rng.uniform(52, 62)),
        pockets="patch" if long or rng.random() < 0.4 else "none", collar="shawl" if rng.random() < 0.25 else "none",
    )
    return Design(
        Cut(3, "long cardigan" if long else "cardigan", "Cardigans", upper=upper), "knit", pattern, gender, period,
    )
