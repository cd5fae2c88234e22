"""Results that do not all look the same: maximal marginal relevance over the candidates' stored vectors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

POOL_FACTOR = 4
"""Candidates for each product wanted: what a varied list is chosen from."""


def diversify(relevance: Sequence[float], vectors: NDArray[np.float32], *, limit: int, diversity: float) -> list[int]:
    """Chooses candidates one by one, each as relevant as possible and as unlike those chosen before.

    The next one has the highest `(1 - diversity) * relevance - diversity * (its highest cosine with a chosen one)`;
    the first is always the most relevant. Ties go to the earlier candidate.

    Source: Carbonell and Goldstein, "The use of MMR, diversity-based reranking for reordering documents and producing
    summaries", SIGIR 1998; `diversity` is one minus their lambda.

    Args:
        relevance: How well each of N candidates answers, best first.
        vectors: Their embeddings, float32 (N, dim), unit length.
        limit: How many to choose.
        diversity: 0 keeps the order, 1 looks at nothing but variety after the first.

    Returns:
        Positions of the chosen candidates, `min(limit, N)` of them, in the order of choice.

    >>> red, rose, blue = np.eye(3, dtype=np.float32)[[0, 0, 1]]
    >>> diversify([0.9, 0.8, 0.5], np.stack([red, rose, blue]), limit=2, diversity=0.5)
    [0, 2]
    >>> diversify([0.9, 0.8, 0.5], np.stack([red, rose, blue]), limit=2, diversity=0.0)
    [0, 1]
    """
    wanted = min(limit, len(relevance))
    if diversity == 0.0 or wanted == 0:
        return list(range(wanted))
    gain = (1.0 - diversity) * np.asarray(relevance, dtype=np.float64)
    chosen = [int(np.argmax(relevance))]
    redundancy = np.full(len(relevance), -np.inf)
    while len(chosen) < wanted:
        redundancy = np.maximum(redundancy, vectors @ vectors[chosen[-1]])
        marginal = gain - diversity * redundancy
        marginal[chosen] = -np.inf
        chosen.append(int(np.argmax(marginal)))
    return chosen
