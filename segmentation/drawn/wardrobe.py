"""What the drawn shop sells: for each category, the cuts and cloths a buyer may choose from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from numpy.random import Generator

from segmentation.drawn.cuts import Accessory, Collar, Cut, Front, Lower, Neck, Skirt, Upper
from segmentation.drawn.fabric import Material
from segmentation.drawn.patterns import Pattern

Choice = TypeVar("Choice")
Gender = Literal["female", "male", "unisex"]


@dataclass(frozen=True, slots=True)
class Design:
    """A cut and the cloth it is made of, before it is dyed."""

    cut: Cut
    material: Material
    pattern: Pattern
    gender: Gender
    period: float = 4.0
    """Units after which the pattern repeats."""


def pick(rng: Generator, options: Sequence[Choice]) -> Choice:
    """One of the options, all equally likely."""
    return options[int(rng.integers(len(options)))]


def _person(rng: Generator) -> Gender:
    return pick(rng, ("female", "male"))


def _cloth(rng: Generator, patterns: Sequence[Pattern]) -> tuple[Pattern, float]:
    """A pattern and its repeat; half of what is sold is plain."""
    pattern: Pattern = "plain" if rng.random() < 0.4 else pick(rng, patterns)
    return pattern, pick(rng, (2.0, 4.0, 4.0, 8.0) if pattern != "plaid" else (8.0, 16.0))


def _shirt(rng: Generator) -> Design:
    gender = _person(rng)
    pattern, period = _cloth(rng, ("striped", "vertical_stripe", "pinstripe", "gingham", "plaid", "dots", "floral"))
    if gender == "male" or rng.random() < 0.4:
        short = rng.random() < 0.25
        upper = Upper(
            neck="shirt",
            neck_depth=6.0,
            sleeve=0.4 if short else 1.0,
            front="buttons",
            collar="shirt",
            hem="curved",
            cuffs="none" if short else "button",
            pockets=pick(rng, ("none", "chest", "two_chest")),
            length=float(rng.uniform(60, 67)),
            ease=float(rng.uniform(1.5, 3.5)),
            waist=float(rng.uniform(0.2, 0.6)),
        )
        noun = "short-sleeve shirt" if short else "button-down shirt"
        return Design(
            Cut(0, noun, "Shirts", upper=upper), pick(rng, ("cotton", "linen", "denim")), pattern, gender, period
        )
    neck: Neck = pick(rng, ("v", "crew", "scoop", "square"))
    upper = Upper(
        neck=neck,
        neck_depth=float(rng.uniform(6, 11)),
        sleeve=pick(rng, (0.42, 0.75, 0.95)),
        sleeve_flare=float(rng.uniform(0, 4)),
        puff=float(rng.uniform(0, 2.4)),
        collar=pick(rng, ("none", "none", "bow")),
        cuffs="button",
        length=float(rng.uniform(52, 60)),
        ease=2.0,
        flare=float(rng.uniform(0, 4)),
        waist=0.5,
        front=pick(rng, ("closed", "buttons", "wrap")),
        ruffle=rng.random() < 0.2,
    )
    return Design(
        Cut(0, "blouse", "Blouses", upper=upper), pick(rng, ("satin", "cotton", "linen")), pattern, "female", period
    )


def _tee(rng: Generator) -> Design:
    gender = _person(rng)
    kind = pick(rng, ("tee", "tee", "tee", "polo", "long", "tank", "hoodie", "sweatshirt"))
    pattern, period = _cloth(rng, ("striped", "striped", "color_block", "camo", "melange", "dots"))
    printed = int(rng.integers(1, 7)) if pattern == "plain" and rng.random() < 0.6 else 0
    woman = gender == "female"
    waist, ease = (0.6, 1.2) if woman else (0.15, 2.0)
    neck: Neck = pick(rng, ("crew", "crew", "v", "scoop", "boat") if woman else ("crew", "crew", "v"))
    depth = {"crew": 4.5, "v": 11.0, "scoop": 10.0, "boat": 3.0}.get(neck, 5.0)
    half = 9.5 if neck == "boat" else 7.2
    length = float(rng.uniform(50, 60)) if woman else float(rng.uniform(58, 64))
    if kind in ("hoodie", "sweatshirt"):
        upper = Upper(
            hem="rib",
            cuffs="rib",
            collar="hood" if kind == "hoodie" else "none",
            ease=3.5,
            waist=0.05,
            pockets="kangaroo" if kind == "hoodie" else "none",
            sleeve_ease=2.4,
            length=59,
            print_number=printed,
            front=pick(rng, ("closed", "closed", "zip")) if kind == "hoodie" else "closed",
        )
        return Design(Cut(1, kind, "Hoodies & Sweatshirts", upper=upper), "cotton", pattern, gender, period)
    if kind == "polo":
        upper = Upper(
            neck="shirt",
            neck_depth=5.5,
            sleeve=0.36,
            sleeve_ease=1.0,
            front="polo",
            collar="shirt",
            cuffs="rib",
            length=length,
            ease=ease,
            waist=waist,
        )
        return Design(Cut(1, "polo shirt", "Polo Shirts", upper=upper), "cotton", pattern, gender, period)
    if kind == "tank":
        thin = woman and rng.random() < 0.5
        upper = Upper(
            neck="strap" if thin else "scoop",
            neck_depth=14.0 if thin else 11.0,
            neck_half=8.0,
            sleeve=0.0,
            length=length,
            ease=ease * 0.6,
            waist=waist,
            print_number=0 if thin else printed,
        )
        return Design(
            Cut(1, "camisole top" if thin else "tank top", "Tops", upper=upper), "cotton", pattern, gender, period
        )
    sleeve = 1.0 if kind == "long" else float(rng.uniform(0.3, 0.42))
    upper = Upper(
        neck=neck,
        neck_depth=depth,
        neck_half=half,
        sleeve=sleeve,
        length=length,
        ease=ease,
        waist=waist,
        print_number=printed,
    )
    noun = {"crew": "crew-neck", "v": "v-neck", "scoop": "scoop-neck", "boat": "boat-neck"}.get(neck, "crew-neck")
    noun += " long-sleeve t-shirt" if kind == "long" else " t-shirt"
    return Design(Cut(1, noun, "T-Shirts", upper=upper), "cotton", pattern, gender, period)


def _sweater(rng: Generator) -> Design:
    gender = _person(rng)
    pattern, period = _cloth(rng, ("striped", "striped", "cable", "cable", "color_block", "melange", "leopard"))
    collar: Collar = pick(rng, ("none", "none", "turtle", "stand"))
    neck: Neck = pick(rng, ("crew", "v")) if collar == "none" else "crew"
    upper = Upper(
        neck=neck,
        neck_depth=11.0 if neck == "v" else 5.0,
        collar=collar,
        hem="rib",
        cuffs="rib",
        ease=float(rng.uniform(2, 4.5)),
        sleeve_ease=float(rng.uniform(1.6, 3.2)),
        waist=0.15,
        length=float(rng.uniform(52, 62)),
    )
    noun = {"turtle": "turtleneck sweater", "stand": "mock-neck sweater"}.get(
        collar, f"{'v-neck' if neck == 'v' else 'crew-neck'} sweater"
    )
    return Design(Cut(2, noun, "Sweaters", upper=upper), pick(rng, ("knit", "knit", "wool")), pattern, gender, period)


def _cardigan(rng: Generator) -> Design:
    gender = _person(rng)
    pattern, period = _cloth(rng, ("striped", "cable", "color_block", "melange"))
    long = rng.random() < 0.35
    front: Front = "open" if long else pick(rng, ("buttons", "buttons", "open"))
    upper = Upper(
        neck="v",
        neck_depth=20.0,
        hem="straight" if long else "rib",
        cuffs="rib",
        front=front,
        ease=2.8,
        waist=0.2,
        sleeve_ease=1.8,
        length=85.0 if long else float(rng.uniform(52, 62)),
        pockets="patch" if long or rng.random() < 0.4 else "none",
        collar="shawl" if rng.random() < 0.25 else "none",
    )
    return Design(
        Cut(3, "long cardigan" if long else "cardigan", "Cardigans", upper=upper), "knit", pattern, gender, period
    )


def _jacket(rng: Generator) -> Design:
    gender = _person(rng)
    kind = pick(
        rng, ("bomber jacket", "denim jacket", "blazer", "leather jacket", "puffer jacket", "windbreaker jacket")
    )
    pattern: Pattern = "plain"
    material: Material
    if kind == "bomber jacket":
        material, upper = (
            "nylon",
            Upper(
                hem="rib",
                cuffs="rib",
                front="zip",
                collar="stand",
                ease=3.6,
                waist=0.0,
                sleeve_ease=3.0,
                pockets="welt",
                length=57,
            ),
        )
        pattern = pick(rng, ("plain", "plain", "camo", "floral"))
    elif kind == "denim jacket":
        material, upper = (
            "denim",
            Upper(
                neck="shirt",
                neck_depth=5.0,
                front="buttons",
                collar="shirt",
                cuffs="button",
                ease=2.6,
                waist=0.2,
                sleeve_ease=2.0,
                pockets="two_chest",
                length=54,
            ),
        )
    elif kind == "blazer":
        material = "wool"
        front: Front = pick(rng, ("open", "buttons", "double"))
        upper = Upper(
            neck="v",
            neck_depth=10.0,
            front=front,
            collar="lapel",
            ease=2.4,
            waist=0.6,
            length=float(rng.uniform(62, 70)),
            pockets="flap",
            sleeve_ease=1.8,
        )
        pattern = pick(rng, ("plain", "plain", "pinstripe", "plaid", "houndstooth", "melange"))
    elif kind == "leather jacket":
        material, upper = (
            "leather",
            Upper(
                neck="shirt",
                neck_depth=6.0,
                front="zip",
                collar="shirt",
                ease=2.2,
                waist=0.4,
                length=54,
                sleeve_ease=1.8,
                pockets="welt",
            ),
        )
    elif kind == "puffer jacket":
        material, upper = (
            "nylon",
            Upper(
                front="zip",
                collar="stand",
                ease=5.5,
                waist=0.0,
                sleeve_ease=4.0,
                length=58,
                quilt=8.0,
                cuffs="rib",
                hem="rib",
            ),
        )
        pattern = pick(rng, ("plain", "color_block"))
    else:
        material, upper = (
            "nylon",
            Upper(
                collar="hood",
                front="zip",
                ease=4.0,
                waist=0.05,
                sleeve_ease=2.8,
                length=62,
                pockets="welt",
                cuffs="rib",
                neck_depth=5.0,
            ),
        )
        pattern = pick(rng, ("plain", "color_block"))
    return Design(Cut(4, kind, "Jackets", upper=upper), material, pattern, gender, 8.0 if pattern == "plaid" else 4.0)


def _vest(rng: Generator) -> Design:
    gender = _person(rng)
    kind = pick(rng, ("waistcoat vest", "puffer vest", "knitted vest"))
    if kind == "waistcoat vest":
        upper = Upper(
            neck="v", neck_depth=21.0, sleeve=0.0, front="buttons", length=57, waist=0.6, ease=1.4, pockets="flap"
        )
        return Design(
            Cut(5, kind, "Vests", upper=upper), "wool", pick(rng, ("plain", "pinstripe", "plaid")), gender, 8.0
        )
    if kind == "puffer vest":
        upper = Upper(sleeve=0.0, front="zip", collar="stand", ease=4.8, waist=0.0, length=58, quilt=8.0)
        return Design(Cut(5, kind, "Vests", upper=upper), "nylon", "plain", gender)
    upper = Upper(neck="v", neck_depth=13.0, sleeve=0.0, hem="rib", ease=2.0, waist=0.2, length=56)
    return Design(Cut(5, kind, "Vests", upper=upper), "knit", pick(rng, ("plain", "cable", "striped")), gender)


def _pants(rng: Generator) -> Design:
    gender = _person(rng)
    kind = pick(
        rng,
        (
            "jeans",
            "jeans",
            "jeans",
            "chinos",
            "tailored trousers",
            "wide-leg trousers",
            "joggers",
            "cargo pants",
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
            style="chino", ease=1.6, taper=0.2, rise=rise, cuffed=rng.random() < 0.35, length=pick(rng, (1.0, 0.93))
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


def _shorts(rng: Generator) -> Design:
    gender = _person(rng)
    length = float(rng.uniform(0.2, 0.36)) if gender == "female" else float(rng.uniform(0.34, 0.5))
    kind = pick(rng, ("denim shorts", "chino shorts", "cargo shorts", "sport shorts"))
    if kind == "denim shorts":
        return Design(
            Cut(7, kind, "Shorts", lower=Lower(length=length, style="jeans", ease=1.4, cuffed=True, rise=43)),
            "denim",
            "plain",
            gender,
        )
    if kind == "chino shorts":
        pattern, period = _cloth(rng, ("vertical_stripe", "gingham", "floral", "dots"))
        return Design(
            Cut(7, kind, "Shorts", lower=Lower(length=length, ease=2.2, rise=42)),
            pick(rng, ("cotton", "linen")),
            pattern,
            gender,
            period,
        )
    if kind == "cargo shorts":
        return Design(
            Cut(7, kind, "Shorts", lower=Lower(length=max(length, 0.42), style="cargo", ease=3.0, rise=44)),
            "cotton",
            pick(rng, ("plain", "camo")),
            gender,
        )
    return Design(
        Cut(7, kind, "Shorts", lower=Lower(length=length, style="jogger", ease=3.4, rise=43)),
        "nylon",
        pick(rng, ("plain", "camo", "melange")),
        gender,
    )


def _skirt(rng: Generator) -> Design:
    kind = pick(rng, ("pleated", "denim", "a-line", "pencil", "tiered", "wrap", "button-front"))
    pattern, period = _cloth(rng, ("plaid", "dots", "floral", "vertical_stripe", "gingham", "houndstooth", "leopard"))
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


def _coat(rng: Generator) -> Design:
    gender = _person(rng)
    kind = pick(rng, ("trench coat", "wool coat", "wool coat", "puffer coat", "parka coat"))
    length = float(rng.uniform(82, 108))
    if kind == "trench coat":
        upper = Upper(
            neck="v",
            neck_depth=10.0,
            front="double",
            collar="lapel",
            ease=3.0,
            waist=0.65,
            length=length,
            flare=6.0,
            pockets="welt",
            tie_belt=True,
            sleeve_ease=2.5,
        )
        return Design(Cut(9, kind, "Coats", upper=upper), "cotton", "plain", gender)
    if kind == "wool coat":
        front: Front = pick(rng, ("buttons", "double", "open"))
        upper = Upper(
            neck="v",
            neck_depth=10.0,
            front=front,
            collar=pick(rng, ("lapel", "shawl")),
            ease=3.2,
            waist=0.35,
            length=length,
            flare=3.0,
            pockets="flap",
            sleeve_ease=2.4,
        )
        return Design(
            Cut(9, kind, "Coats", upper=upper),
            "wool",
            pick(rng, ("plain", "plain", "plaid", "houndstooth", "melange")),
            gender,
            16.0,
        )
    if kind == "puffer coat":
        upper = Upper(
            front="zip",
            collar=pick(rng, ("stand", "hood")),
            ease=6.0,
            waist=0.15,
            length=length,
            quilt=8.0,
            sleeve_ease=4.2,
        )
        return Design(Cut(9, kind, "Coats", upper=upper), "nylon", "plain", gender)
    upper = Upper(
        front="zip",
        collar="hood",
        ease=4.6,
        waist=0.2,
        length=84,
        pockets="flap",
        sleeve_ease=3.0,
        flare=2.0,
        neck_depth=5.0,
    )
    return Design(Cut(9, kind, "Coats", upper=upper), "cotton", pick(rng, ("plain", "camo")), gender)


def _bodice(rng: Generator) -> Upper:
    neck: Neck = pick(rng, ("v", "scoop", "square", "strap", "crew", "shirt"))
    depth = {"v": 13.0, "scoop": 9.0, "square": 10.0, "strap": 14.0, "crew": 4.5, "shirt": 6.0}[neck]
    sleeve = 0.0 if neck == "strap" else pick(rng, (0.0, 0.32, 0.42, 0.75, 1.0))
    collar: Collar = "shirt" if neck == "shirt" else "none"
    return Upper(
        neck=neck,
        neck_depth=depth,
        neck_half=8.2 if neck in ("strap", "square") else 7.2,
        sleeve=sleeve,
        collar=collar,
        puff=float(rng.choice([0.0, 1.8])),
        cuffs="button" if sleeve > 0.7 else "none",
        length=41.0,
        waist=1.0,
        ease=0.7,
        front="buttons" if neck == "shirt" else pick(rng, ("closed", "closed", "wrap")) if neck == "v" else "closed",
    )


def _dress(rng: Generator) -> Design:
    pattern, period = _cloth(rng, ("floral", "floral", "dots", "striped", "gingham", "plaid", "leopard", "color_block"))
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
            neck="shirt",
            neck_depth=6.0,
            sleeve=pick(rng, (0.4, 1.0)),
            collar="shirt",
            front="buttons",
            length=41.0,
            waist=0.9,
            ease=1.4,
            cuffs="button",
            tie_belt=True,
        )
        skirt = Skirt(length=size[1], flare=9.0, style="buttons", band=False)
    elif kind == "wrap":
        bodice = Upper(
            neck="v",
            neck_depth=14.0,
            sleeve=pick(rng, (0.35, 0.75)),
            front="wrap",
            length=41.0,
            waist=1.0,
            ease=0.7,
            tie_belt=True,
        )
        skirt = Skirt(length=size[1], flare=11.0, style="wrap", band=False)
    elif kind == "tiered":
        skirt = Skirt(length=size[1], flare=18.0, style="tiered", band=False)
    material: Material = "satin" if kind == "slip" else pick(rng, ("cotton", "cotton", "linen", "satin"))
    return Design(
        Cut(10, f"{size[0]} {kind} dress", "Dresses", upper=bodice, skirt=skirt), material, pattern, "female", period
    )


def _jumpsuit(rng: Generator) -> Design:
    pattern, period = _cloth(rng, ("dots", "floral", "vertical_stripe", "plain"))
    short = rng.random() < 0.25
    lower = Lower(
        length=0.3 if short else 0.97,
        ease=float(rng.uniform(2, 4.4)),
        flare=0.0 if short else float(rng.uniform(0, 4)),
        rise=39.0,
    )
    bodice = _bodice(rng)
    return Design(
        Cut(11, "playsuit jumpsuit" if short else "jumpsuit", "Jumpsuits", upper=bodice, lower=lower),
        pick(rng, ("cotton", "linen", "satin")),
        pattern,
        "female",
        period,
    )


def _accessory(
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
        who: Gender = pick(rng, ("female", "male", "unisex")) if gender is None else gender
        return Design(
            Cut(category_id, noun, shelf, accessory=cut),
            pick(rng, materials),
            pattern,
            who,
            8.0 if pattern == "plaid" else 2.0,
        )

    return choose


PLAIN: tuple[Pattern, ...] = ("plain",)

CUTTERS: dict[int, Callable[[Generator], Design]] = {
    0: _shirt,
    1: _tee,
    2: _sweater,
    3: _cardigan,
    4: _jacket,
    5: _vest,
    6: _pants,
    7: _shorts,
    8: _skirt,
    9: _coat,
    10: _dress,
    11: _jumpsuit,
    13: _accessory(
        13,
        "Eyewear",
        {
            "round": ("round", ("nylon", "metal"), PLAIN, None),
            "aviator": ("aviator", ("metal",), PLAIN, None),
            "cat_eye": ("cat-eye", ("nylon",), ("plain", "leopard"), "female"),
            "square": ("square", ("nylon",), PLAIN, None),
        },
    ),
    14: _accessory(
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
    16: _accessory(
        16,
        "Ties",
        {
            "tie": ("tie", ("satin", "wool"), ("plain", "striped", "dots", "plaid", "houndstooth"), "male"),
            "bow_tie": ("bow tie", ("satin",), ("plain", "dots", "plaid"), "male"),
        },
        (0.85, 1.15),
    ),
    18: _accessory(
        18,
        "Watches",
        {
            "watch": ("wrist watch", ("leather", "metal", "nylon"), PLAIN, None),
            "square_watch": ("square wrist watch", ("leather", "metal"), PLAIN, None),
        },
    ),
    19: _accessory(
        19,
        "Belts",
        {
            "belt": ("belt", ("leather", "suede"), PLAIN, None),
            "round_belt": ("ring-buckle belt", ("leather",), PLAIN, "female"),
        },
        (0.75, 1.2),
    ),
    22: _accessory(
        22,
        "Socks",
        {
            "sock": ("socks", ("knit",), ("plain", "striped", "striped", "dots", "cable"), None),
        },
        (0.25, 1.0),
    ),
    23: _accessory(
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
    24: _accessory(
        24,
        "Bags",
        {
            "tote": ("tote bag", ("linen", "leather", "cotton"), ("plain", "plain", "striped", "floral"), None),
            "handbag": ("handbag", ("leather",), PLAIN, "female"),
            "crossbody": ("crossbody bag", ("leather", "suede"), PLAIN, "female"),
            "backpack": (
                "backpack bag",
                ("nylon", "cotton", "leather"),
                ("plain", "plain", "camo", "color_block"),
                None,
            ),
            "clutch": ("clutch bag", ("leather", "satin"), ("plain", "leopard"), "female"),
            "bucket": ("bucket bag", ("leather", "suede"), PLAIN, "female"),
        },
        (0.88, 1.08),
    ),
    25: _accessory(
        25,
        "Scarves",
        {
            "scarf": (
                "scarf",
                ("wool", "knit", "satin"),
                ("plain", "plaid", "plaid", "striped", "leopard", "houndstooth"),
                None,
            ),
        },
        (0.75, 1.1),
    ),
}
"""By iMaterialist category."""

CATEGORY_CYCLE: tuple[int, ...] = (
    0,
    0,
    1,
    1,
    1,
    2,
    2,
    3,
    4,
    4,
    5,
    6,
    6,
    6,
    7,
    8,
    8,
    9,
    9,
    10,
    10,
    10,
    11,
    13,
    14,
    16,
    18,
    19,
    22,
    23,
    23,
    23,
    24,
    24,
    25,
)
"""Categories of one run of product groups: every one at least once, what shops sell most more often."""
