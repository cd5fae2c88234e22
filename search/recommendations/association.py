"""How strongly two kinds of garments belong together, from how often they were seen so."""

from __future__ import annotations

import math
from dataclasses import dataclass

PRIOR_PHOTOS = 5.0
"""What a coarser estimate weighs against counts, in photos: five photos are believed as much as it is."""


@dataclass(frozen=True, slots=True)
class Counts:
    """In how many photos things were seen; photos that show one garment alone are not counted."""

    n_near: int = 0
    """Of the product and its look-alikes, with the other kind in them."""
    n_near_all: int = 0
    n_both: int = 0
    """Of its category, with the other kind in them."""
    n_own: int = 0
    """Of its category."""
    n_other: int = 0
    """That show the other kind, whatever else."""
    n_all: int = 0


@dataclass(frozen=True, slots=True)
class Association:
    """How two kinds of garments belong together."""

    support: float
    """Chance that a photo of such a thing shows the other kind, too, 0..1."""
    lift: float
    """How many times likelier that is than for any photo; 1 says nothing."""

    @property
    def strength(self) -> float:
        """What slots are ordered by: sqrt(support * lift), the interest-support measure (cosine of the two kinds).

        Lift alone would put the rarest first, support alone what is worn with everything.
        Source: Tan, Kumar and Srivastava, "Selecting the right interestingness measure for association patterns",
        KDD 2002. Rounded, so that the order does not hang on the last bits of floating point.
        """
        return round(math.sqrt(self.support * self.lift), 9)


def associate(counts: Counts) -> Association:
    """Estimates support and lift; small counts are drawn towards what is known of more photos.

    The share among photos of the product and its look-alikes is drawn towards the share among photos of its category,
    and that one towards the share among all photos, each by `PRIOR_PHOTOS` photos (additive smoothing).

    >>> nothing = associate(Counts())
    >>> (nothing.support, nothing.lift)
    (0.5, 1.0)
    >>> trousers = associate(Counts(n_near=9, n_near_all=10, n_both=80, n_own=100, n_other=400, n_all=1000))
    >>> round(trousers.support, 2), round(trousers.lift, 2)
    (0.86, 2.15)
    """
    base = (counts.n_other + 0.5) / (counts.n_all + 1.0)
    of_category = (counts.n_both + PRIOR_PHOTOS * base) / (counts.n_own + PRIOR_PHOTOS)
    support = (counts.n_near + PRIOR_PHOTOS * of_category) / (counts.n_near_all + PRIOR_PHOTOS)
    return Association(support, support / base)
