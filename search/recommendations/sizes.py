"""Which sizes are the same, however shops write them.

Sizes are equal within one system only: letters ("M", "Medium"), numbers ("38", "EU 38"), waist and length
("W32 L34"). Between systems nothing is converted: a 38 is an M of one brand and an L of another, and a wrong size
costs a return.
"""

from __future__ import annotations

import re
from functools import lru_cache

Size = tuple[str | int | float, ...]
"""The system a size is of, and what it is there."""

Sizes = frozenset[Size]

ONE_SIZE: Size = ("one size",)
"""Fits whoever asks for any size of clothes; bags and hats have no other."""

_ONE_SIZE_WORDS = frozenset(
    [
        "one size",
        "onesize",
        "one-size",
        "1 size",
        "os",
        "o/s",
        "osfa",
        "osfm",
        "one size fits all",
        "one size fits most",
        "free size",
        "free",
        "universal",
        "uni",
        "unisize",
        "u",
        "tu",
        "taille unique",
        "einheitsgröße",
        "einheitsgrösse",
    ]
)
_REGION = r"(?:(eu|eur|us|usa|uk|gb|fr|it|de|jp|au|cn|br|mx)\.?\s*)?"
_LETTERS = re.compile(r"(\d{1,2}(?=\s*-?\s*x))?\s*-?\s*(x*)\s*-?\s*(?:(s)(?:mall)?|(m)(?:edium)?|(l)(?:arge)?)\.?")
_EXTRA = re.compile(r"(?:extra|x)[\s-]+(?=(?:extra|x|small|large|s\b|l\b))|extra(?=small|large)")
_NUMBER = re.compile(_REGION + r"(\d{1,3}(?:[.,]\d{1,2})?)(½)?\s*([a-z]?)(?:\s*(eu|us|uk))?")
_WAIST_LENGTH = re.compile(r"w\s*(\d{2})\s*[/x-]?\s*l\s*(\d{2})|(\d{2})\s*(?:w\s*[x/]?|x)\s*(\d{2})\s*l?")
_BREAK = re.compile(r"[/,;|]|\s+(?:or|and|to)\s+|(?<=[a-z\d])\s*[-–](?=\s*[a-z\d]+$)")
_REGIONS = {"eur": "eu", "usa": "us", "gb": "uk"}


@lru_cache(maxsize=4096)
def read_sizes(text: str) -> Sizes:
    """The sizes a feed's cell names: one, or several where a product is sold as a whole or covers two ("S/M").

    Returns:
        Keys that are equal where sizes are; empty where the text names none.

    >>> read_sizes("Medium") == read_sizes(" m ") != read_sizes("S")
    True
    >>> read_sizes("2XL") == read_sizes("XXL") == read_sizes("XX-Large")
    True
    >>> read_sizes("L/M/S") == read_sizes("S, M, L")
    True
    >>> read_sizes("One Size") == frozenset({ONE_SIZE}), read_sizes("  ")
    (True, frozenset())
    """
    whole = " ".join(text.lower().split())
    if not whole:
        return frozenset()
    if whole in _ONE_SIZE_WORDS:
        return frozenset({ONE_SIZE})
    for prefix in ("size ", "size:", "gr. ", "gr.", "größe ", "taille "):
        whole = whole.removeprefix(prefix).strip()
    alone = _read_one(whole)
    if alone is not None:
        return frozenset({alone})
    parts = [part.strip() for part in _BREAK.split(whole)]
    return frozenset(_read_one(part) or ("words", part) for part in parts if part)


def same_sizes(one: Sizes, other: Sizes) -> Sizes:
    """The sizes of the first that the other is, too; a number without a region is that number of any region.

    >>> [bool(same_sizes(read_sizes("US 8"), read_sizes(size))) for size in ("8", "8 US", "UK 8", "8.5")]
    [True, True, False, False]
    """
    return frozenset(size for size in one if any(_is_same(size, candidate) for candidate in other))


def _is_same(one: Size, other: Size) -> bool:
    if one == other:
        return True
    if not one[0] == other[0] == "number":
        return False
    return one[2:] == other[2:] and "" in (one[1], other[1])


def _read_one(text: str) -> Size | None:
    if text in _ONE_SIZE_WORDS:
        return ONE_SIZE
    trousers = _WAIST_LENGTH.fullmatch(text)
    if trousers is not None:
        waist, length = (number for number in trousers.groups() if number is not None)
        return ("waist and length", int(waist), int(length))
    letters = _LETTERS.fullmatch(_EXTRA.sub("x", text))
    if letters is not None:
        count, crosses, small, _, large = letters.groups()
        n_crosses = len(crosses) if not count else int(count)
        return ("letters", (1 + n_crosses) * (bool(large) - bool(small)))
    number = _NUMBER.fullmatch(text)
    if number is None:
        return None
    before, digits, half, fit, after = number.groups()
    region = before or after or ""
    value = float(digits.replace(",", ".")) + (0.5 if half else 0.0)
    return ("number", _REGIONS.get(region, region), value, fit)
