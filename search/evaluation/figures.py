"""Figures of answer lists: recall at k, mean average precision, with intervals, in whole and by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.evaluation.benchmark import SAME
from segmentation.evaluation.intervals import bootstrap_interval

RANKS = (1, 5, 10)
_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one query fared under one measure."""

    query_id: str
    kind: str
    category_id: int | None
    """Of what should have been found."""
    rank: int | None
    """Of the first right product, from 1; None where none of the first ten is right."""
    same_color_rank: int | None
    """Likewise of grade 2 alone."""
    has_same_color: bool
    """Whether there is a product of grade 2 to find."""
    average_precision: float
    """Of the first ten."""
    is_missed: bool
    """Nothing to ask with was found in the photo."""
    found: tuple[str, ...]
    """The first ten, best first."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over queries. `recall_at[k]` is the share of queries with a right product (any grade) among the first k;
    `same_color_recall_at` counts grade 2 alone, over queries that have one; intervals are 95 % bootstrap intervals.
    """

    n_queries: int
    n_missed: int
    recall_at: Mapping[int, float]
    recall_interval: Mapping[int, tuple[float, float]]
    n_same_color: int
    same_color_recall_at: Mapping[int, float]
    map_at_10: float
    map_interval: tuple[float, float]


def outcome_of(
    query_id: str, kind: str, category_id: int | None, relevant: Mapping[str, int], found: Sequence[str]
) -> Outcome:
    """Judge one answer list.

    >>> outcome_of("q", "wild", 6, {"a": 2, "b": 1}, ["b", "x", "a"]).rank
    1
    >>> outcome_of("q", "wild", 6, {"a": 2, "b": 1}, ["b", "x", "a"]).same_color_rank
    3
    """
    first = list(found[:_DEPTH])
    return Outcome(
        query_id=query_id,
        kind=kind,
        category_id=category_id,
        rank=_first_rank([each in relevant for each in first]),
        same_color_rank=_first_rank([relevant.get(each) == SAME for each in first]),
        has_same_color=SAME in relevant.values(),
        average_precision=average_precision([each in relevant for each in first], len(relevant)),
        is_missed=not first,
        found=tuple(first),
    )


def average_precision(is_right: Sequence[bool], n_right: int) -> float:
    """Average precision of the first ten: precision at each right product, over as many as there could be in ten.

    Source: Manning et al., "Introduction to Information Retrieval", 2008, 8.4, cut at rank 10.

    >>> average_precision([True, False, True], 2)
    0.8333333333333333
    """
    hits = np.cumsum(is_right)
    precisions = [hits[place] / (place + 1) for place, right in enumerate(is_right) if right]
    return float(sum(precisions) / min(n_right, _DEPTH)) if n_right else 0.0


def figures_of(outcomes: Sequence[Outcome]) -> Figures | None:
    """Means over outcomes; None where there are none."""
    if not outcomes:
        return None
    recalls = {k: np.array([_is_within(each.rank, k) for each in outcomes]) for k in RANKS}
    with_same = [each for each in outcomes if each.has_same_color]
    precisions = np.array([each.average_precision for each in outcomes])
    return Figures(
        n_queries=len(outcomes),
        n_missed=sum(each.is_missed for each in outcomes),
        recall_at={k: float(values.mean()) for k, values in recalls.items()},
        recall_interval={k: bootstrap_interval(values) for k, values in recalls.items()},
        n_same_color=len(with_same),
        same_color_recall_at={
            k: float(np.mean([_is_within(each.same_color_rank, k) for each in with_same])) if with_same else 0.0
            for k in RANKS
        },
        map_at_10=float(precisions.mean()),
        map_interval=bootstrap_interval(precisions),
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more one evaluation finds than another on the same queries, with the paired 95 % interval."""

    n_queries: int
    before: float
    after: float
    difference: float
    interval: tuple[float, float]

    @property
    def is_worse(self) -> bool:
        """Whether it finds less, by more than the choice of queries explains."""
        return self.interval[1] < 0.0


def compare_recall(before: Sequence[Outcome], after: Sequence[Outcome], k: int) -> Difference | None:
    """Compare recall at k, query by query; None where no query is in both."""
    earlier = {each.query_id: each for each in before}
    pairs = [(earlier[each.query_id], each) for each in after if each.query_id in earlier]
    if not pairs:
        return None
    first: NDArray[np.float64] = np.array([_is_within(one.rank, k) for one, _ in pairs])
    second: NDArray[np.float64] = np.array([_is_within(other.rank, k) for _, other in pairs])
    interval = bootstrap_interval(second - first)
    return Difference(len(pairs), float(first.mean()), float(second.mean()), float((second - first).mean()), interval)


def _is_within(rank: int | None, k: int) -> float:
    return float(rank is not None and rank <= k)


def _first_rank(is_right: Sequence[bool]) -> int | None:
    return next((place for place, right in enumerate(is_right, start=1) if right), None)
