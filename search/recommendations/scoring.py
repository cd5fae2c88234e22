"""How good an alternative is: how alike it looks, whether it comes in the size, and what it costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

UNLIKE_SIZE = 0.4
"""What an alternative is worth that does not come in the size wanted: a shopper must change their mind about it."""

UNKNOWN_SIZE = 0.8
"""What one is worth whose size, or the size wanted, nobody told."""

OTHER_BRAND = 0.95
"""Brands are cut alike within themselves; it decides between equals and no more."""

UNKNOWN_PRICE = 0.7
"""What an alternative is worth whose price cannot be compared."""

DEARER_SCALE = 0.35
"""Log price ratio at which a dearer alternative is worth half: 42 % more."""

CHEAPER_SCALE = 0.70
"""Log price ratio at which a cheaper alternative is worth half: half the price. Cheaper disturbs less than dearer."""


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """What a score is the product of, each 0..1."""

    likeness: float
    """Cosine of the garments' embeddings; 1 for the same garment in another color."""
    size: float
    price: float
    brand: float

    @property
    def score(self) -> float:
        """Their product: an alternative that fails in one way is not saved by the others.

        Rounded, so that the order does not hang on the last bits of floating point.
        """
        return round(self.likeness * self.size * self.price * self.brand, 9)


def score_parts(
    *,
    likeness: float,
    comes_in_size: bool | None,
    price_ratio: float | None,
    is_same_brand: bool,
) -> ScoreParts:
    """Scores one alternative.

    score = likeness * size * price * brand, where price = 1 / (1 + (r / scale)**2) for the log price ratio r: a soft
    penalty without a cliff, whose heavy tail lets what looks wholly alike be dear (Cauchy's weight function).
    Source: Holland and Welsch, "Robust regression using iteratively reweighted least-squares", 1977 (the weight).

    Args:
        likeness: 0..1.
        comes_in_size: Whether the size wanted can be bought; None where it is not known.
        price_ratio: Its price divided by the product's; None where they cannot be compared.
        is_same_brand: Whether the brands are the same.

    >>> score_parts(likeness=1.0, comes_in_size=True, price_ratio=1.0, is_same_brand=True).score
    1.0
    >>> [round(score_parts(likeness=1.0, comes_in_size=True, price_ratio=ratio, is_same_brand=True).price, 2)
    ...  for ratio in (0.5, 0.8, 1.2, 1.5, 2.0)]
    [0.5, 0.91, 0.79, 0.43, 0.2]
    """
    size = UNKNOWN_SIZE if comes_in_size is None else 1.0 if comes_in_size else UNLIKE_SIZE
    return ScoreParts(likeness, size, _price_part(price_ratio), 1.0 if is_same_brand else OTHER_BRAND)


def price_ratio(paid: Decimal | None, wanted: Decimal | None, *, same_currency: bool) -> float | None:
    """How many times another price a price is; None where they cannot be compared.

    >>> price_ratio(Decimal(60), Decimal(50), same_currency=True), price_ratio(None, Decimal(50), same_currency=True)
    (1.2, None)
    """
    if paid is None or wanted is None or not same_currency or paid <= 0 or wanted <= 0:
        return None
    return float(paid / wanted)


def _price_part(ratio: float | None) -> float:
    if ratio is None:
        return UNKNOWN_PRICE
    log_ratio = math.log(ratio)
    return 1.0 / (1.0 + (log_ratio / (DEARER_SCALE if log_ratio > 0 else CHEAPER_SCALE)) ** 2)
