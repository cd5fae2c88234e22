"""Draws vectors that lie as embeddings of a fashion catalog do, any number of them, a chunk at a time.

Clustered at several scales, with few ways to differ at each:

- 40 categories, sizes by a power law (the largest holds a sixth of everything), whose centers share a common part;
- 1,500 styles in them, sizes by a power law again (the largest holds 1.4 %), each near its category's center;
- products in a style differ along 24 directions of their own with falling weight (intrinsic dimension about 15);
- a product has 1 to 4 images, which differ a little in every direction.

The distribution does not depend on how many are drawn: ten times the vectors make the same clusters ten times as
dense. Queries are shoppers' photos: images of products that are not stored, pushed off by noise to a cosine of about
0.8 with the clean image, so that they lie outside of the clusters, as photos from the street do.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CHUNK_ROWS = 50_000
_N_CATEGORIES = 40
_N_STYLES = 1_500
_N_DIRECTIONS = 24
_QUERIES_CHUNK = 1 << 30
"""Far beyond the chunks that are stored."""


@dataclass(frozen=True)
class GeneratedVectors:
    """Vectors under the numbers 0, 1, ...; the same seed and dim give the same ones.

    Attributes:
        dim: Length of a vector.
        seed: Of everything drawn.
    """

    dim: int
    seed: int = 0

    def chunk(self, number: int, count: int = CHUNK_ROWS) -> tuple[Floats, NDArray[np.int64]]:
        """Draw one chunk.

        Returns:
            Unit vectors float32 (count, dim), and the category of each, int64 (count,) in 0..39.
        """
        random = np.random.default_rng((self.seed, 1 + number))
        n_images = random.integers(1, 5, count)
        product = np.repeat(np.arange(count), n_images)[:count]
        n_products = int(product[-1]) + 1
        style = random.choice(_N_STYLES, n_products, p=self._style_shares)
        products = self._products(random, style)
        vectors = products[product]
        vectors += _of_length(random.standard_normal((count, self.dim), dtype=np.float32), 0.2)
        order = random.permutation(count)
        return _of_length(vectors, 1.0)[order], self._category_of_style[style[product]][order]

    def queries(self, count: int) -> tuple[Floats, NDArray[np.int64]]:
        """Draw queries, float32 (count, dim), and the category of each, int64 (count,)."""
        vectors, categories = self.chunk(_QUERIES_CHUNK, count)
        random = np.random.default_rng((self.seed, 0))
        noise = _of_length(random.standard_normal((count, self.dim), dtype=np.float32), 1.0)
        return _of_length(vectors + 0.75 * noise, 1.0), categories

    def _products(self, random: np.random.Generator, style: NDArray[np.int64]) -> Floats:
        along = random.standard_normal((style.size, _N_DIRECTIONS), dtype=np.float32) * _weights()
        products = self._styles[style]
        for one in np.unique(style):
            members = np.flatnonzero(style == one)
            products[members] += along[members] @ self._directions[one]
        return _of_length(products, 1.0)

    @cached_property
    def _category_of_style(self) -> NDArray[np.int64]:
        random = np.random.default_rng((self.seed, 0, 0))
        rest = random.choice(_N_CATEGORIES, _N_STYLES - _N_CATEGORIES, p=_power_law(_N_CATEGORIES, 0.8))
        return np.concatenate((np.arange(_N_CATEGORIES), rest))

    @cached_property
    def _style_shares(self) -> NDArray[np.float64]:
        return np.random.default_rng((self.seed, 0, 1)).permutation(_power_law(_N_STYLES, 0.9, flat_head=10))

    @cached_property
    def _styles(self) -> Floats:
        random = np.random.default_rng((self.seed, 0, 2))
        shared = _of_length(random.standard_normal((1, self.dim), dtype=np.float32), 0.6)
        categories = shared + _of_length(random.standard_normal((_N_CATEGORIES, self.dim), dtype=np.float32), 1.0)
        styles = categories[self._category_of_style]
        styles += _of_length(random.standard_normal((_N_STYLES, self.dim), dtype=np.float32), 0.6)
        return _of_length(styles, 1.0)

    @cached_property
    def _directions(self) -> Floats:
        random = np.random.default_rng((self.seed, 0, 3))
        drawn = random.standard_normal((_N_STYLES, _N_DIRECTIONS, self.dim), dtype=np.float32)
        return _of_length(drawn, 1.0)


def _weights() -> Floats:
    falling = 0.94 ** np.arange(_N_DIRECTIONS, dtype=np.float32)
    return np.asarray(0.8 * falling / np.linalg.norm(falling), dtype=np.float32)


def _power_law(count: int, exponent: float, flat_head: int = 0) -> NDArray[np.float64]:
    shares = 1.0 / (flat_head + np.arange(1, count + 1)) ** exponent
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def _of_length(vectors: Floats, length: float) -> Floats:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(length * vectors / norms, dtype=np.float32)
