"""Color names of the shop and what they look like."""

from __future__ import annotations

from segmentation.drawn.patterns import Rgb

PALETTE: dict[str, Rgb] = {
    "Black": (34, 34, 38),
    "White": (242, 241, 237),
    "Ivory": (236, 227, 205),
    "Gray": (138, 141, 146),
    "Charcoal": (72, 75, 82),
    "Navy": (33, 46, 84),
    "Blue": (52, 98, 178),
    "Light Blue": (148, 186, 222),
    "Teal": (32, 122, 128),
    "Green": (46, 122, 72),
    "Olive": (104, 107, 62),
    "Mint": (166, 214, 190),
    "Yellow": (236, 196, 66),
    "Mustard": (198, 146, 44),
    "Orange": (226, 118, 48),
    "Rust": (164, 78, 46),
    "Red": (192, 40, 48),
    "Burgundy": (110, 30, 46),
    "Pink": (232, 160, 176),
    "Fuchsia": (204, 52, 124),
    "Lilac": (180, 162, 214),
    "Purple": (98, 58, 134),
    "Brown": (102, 68, 46),
    "Camel": (190, 146, 96),
    "Beige": (214, 196, 168),
    "Khaki": (172, 156, 116),
}

WORKWEAR_BLUES: dict[str, Rgb] = {
    "Light Blue": (138, 170, 204),
    "Blue": (74, 108, 158),
    "Indigo": (44, 58, 98),
    "Black": (48, 48, 54),
    "White": (232, 230, 224),
}
"""What denim is dyed."""

HIDES: dict[str, Rgb] = {
    "Black": (36, 33, 34),
    "Brown": (98, 60, 38),
    "Tan": (178, 118, 68),
    "Burgundy": (104, 32, 42),
    "Navy": (40, 48, 76),
    "White": (238, 236, 232),
    "Beige": (212, 190, 160),
    "Red": (176, 38, 42),
    "Gray": (134, 132, 134),
    "Green": (58, 88, 66),
}
"""What leather is dyed."""

PAIRINGS: dict[str, tuple[str, ...]] = {
    "Black": ("White", "Gray", "Red", "Camel", "Mustard"),
    "White": ("Navy", "Black", "Red", "Blue", "Green", "Pink"),
    "Ivory": ("Navy", "Rust", "Brown", "Green", "Black"),
    "Navy": ("White", "Red", "Camel", "Light Blue", "Yellow"),
}
"""Accents that go well with a ground; other grounds take white, black or ivory and a neighbor."""

DEFAULT_PAIRING = ("White", "Ivory", "Black", "Navy")
