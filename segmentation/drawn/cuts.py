"""Cuts: what shape a product has, apart from its cloth. Lengths are body units, `Upper.length` from the neck base."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Neck = Literal["crew", "v", "scoop", "boat", "square", "strap", "shirt"]
Front = Literal["closed", "buttons", "zip", "half_zip", "polo", "double", "open", "wrap"]
Collar = Literal["none", "shirt", "lapel", "stand", "turtle", "hood", "shawl", "bow"]
Pockets = Literal["none", "chest", "two_chest", "patch", "welt", "kangaroo", "flap"]


@dataclass(frozen=True, slots=True)
class Upper:
    """From the shoulders down: tops, jackets, coats, and the bodice of dresses and jumpsuits."""

    neck: Neck = "crew"
    neck_depth: float = 5.0
    neck_half: float = 7.0
    sleeve: float = 1.0
    """Share of the arm it covers; 0 is sleeveless."""
    sleeve_ease: float = 1.2
    sleeve_flare: float = 0.0
    puff: float = 0.0
    length: float = 58.0
    ease: float = 2.0
    flare: float = 0.0
    waist: float = 0.5
    """How far the side seam follows the waist, 0..1."""
    front: Front = "closed"
    collar: Collar = "none"
    hem: Literal["straight", "curved", "rib"] = "straight"
    cuffs: Literal["none", "rib", "button"] = "none"
    pockets: Pockets = "none"
    print_number: int = 0
    """A printed motif on the chest, 0 for none."""
    quilt: float = 0.0
    """Units between quilting seams, 0 for none."""
    tie_belt: bool = False
    ruffle: bool = False


@dataclass(frozen=True, slots=True)
class Lower:
    """Two legs from a waistband: trousers, shorts, and the lower half of jumpsuits."""

    length: float = 1.0
    """Share of the leg it covers."""
    ease: float = 1.5
    flare: float = 0.0
    taper: float = 0.0
    rise: float = 42.0
    """Height of the waistband's top below the neck base."""
    style: Literal["chino", "jeans", "pleated", "jogger", "cargo", "leggings", "tailored"] = "chino"
    cuffed: bool = False


@dataclass(frozen=True, slots=True)
class Skirt:
    """From the waist down in one tube: skirts and the lower half of dresses."""

    length: float = 45.0
    """From the waistband to the hem."""
    flare: float = 8.0
    ease: float = 1.0
    rise: float = 39.0
    style: Literal["plain", "pleated", "tiered", "buttons", "wrap", "slit", "denim", "gathered"] = "plain"
    band: bool = True


@dataclass(frozen=True, slots=True)
class Accessory:
    """Anything that is not hung on shoulders or hips; `kind` is known to its drawing module."""

    kind: str
    size: float = 1.0
    detail: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """A shape that can be made in many fabrics.

    Exactly one of the following is set: `upper` (with `skirt` for dresses, `lower` for jumpsuits), `lower`,
    `skirt`, `accessory`.
    """

    category_id: int
    noun: str
    """What a shopper calls it: "crew-neck t-shirt"."""
    product_type: str
    """The shop's shelf: "T-Shirts"."""
    upper: Upper | None = None
    lower: Lower | None = None
    skirt: Skirt | None = None
    accessory: Accessory | None = None
