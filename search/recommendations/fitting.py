"""Whether an alternative comes in the size, and for whom it is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from catalog.models import Product
from search.filters import Filters
from search.recommendations.sizes import ONE_SIZE, Sizes, read_sizes, same_sizes
from search.vocabulary import age_group_of, gender_of

_OPPOSITE = {"male": frozenset({"female"}), "female": frozenset({"male"})}

SizeCode = Literal["same_size", "size_available"]


@dataclass(frozen=True, slots=True)
class SizeFit:
    """How an alternative's size answers the one wanted."""

    comes_in_it: bool | None
    """None where the one or the other is not known."""
    code: SizeCode | None = None


def fit_size(wanted: Sizes, offered: str) -> SizeFit:
    """Compares the sizes wanted with what a feed's cell offers.

    Where several are wanted (a product sold in all sizes as one article), an alternative that has one of them fits.

    >>> fit_size(read_sizes("M"), "Medium"), fit_size(read_sizes("M"), "S/M")
    (SizeFit(comes_in_it=True, code='same_size'), SizeFit(comes_in_it=True, code='size_available'))
    >>> fit_size(read_sizes("M"), "L").comes_in_it, fit_size(read_sizes("M"), "38").comes_in_it
    (False, None)
    """
    sizes = read_sizes(offered)
    if not wanted or not sizes:
        return SizeFit(None)
    shared = same_sizes(wanted, sizes)
    if shared == wanted and len(sizes) == len(wanted):
        return SizeFit(True, "same_size")
    if shared or ONE_SIZE in sizes:
        return SizeFit(True, "size_available")
    # An M may be a 38 or not, and a hat of one size stands for any: nobody told.
    return SizeFit(False) if {size[0] for size in wanted} & {size[0] for size in sizes} else SizeFit(None)


def any_fits(wanted: Sizes, offered: Iterable[str]) -> bool | None:
    """Whether any of several cells offers the sizes wanted; None where no size is wanted.

    >>> any_fits(read_sizes("M"), ["L", "S/M"]), any_fits(read_sizes("M"), []), any_fits(read_sizes(""), ["M"])
    (True, False, None)
    """
    return any(fit_size(wanted, each).comes_in_it for each in offered) if wanted else None


def made_for_the_same(product: Product) -> Filters:
    """Filters that keep to those a product is made for: never the other gender, and the same age group.

    What names no gender, or all of them, is for everybody; an age group that means nothing here restricts nothing.
    """
    age_group = age_group_of(product.age_group)
    return Filters(
        except_genders=_OPPOSITE.get(gender_of(product.gender) or "", frozenset()),
        age_groups=None if age_group is None else frozenset({age_group}),
    )
