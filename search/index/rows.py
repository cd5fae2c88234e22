"""Vectors with their ids and tags as parallel arrays, and the search over them: which way is cheapest, always exact."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.index.base import NO_VALUE, TAG_NAMES, Where
from search.index.exact import Ranked, rank_all, rank_nominated
from search.index.scans import CoarseIndex, nominate, score_error

MULTIPLY_AT_MOST = 8192
"""Up to this many allowed rows, multiplying just those is the fastest way (0.1 ms at 256 dimensions)."""

MULTIPLY_SHARE = 0.5
"""Up to this share of the rows, too. At 100k x 256, multiplying 10 % takes 1.0 ms, a scan with a bitmap 3.7; at 50 %,
4.6 against 6.1; at 80 % they are even (its branches guess badly); the scan without a filter takes 2.4."""


def candidates_for(k: int) -> int:
    """Decide how many rows the coarse scan nominates: 64 for the usual 10, which cost it no more than 10 would."""
    return 2 * k + 44


@dataclass(frozen=True)
class Rows:
    """A base: rows that never change, with what makes searching them fast.

    Whoever keeps it tells by a bitmap which rows are still alive; the bitmap is never changed either.

    Attributes:
        ids: int64 (N,), each once, rising.
        tags: A column (N,) of integers for each of `TAG_NAMES`, in that order; of any width.
        vectors: float32 (N, dim), unit length; may be a mapped file.
        coarse: Compact copy of `vectors` for wide searches; None: multiply all.
    """

    ids: NDArray[np.int64]
    tags: tuple[NDArray[np.integer], ...]
    vectors: NDArray[np.float32]
    coarse: CoarseIndex | None = None

    @property
    def kind(self) -> str:
        """How it is searched, for people."""
        return "none" if self.coarse is None else "flat"

    def search(
        self, queries: NDArray[np.float32], k: int, where: Where | None, alive: NDArray[np.uint8] | None
    ) -> list[Ranked]:
        """Find the k best rows of each query, all that there are if fewer.

        Args:
            queries: float32 (Q, dim), valid.
            k: At least 1.
            where: Restriction; None means none.
            alive: uint8 (ceil(N / 8),), bit i % 8 of byte i // 8 (least first) is set where row i may be a hit, as
                `np.packbits(..., bitorder="little")` makes it and FAISS reads it; None means all rows.

        Returns:
            A ranking per query, with true scores (see `exact.true_scores`).
        """
        mask = allowed(self.tags, where)
        if alive is not None:
            living = np.unpackbits(alive, count=self.ids.size, bitorder="little").view(np.bool_)
            mask = living if mask is None else mask & living
        count = self.ids.size if mask is None else int(np.count_nonzero(mask))
        if count == self.ids.size:
            mask = None  # as where there is one retailer: testing each row would double the scan's time
        n_candidates = candidates_for(k)
        if self.coarse is None or count <= max(MULTIPLY_AT_MOST, n_candidates, MULTIPLY_SHARE * self.ids.size):
            positions = None if mask is None else np.flatnonzero(mask)
            return [rank_all(self.ids, self.vectors, query, k, positions) for query in queries]
        error = score_error(self.vectors.shape[1])
        ranked: list[Ranked] = []
        for query, *nominated in zip(queries, *nominate(self.coarse, queries, n_candidates, mask), strict=True):
            best = rank_nominated(self.ids, self.vectors, query, k, (nominated[0], nominated[1]), error)
            if best is None:
                positions = None if mask is None else np.flatnonzero(mask)
                best = rank_all(self.ids, self.vectors, query, k, positions)
            ranked.append(best)
        return ranked


def allowed(tags: Sequence[NDArray[np.integer]], where: Where | None) -> NDArray[np.bool_] | None:
    """Tell which rows a restriction allows.

    Args:
        tags: A column (N,) for each of `TAG_NAMES`.
        where: Restriction; None means none.

    Returns:
        bool (N,), or None for all.
    """
    if where is None:
        return None
    columns = dict(zip(TAG_NAMES, tags, strict=True))
    tests: list[NDArray[np.bool_]] = []
    for name in ("retailer_id", "category_id", "brand_id", "gender_id", "color_id", "currency_id"):
        wanted: frozenset[int] | None = getattr(where, f"{name}s")
        if wanted is not None:
            # Category -1 is a value (`NO_CATEGORY`), in the other columns it is the lack of one.
            tests.append(_is_one_of(columns[name], wanted if name == "category_id" else wanted - {NO_VALUE}))
    if where.price_min is not None:
        tests.append(columns["price"] >= max(where.price_min, 0))
    if where.price_max is not None:
        tests.append((columns["price"] <= where.price_max) & (columns["price"] != NO_VALUE))
    if where.in_stock is not None:
        tests.append(columns["in_stock"] == int(where.in_stock))
    return np.logical_and.reduce(tests) if tests else None


def _is_one_of(values: NDArray[np.integer], wanted: frozenset[int]) -> NDArray[np.bool_]:
    """Tell which values are wanted; for the usual handful, comparisons are 20 times faster than `np.isin`."""
    if len(wanted) > 32:
        return np.isin(values, np.fromiter(wanted, dtype=np.int64))
    found = np.zeros(values.size, dtype=np.bool_)
    for one in wanted:
        found |= values == one
    return found
