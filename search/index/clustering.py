"""Finds the centroids of an inverted file's lists, and which list a vector belongs to; speaks FAISS.

Both on a GPU where there is one, else on all cores: building is rare and nobody waits for a search meanwhile.
"""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_POINTS_PER_LIST = 40
_ITERATIONS = 8
_ONE_LEVEL_AT_MOST = 256
_EXHAUSTIVE_AT_MOST = 6_000
"""Up to so many centroids each vector is compared with all of them; beyond, a graph over the centroids is walked."""
_GRAPH_NEIGHBOURS = 32
_GRAPH_EFFORT = 48


def gpu_present() -> bool:
    """Tell whether FAISS sees a GPU."""
    return bool(faiss.get_num_gpus() > 0)


def sample_size(n_lists: int) -> int:
    """How many vectors `cluster` needs to see for so many lists."""
    return _POINTS_PER_LIST * n_lists


def cluster(sample: Floats, n_lists: int, seed: int = 0) -> Floats:
    """Find centroids by k-means in two levels.

    First about sqrt(n_lists) groups, then lists within each group, in proportion to its size: the work grows with
    n_lists ** 1.5 instead of n_lists ** 2, seconds instead of minutes for ten thousand lists, and the lists are as good
    (searches at equal recall look into as many rows, see `benchmarks.index_scale`).

    Args:
        sample: float32 (S, dim), at least n_lists rows.
        n_lists: How many centroids.
        seed: Of the first guess.

    Returns:
        float32 (n_lists, dim).
    """
    if n_lists <= _ONE_LEVEL_AT_MOST:
        return _kmeans(sample, n_lists, seed)
    groups = _kmeans(sample, round(n_lists**0.5), seed)
    group_of = Assigner(groups).assign(sample)
    shares = _in_proportion(np.bincount(group_of, minlength=len(groups)), n_lists)
    members = ((sample[group_of == group], int(share)) for group, share in enumerate(shares) if share)
    return np.concatenate([_kmeans(rows, share, seed) for rows, share in members])


class Assigner:
    """Gives vectors to their nearest centroid; now and then to one almost as near, where there are very many.

    Args:
        centroids: float32 (n_lists, dim).
    """

    def __init__(self, centroids: Floats) -> None:
        n_lists, dim = centroids.shape
        self._index: Any
        if gpu_present():
            flat = faiss.IndexFlatL2(dim)
            self._resources = faiss.StandardGpuResources()  # must outlive the index
            self._index = faiss.index_cpu_to_gpu(self._resources, 0, flat)
        elif n_lists <= _EXHAUSTIVE_AT_MOST:
            self._index = faiss.IndexFlatL2(dim)
        else:
            self._index = faiss.IndexHNSWFlat(dim, _GRAPH_NEIGHBOURS)
            self._index.hnsw.efConstruction = 2 * _GRAPH_EFFORT
            self._index.hnsw.efSearch = _GRAPH_EFFORT
        self._index.add(centroids)

    def assign(self, vectors: Floats) -> NDArray[np.int64]:
        """Give the number of each vector's list, int64 (N,)."""
        lists: NDArray[np.int64] = self._index.search(vectors, 1)[1][:, 0]
        return lists


def _kmeans(sample: Floats, n_lists: int, seed: int) -> Floats:
    if len(sample) <= n_lists:
        return sample.copy()
    kmeans = faiss.Kmeans(
        sample.shape[1],
        n_lists,
        niter=_ITERATIONS,
        seed=seed + 1,
        gpu=gpu_present(),
        min_points_per_centroid=1,
        max_points_per_centroid=len(sample),
    )
    kmeans.train(sample)
    return np.asarray(kmeans.centroids, dtype=np.float32)


def _in_proportion(sizes: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Share `total` out by size, at most a group's size to it, all of it if there are that many members."""
    exact = sizes / sizes.sum() * total
    shares: NDArray[np.int64] = np.minimum(np.floor(exact).astype(np.int64), sizes)
    while (missing := total - int(shares.sum())) > 0:
        lacking = np.flatnonzero(shares < sizes)
        if lacking.size == 0:
            break
        shares[lacking[np.argsort(shares[lacking] - exact[lacking], kind="stable")[:missing]]] += 1
    return shares
