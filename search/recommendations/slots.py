"""Which kinds of garments go with a product: weighed by what was seen, without inventing a rule of style."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from search.models import SeenTogether
from search.recommendations.association import Association, associate
from search.recommendations.beside import Surroundings, colors_of
from search.recommendations.look_results import SeenTogetherCounts, SlotColor
from search.recommendations.places import go_together, places_of
from search.recommendations.together import ColorSeen, SeenWith

LEAST_ALIKE = 2
"""Photos of look-alikes that must show a kind: one may be a stylist's whim. The product's own photo is enough."""

LEAST_COUNTED = 5
"""Photos of the whole catalog and of shoppers that must, where no photo of a look-alike does."""

LEAST_LIFT = 0.75
"""Kinds that only counts speak for must not avoid each other: seen together less often than this times chance."""

MAX_COLORS = 5


@dataclass(frozen=True, slots=True)
class Kind:
    """A category that goes with a product, and why."""

    category_id: int
    association: Association
    seen_together: SeenTogetherCounts

    @property
    def order(self) -> tuple[float, int, int]:
        """The strongest first; ties by the number of photos, then by category."""
        return (-self.association.strength, -self.seen_together.total, self.category_id)


def kinds_beside(surroundings: Surroundings, seen_with: SeenWith, taken: frozenset[str]) -> list[Kind]:
    """The kinds that were seen with a product often enough to say so, strongest first.

    Args:
        surroundings: What its own and its look-alikes' photos show.
        seen_with: What was counted of its category.
        taken: Where the product itself is worn.
    """
    candidates = {each.category_id for each in surroundings.seen} | seen_with.other_category_ids
    kinds = [_weigh(each, surroundings, seen_with) for each in sorted(candidates) if go_together(each, taken)]
    return sorted(filter(_is_certain, kinds), key=lambda kind: kind.order)


def wearable(kinds: Iterable[Kind], taken: frozenset[str]) -> list[Kind]:
    """Those that can be worn together with the product and with each other; the stronger ones stay."""
    chosen = []
    for kind in kinds:
        if go_together(kind.category_id, taken):
            chosen.append(kind)
            taken |= places_of([kind.category_id])
    return chosen


def slot_colors(surroundings: Surroundings, category_id: int, counted: Sequence[ColorSeen]) -> tuple[SlotColor, ...]:
    """The colors a kind was seen in: as counted beside the product's color, else as its look-alikes' photos show."""
    if counted:
        colors = [SlotColor(each.name, each.n_photos, each.lift) for each in counted]
    else:
        near = colors_of(surroundings.of_category(category_id))
        colors = [SlotColor(name, n_photos, None) for name, n_photos in near.items()]
    return tuple(sorted(colors, key=lambda color: (-color.n_photos, -(color.lift or 0.0), color.name))[:MAX_COLORS])


def _weigh(category_id: int, surroundings: Surroundings, seen_with: SeenWith) -> Kind:
    n_own, n_alike = surroundings.n_own(category_id), surroundings.n_alike(category_id)
    counts = seen_with.counts(category_id, n_near=n_own + n_alike, n_near_all=surroundings.n_photos)
    seen_together = SeenTogetherCounts(
        own_photos=n_own,
        similar_photos=n_alike,
        catalog_photos=seen_with.n_together(category_id, SeenTogether.Source.CATALOG),
        shopper_photos=seen_with.n_together(category_id, SeenTogether.Source.SEARCHES),
    )
    return Kind(category_id, associate(counts), seen_together)


def _is_certain(kind: Kind) -> bool:
    seen = kind.seen_together
    if seen.own_photos or seen.similar_photos >= LEAST_ALIKE:
        return True
    counted = seen.catalog_photos + seen.shopper_photos
    return counted >= LEAST_COUNTED and kind.association.lift >= LEAST_LIFT
