"""A varied list: relevance against likeness, checked against the formula written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.diversity import diversify
from tests.search_factories import unit_vector


def naive(relevance: list[float], vectors: np.ndarray, limit: int, diversity: float) -> list[int]:
    """Maximal marginal relevance as the paper writes it, one candidate at a time."""
    chosen: list[int] = []
    while len(chosen) < min(limit, len(relevance)):
        best, best_gain = -1, -np.inf
        for candidate in range(len(relevance)):
            if candidate in chosen:
                continue
            redundancy = max((float(vectors[candidate] @ vectors[other]) for other in chosen), default=0.0)
            gain = (1 - diversity) * relevance[candidate] - diversity * redundancy
            if not chosen:
                gain = relevance[candidate]
            if gain > best_gain + 1e-12:
                best, best_gain = candidate, gain
        chosen.append(best)
    return chosen


@given(st.integers(0, 12), st.integers(1, 14), st.sampled_from([0.0, 0.3, 0.7, 1.0]), st.integers(0, 100))
def test_the_choice_is_that_of_the_formula(n: int, limit: int, diversity: float, seed: int) -> None:
    relevance = sorted(np.random.default_rng(seed).random(n).tolist(), reverse=True)
    vectors = np.stack([unit_vector(seed * 20 + number) for number in range(n)]) if n else np.empty((0, 8), np.float32)
    assert diversify(relevance, vectors, limit=limit, diversity=diversity) == naive(
        relevance, vectors, limit, diversity
    )


@pytest.mark.parametrize("diversity", [0.0, 0.5, 1.0])
def test_copies_of_one_picture_keep_their_order(diversity: float) -> None:
    same = np.stack([unit_vector(1)] * 4)
    assert diversify([0.8] * 4, same, limit=3, diversity=diversity) == [0, 1, 2]


def test_the_more_diversity_the_less_alike_the_chosen() -> None:
    vectors = np.stack([unit_vector(seed) for seed in range(30)])
    relevance = sorted((float(vector @ vectors[0]) for vector in vectors), reverse=True)

    def likeness(diversity: float) -> float:
        chosen = vectors[diversify(relevance, vectors, limit=6, diversity=diversity)]
        return float((chosen @ chosen.T).mean())

    assert likeness(0.0) > likeness(0.5) > likeness(1.0)
