"""How well a steered search keeps what it should and changes what it should, where the truth is known.

*Another color*: a garment is asked for in another color of its cut; right is the same cut in that color. *Same
pattern*: right is the same pattern in another color. Searches are exact, over all samples of the gallery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.color_distance import color_distance, color_match, names_meant
from segmentation.steering.axes import SteeringAxes, steer, steered_similarities
from segmentation.steering.samples import Samples

K = 10
CANDIDATES = 100
"""How many hits of the index are ordered anew by both sides' steered cosine."""
PLAIN, FILTERED, COLORED = "plain search", "plain, color filter", "plain, color filter and order"
STEERED, STEERED_COLORED, REORDERED = "steered, color filter", "steered, color filter and order", "steered, reordered"
STEERED_ALONE = "steered"
Ranker = Callable[[int, str], NDArray[np.float32]]
"""A query's row and the wanted color -> scores of the gallery, float32 (N,)."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Means over questions: whether the first hit is right, and of the right ones among the first ten, the share of
    all that ten places can hold.
    """

    precision_at_1: float
    precision_at_10: float
    n_questions: int


def another_color(
    queries: Samples, gallery: Samples, axes: SteeringAxes | None, *, color_weight: float, same: bool = False
) -> dict[str, Rates]:
    """Ask for every query in every other color that its cut is sold in.

    Args:
        queries: Garments.
        gallery: What is sold, other photos of the same cuts among it.
        axes: What steers.
        color_weight: Similarity that being wholly in the asked color is worth, where colors order.
        same: The queries are the gallery's own rows: none finds itself.

    Returns:
        By method: without and with a filter by seen color, an order by color shares, and steering.
    """
    plain, steered = queries.vectors @ gallery.vectors.T, steer(queries.vectors, "shape", axes) @ gallery.vectors.T
    seen = _SeenColors(gallery)
    rankers: dict[str, Ranker] = {
        PLAIN: lambda row, _: plain[row],
        FILTERED: lambda row, color: plain[row] + seen.barred(color),
        COLORED: lambda row, color: plain[row] + seen.barred(color) + color_weight * seen.match(color),
        STEERED: lambda row, color: steered[row] + seen.barred(color),
        STEERED_COLORED: lambda row, color: steered[row] + seen.barred(color) + color_weight * seen.match(color),
    }
    questions = [
        (row, str(color), (gallery.cuts == cut) & (gallery.colors == color))
        for row, (cut, own) in enumerate(zip(queries.cuts, queries.colors, strict=True))
        for color in np.unique(gallery.colors[gallery.cuts == cut])
        if color != own
    ]
    return _rates(rankers, questions, same=same)


def same_pattern(
    queries: Samples, gallery: Samples, axes: SteeringAxes | None, *, other_cuts: bool = False
) -> dict[str, Rates]:
    """Ask for every query's pattern, whatever the color; the product itself does not answer.

    Args:
        queries: Garments.
        gallery: What is sold.
        axes: What steers.
        other_cuts: Only garments of another cut may answer.
    """
    plain, steered = queries.vectors @ gallery.vectors.T, steer(queries.vectors, "pattern", axes) @ gallery.vectors.T

    def may_answer(row: int) -> NDArray[np.float32]:
        of_cut = gallery.cuts == queries.cuts[row]
        itself = of_cut & (gallery.patterns == queries.patterns[row]) & (gallery.colors == queries.colors[row])
        barred = of_cut if other_cuts else itself
        return np.where(barred, -np.inf, 0.0).astype(np.float32)

    def reordered(row: int) -> NDArray[np.float32]:
        scores = steered[row] + may_answer(row)
        first = np.argsort(-scores, kind="stable")[:CANDIDATES]
        scores[first] = 2 + steered_similarities(queries.vectors[row], gallery.vectors[first], "pattern", axes)
        return np.asarray(scores + may_answer(row), dtype=np.float32)

    rankers: dict[str, Ranker] = {
        PLAIN: lambda row, _: plain[row] + may_answer(row),
        STEERED_ALONE: lambda row, _: steered[row] + may_answer(row),
        REORDERED: lambda row, _: reordered(row),
    }
    rights = (
        (gallery.patterns == pattern) & (gallery.colors != color) & ~((gallery.cuts == cut) & other_cuts)
        for cut, pattern, color in zip(queries.cuts, queries.patterns, queries.colors, strict=True)
    )
    return _rates(rankers, [(row, "", right) for row, right in enumerate(rights) if right.any()], same=False)


def color_separation(queries: Samples, gallery: Samples) -> float:
    """How often a product's own colors are nearer to another photo of it than those of its cut in another color.

    Args:
        queries: Garments.
        gallery: Other photos of the same products, and of the same cuts and patterns in other colors.

    Returns:
        The area under the ROC curve of `color_distance` within a cut and pattern, 0.5 (chance) to 1; NaN where
        nothing can be compared.
    """
    nearer: list[float] = []
    for row in range(len(queries)):
        of_design = (gallery.cuts == queries.cuts[row]) & (gallery.patterns == queries.patterns[row])
        itself = of_design & (gallery.colors == queries.colors[row])
        own, other = (
            np.array([color_distance(queries.seen[row], gallery.seen[each]) for each in np.flatnonzero(rows)])
            for rows in (itself, of_design & ~itself)
        )
        nearer.extend(((own[:, None] < other) + 0.5 * (own[:, None] == other)).ravel())
    return float(np.mean(nearer)) if nearer else float("nan")


class _SeenColors:
    """What a search knows of the gallery's colors, looked up once a color."""

    def __init__(self, gallery: Samples) -> None:
        self._seen = gallery.seen
        self._barred: dict[str, NDArray[np.float32]] = {}
        self._match: dict[str, NDArray[np.float32]] = {}

    def barred(self, color: str) -> NDArray[np.float32]:
        """0 where the dominant color is meant, -inf elsewhere, float32 (N,)."""
        if color not in self._barred:
            meant = names_meant(color)
            dominant = (next(iter(seen), "") for seen in self._seen)
            self._barred[color] = np.array([0.0 if name in meant else -np.inf for name in dominant], np.float32)
        return self._barred[color]

    def match(self, color: str) -> NDArray[np.float32]:
        """`color_match` of each, float32 (N,)."""
        if color not in self._match:
            self._match[color] = np.array([color_match(seen, color) for seen in self._seen], np.float32)
        return self._match[color]


def _rates(
    rankers: Mapping[str, Ranker], questions: list[tuple[int, str, NDArray[np.bool_]]], *, same: bool
) -> dict[str, Rates]:
    rates = {}
    for method, rank in rankers.items():
        first, ten = [], []
        for row, color, right in questions:
            scores = rank(row, color).copy()
            if same:
                scores[row] = -np.inf
            best = np.argsort(-scores, kind="stable")[:K]
            hits = right[best] & np.isfinite(scores[best])
            first.append(bool(hits[0]))
            ten.append(float(hits.sum()) / min(K, int(right.sum())))
        rates[method] = Rates(_mean(first), _mean(ten), len(questions))
    return rates


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
