"""Products for the kinds that go with a product: each by the garment it is most like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from search.neighbours import Neighbourhood, Query
from search.ranking import Match
from search.recommendations.beside import Beside


@dataclass(frozen=True, slots=True)
class Asked:
    """One search for a kind: like a garment that was seen beside, or like the product in colors seen with it."""

    category_id: int
    query: Query
    beside: Beside | None

    @property
    def weight(self) -> float:
        """What a similarity to it counts, 0..1."""
        return 1.0 if self.beside is None else self.beside.weight


@dataclass(frozen=True, slots=True)
class Found:
    """One product for a kind, and the garment it is like."""

    match: Match
    score: float
    beside: Beside | None

    @property
    def order(self) -> tuple[float, int, int]:
        """Best first; ties by the lower keys."""
        return (-self.score, self.match.product_id, self.match.garment_id)


def best_by_kind(asked: Sequence[Asked], found: Neighbourhood) -> Mapping[int, list[Found]]:
    """Each kind's products, each by the garment it is most like, best first."""
    best: defaultdict[int, dict[Hashable, Found]] = defaultdict(dict)
    for each, matches in zip(asked, found.matches, strict=True):
        of_kind = best[each.category_id]
        for match in matches:
            candidate = Found(match, round(match.similarity * each.weight, 9), each.beside)
            known = of_kind.get(match.group)
            if known is None or candidate.order < known.order:
                of_kind[match.group] = candidate
    return defaultdict(
        list,
        {kind: sorted(of_kind.values(), key=lambda each: each.order) for kind, of_kind in best.items()},
    )


def pick(kinds: Sequence[Sequence[Found]], limit: int) -> list[list[Found]]:
    """The best of each kind; what a stronger kind took is no other's."""
    taken: set[Hashable] = set()
    picked = []
    for of_kind in kinds:
        free = [each for each in of_kind if each.match.group not in taken][:limit]
        taken.update(each.match.group for each in free)
        picked.append(free)
    return picked
