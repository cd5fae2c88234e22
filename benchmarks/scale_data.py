"""What `benchmarks.index_scale` searches: generated vectors in a file, their tags, queries, filters, exact answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.generated_vectors import CHUNK_ROWS, GeneratedVectors
from search.index.base import Tags, Where

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

K = 10
N_RETAILERS = 1000
SHARES = (0.5, 0.1, 0.01, 0.001)
RELATIONS = ("random", "correlated", "anti-correlated")
_PRICES = 10_000


@dataclass(frozen=True)
class ScaleData:
    """Vectors under the ids 0..size-1, drawn once into a folder; small enough to hand to another process.

    Tags: the retailer is one of 1000 and the price one of 10,000, both by chance; the category is the cluster's. So
    retailers make random filters, categories such that follow the query, and prices thin these out to a wanted share.

    Attributes:
        folder: Where the files are.
        size: How many vectors.
        dim: Length of a vector.
        n_queries: How many queries.
        seed: Of everything.
    """

    folder: Path
    size: int
    dim: int
    n_queries: int
    seed: int

    def draw(self) -> None:
        """Write vectors and tags, a chunk at a time."""
        generated = GeneratedVectors(self.dim, self.seed)
        shape = (self.size, self.dim)
        vectors = np.lib.format.open_memmap(self._file("vectors"), mode="w+", dtype=np.float32, shape=shape)
        categories = np.empty(self.size, dtype=np.int16)
        for number, rows in enumerate(tqdm(self._slices(), desc="drawing", unit="chunk", disable=None)):
            drawn, drawn_categories = generated.chunk(number)
            n_wanted = rows.stop - rows.start
            vectors[rows], categories[rows] = drawn[:n_wanted], drawn_categories[:n_wanted]
        vectors.flush()
        np.save(self._file("categories"), categories)

    @cached_property
    def vectors(self) -> Floats:
        """float32 (size, dim), mapped."""
        return np.asarray(np.load(self._file("vectors"), mmap_mode="r"))

    @cached_property
    def categories(self) -> NDArray[np.int16]:
        """int16 (size,)."""
        return np.asarray(np.load(self._file("categories")))

    @cached_property
    def retailers(self) -> Ints:
        """int64 (size,) in 0..999."""
        return np.random.default_rng((self.seed, 1)).integers(0, N_RETAILERS, self.size)

    @cached_property
    def prices(self) -> Ints:
        """int64 (size,) in 0..9999."""
        return np.random.default_rng((self.seed, 2)).integers(0, _PRICES, self.size)

    @cached_property
    def queries(self) -> tuple[Floats, Ints]:
        """Unit vectors float32 (n_queries, dim), and the category of each."""
        return GeneratedVectors(self.dim, self.seed).queries(self.n_queries)

    def untagged_chunks(self) -> Iterator[tuple[Ints, Floats]]:
        """Ids and vectors, chunk by chunk."""
        for rows in self._slices():
            yield np.arange(rows.start, rows.stop), np.ascontiguousarray(self.vectors[rows])

    def chunks(self) -> Iterator[tuple[Ints, Floats, list[Tags]]]:
        """Ids, vectors and tags, chunk by chunk."""
        for rows, (ids, vectors) in zip(self._slices(), self.untagged_chunks(), strict=True):
            columns = (self.retailers[rows].tolist(), self.categories[rows].tolist(), self.prices[rows].tolist())
            tags = [Tags(retailer, category, price=price) for retailer, category, price in zip(*columns, strict=True)]
            yield ids, vectors, tags

    def wheres(self, relation: str, share: float) -> list[Where]:
        """The filter of each query: about `share` of the vectors, by chance, with its category, or against it."""
        if relation == "random":
            return [Where(retailer_ids=frozenset(range(round(share * N_RETAILERS))))] * self.n_queries
        by_category = {int(c): self._around(int(c), relation, share) for c in np.unique(self.queries[1])}
        return [by_category[int(category)] for category in self.queries[1]]

    def mask(self, where: Where, rows: slice = slice(None)) -> NDArray[np.bool_]:
        """Which of some rows a filter of `wheres` allows."""
        if where.retailer_ids is not None:
            return self.retailers[rows] < len(where.retailer_ids)
        assert where.category_ids is not None
        assert where.price_max is not None
        allowed = np.isin(self.categories[rows], list(where.category_ids))
        return np.asarray(allowed & (self.prices[rows] <= where.price_max))

    def truth(self, filters: Sequence[Sequence[Where] | None]) -> list[Floats]:
        """The exact K best scores of each query for each filter, float32 (n_queries, K), -inf where there are fewer."""
        best = [np.full((self.n_queries, K), -np.inf, dtype=np.float32) for _ in filters]
        for rows in tqdm(self._slices(), desc="exact answers", unit="chunk", disable=None):
            scores = self.queries[0] @ np.ascontiguousarray(self.vectors[rows]).T
            for kept, wheres in zip(best, filters, strict=True):
                if wheres is None:
                    _keep_best(kept, scores, range(self.n_queries))
                    continue
                for where in set(wheres):
                    asking = [number for number, one in enumerate(wheres) if one == where]
                    _keep_best(kept, scores[asking][:, self.mask(where, rows)], asking)
        return [-np.sort(-scores, axis=1) for scores in best]

    def _around(self, category: int, relation: str, share: float) -> Where:
        """Categories nearest to a category (itself first) or farthest from it, thinned out by price to the share."""
        shares = np.bincount(self.categories, minlength=self._nearness.shape[0]) / self.size
        order = np.argsort(-self._nearness[category] if relation == "correlated" else self._nearness[category])
        n_wanted = int(np.searchsorted(np.cumsum(shares[order]), share)) + 1
        wanted = order[:n_wanted]
        price_max = round(share / shares[wanted].sum() * _PRICES) - 1
        return Where(category_ids=frozenset(wanted.tolist()), price_max=price_max)

    @cached_property
    def _nearness(self) -> Floats:
        """Cosines between the categories' means, each with itself highest."""
        rows, categories = self.vectors[:CHUNK_ROWS], self.categories[:CHUNK_ROWS]
        means = np.stack([rows[categories == c].mean(axis=0) for c in range(int(self.categories.max()) + 1)])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        return np.asarray(means @ means.T)

    def _slices(self) -> list[slice]:
        return [slice(start, min(start + CHUNK_ROWS, self.size)) for start in range(0, self.size, CHUNK_ROWS)]

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.npy"


def _keep_best(best: Floats, scores: Floats, queries: Sequence[int]) -> None:
    """Put the better of some scores (len(queries), n) into the best (n_queries, K) of these queries."""
    better = scores > best[queries].min(axis=1, keepdims=True)
    for row in np.flatnonzero(better.any(axis=1)).tolist():
        together = np.concatenate((best[queries[row]], scores[row, better[row]]))
        best[queries[row]] = -np.partition(-together, K - 1)[:K]
