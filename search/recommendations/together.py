"""Reads what was counted about a kind of garment: how often others were seen with it, and in which colors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q

from search.index.base import NO_CATEGORY
from search.models import SeenTogether
from search.recommendations.association import PRIOR_PHOTOS, Counts

SOURCES = tuple(SeenTogether.Source)

_Key = tuple[str, int, str, int, str]
"""Source, category, color, other category, other color."""


@dataclass(frozen=True, slots=True)
class ColorSeen:
    """A color in which a category was seen beside things of the product's category and color."""

    name: str
    n_photos: int
    lift: float
    """How many times likelier than where that category is seen beside anything."""


@dataclass(frozen=True, slots=True)
class SeenWith:
    """The counts that concern one category, in the photos of a retailer and of its shoppers."""

    category_id: int
    table: Counter[_Key]
    counted_at: datetime | None = None
    """None where nothing was counted yet."""

    @property
    def other_category_ids(self) -> frozenset[int]:
        """Every category that was seen with it."""
        return frozenset(key[3] for key in self.table if key[1] == self.category_id) - {self.category_id}

    def n_together(self, category_id: int, source: SeenTogether.Source) -> int:
        """In how many photos of one source both were seen."""
        return self.table[source.value, self.category_id, "", category_id, ""]

    def counts(self, category_id: int, *, n_near: int = 0, n_near_all: int = 0) -> Counts:
        """What was counted of both, joined with what was seen near the product."""
        own, other = self.category_id, category_id
        return Counts(
            n_near=n_near,
            n_near_all=n_near_all,
            n_both=_over_sources(self.table, own, "", other, ""),
            n_own=_over_sources(self.table, own, "", own, ""),
            n_other=_over_sources(self.table, other, "", other, ""),
            n_all=_over_sources(self.table, NO_CATEGORY, "", NO_CATEGORY, ""),
        )


def read_seen_with(category_id: int, retailer_id: int) -> SeenWith:
    """Reads a category's counts: some hundred small rows, however large the catalog."""
    alone = Q(other_category_id=F("category_id"))
    kinds = Q(color_name="", other_color_name="") & (Q(category_id=category_id) | alone)
    table, counted_at = _read(kinds, retailer_id)
    return SeenWith(category_id, table, counted_at)


def read_colors(
    category_id: int, color_name: str, other_category_ids: Collection[int], retailer_id: int
) -> dict[int, list[ColorSeen]]:
    """The colors in which other categories were seen beside a category in a color, most often first."""
    alone = Q(other_category_id=F("category_id"), other_color_name=F("color_name"))
    pairs = Q(category_id=category_id, color_name=color_name) & ~Q(other_color_name="")
    kinds = Q(other_category_id__in=other_category_ids) & (pairs | alone)
    table, _ = _read(kinds, retailer_id)
    found: dict[int, list[ColorSeen]] = {}
    for other in other_category_ids:
        beside = {key[4] for key in table if key[1:4] == (category_id, color_name, other)}
        n_beside = sum(_over_sources(table, category_id, color_name, other, name) for name in beside)
        n_other = _over_sources(table, other, "", other, "")
        seen = []
        for name in sorted(beside):
            n_photos = _over_sources(table, category_id, color_name, other, name)
            base = (_over_sources(table, other, name, other, name) + 0.5) / (n_other + 1.0)
            lift = (n_photos + PRIOR_PHOTOS * base) / (n_beside + PRIOR_PHOTOS) / base
            seen.append(ColorSeen(name, n_photos, lift))
        found[other] = sorted(seen, key=lambda each: (-each.n_photos, -each.lift, each.name))
    return found


def _read(kinds: Q, retailer_id: int) -> tuple[Counter[_Key], datetime | None]:
    """Counts of a retailer's photos and of searches that concern all; only the newest where two processes counted."""
    rows = list(
        SeenTogether.objects.filter(kinds, Q(retailer_id=retailer_id) | Q(retailer_id=None)).values_list(
            "retailer_id", "counted_at", "source", "category_id", "color_name", "other_category_id",
            "other_color_name", "n_photos",
        )
    )  # fmt: skip
    newest: dict[tuple[int | None, str], datetime] = {}
    for owner, counted_at, source, _, _, _, _, _ in rows:
        newest[owner, source] = max(counted_at, newest.get((owner, source), counted_at))
    table: Counter[_Key] = Counter()
    for owner, counted_at, source, category_id, color, other_id, other_color, n_photos in rows:
        if counted_at == newest[owner, source]:
            table[source, category_id, color, other_id, other_color] += n_photos
    return table, max(newest.values(), default=None)


def _over_sources(table: Counter[_Key], category_id: int, color: str, other_id: int, other_color: str) -> int:
    return sum(table[source.value, category_id, color, other_id, other_color] for source in SOURCES)
