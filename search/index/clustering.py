"""Finds the centroids of an inverted file's lists, and which list a vector belongs to.

On a GPU where FAISS sees one, else on all cores: building is rare, and no search waits for it.
"""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_POINTS_PER_LIST = 40
_ITERATIONS = 8
_ONE_GROUP_AT_MOST = 256
_GROUPS_TRIED = 8


@dataclass(frozen=True)
class Clusters:
    """Centroids of lists, in groups of near ones.

    Attributes:
        centroids: float32 (n_lists, dim), group after group.
        groups: float32 (n_groups, dim), the groups' own centroids.
        starts: int64 (n_groups + 1,), where each group's centroids begin, and their number.
    """

    centroids: Floats
    groups: Floats
    starts: NDArray[np.int64]


def gpu_present() -> bool:
    """Tell whether FAISS sees a GPU."""
    return bool(faiss.get_num_gpus() > 0)


def sample_size(n_lists: int) -> int:
    """How many vectors `cluster` needs to see for so many lists."""
    return _POINTS_PER_LIST * n_lists


def cluster(sample: Floats, n_lists: int, seed: int = 0) -> Clusters:
    """Find centroids by k-means in two levels.

    First about sqrt(n_lists) groups, then lists within each group, in proportion to its size: the work grows with
    n_lists ** 1.5 instead of n_lists ** 2, seconds instead of minutes for ten thousand lists.

    Args:
        sample: float32 (S, dim), at least n_lists rows.
        n_lists: How many centroids.
        seed: Of the first guess.
    """
    n_groups = 1 if n_lists <= _ONE_GROUP_AT_MOST else round(n_lists**0.5)
    groups = _kmeans(sample, n_groups, seed)
    group_of = _nearest(sample, groups)
    shares = _in_proportion(np.bincount(group_of, minlength=n_groups), n_lists)
    filled = np.flatnonzero(shares)
    centroids = [_kmeans(sample[group_of == group], int(shares[group]), seed) for group in filled]
    starts = np.cumsum([0, *(len(part) for part in centroids)])
    return Clusters(np.concatenate(centroids), groups[filled], starts)


class Assigner:
    """Gives vectors to their nearest centroid, or now and then to one almost as near.

    Without a GPU, a vector is compared with the centroids of the eight nearest groups only: a tenth of the work for
    ten thousand lists. A vector in the list beside is found all the same, as the lists' spreads are measured after.
    """

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters
        self._on_gpu: Any = None
        if gpu_present():
            self._resources = faiss.StandardGpuResources()  # must outlive the index
            flat = faiss.IndexFlatL2(clusters.centroids.shape[1])
            self._on_gpu = faiss.index_cpu_to_gpu(self._resources, 0, flat)
            self._on_gpu.add(clusters.centroids)

    def assign(self, vectors: Floats) -> NDArray[np.int64]:
        """Give the number of each vector's list, int64 (N,), for a chunk of vectors, float32 (N, dim)."""
        if self._on_gpu is not None:
            found: NDArray[np.int64] = self._on_gpu.search(vectors, 1)[1][:, 0]
            return found
        starts = self._clusters.starts
        if len(starts) - 1 <= _GROUPS_TRIED:
            return _nearest(vectors, self._clusters.centroids)
        nearness = _nearness(vectors, self._clusters.groups)
        tried = np.zeros(nearness.shape, dtype=np.bool_)
        best_groups = np.argpartition(-nearness, _GROUPS_TRIED - 1, axis=1)[:, :_GROUPS_TRIED]
        np.put_along_axis(tried, best_groups, True, axis=1)
        best = np.full(len(vectors), -np.inf, dtype=np.float32)
        lists = np.zeros(len(vectors), dtype=np.int64)
        for group in range(len(starts) - 1):
            rows = np.flatnonzero(tried[:, group])
            nearness = _nearness(vectors[rows], self._clusters.centroids[starts[group] : starts[group + 1]])
            nearest = nearness.argmax(axis=1)
            highest = nearness[np.arange(rows.size), nearest]
            better = highest > best[rows]
            best[rows[better]] = highest[better]
            lists[rows[better]] = starts[group] + nearest[better]
        return lists


def _nearness(vectors: Floats, centers: Floats) -> Floats:
    """Half the negative squared distance, but for the vector's own length: float32 (N, C), highest for the nearest."""
    return np.asarray(vectors @ centers.T - 0.5 * np.einsum("ij,ij->i", centers, centers), dtype=np.float32)


def _nearest(vectors: Floats, centers: Floats) -> NDArray[np.int64]:
    rows = 1 << 14
    chunks = (vectors[start : start + rows] for start in range(0, len(vectors), rows))
    return np.concatenate([_nearness(chunk, centers).argmax(axis=1) for chunk in chunks])


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
