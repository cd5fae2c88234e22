"""What `benchmarks.index_scale` compares: our keeper in its kinds, usearch, hnswlib where it is installed, NumPy."""

import importlib
import importlib.util
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.scale_data import K, ScaleData
from search.index.base import VectorIndex, Where
from search.index.registry import open_reader, open_writer

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

SPACE = "benchmark@00000000"
GRAPH_EFFORTS = (32, 64, 128, 256, 512, 1024)
"""Numbers of candidates that a graph keeps while it is searched."""
_CONNECTIVITY = 16
_BUILD_EFFORT = 128


class Subject(ABC):
    """An index of all vectors of a `ScaleData`, ids being row numbers.

    Attributes:
        label: For the table.
        efforts: What `set_effort` takes, rising; empty where there is nothing to set.
        filters: Whether it searches with a filter.
    """

    label: str
    efforts: tuple[int, ...] = ()
    filters = True

    def feed(self, data: ScaleData) -> None:  # noqa: B027  # most are fed as they are built
        """Take what it is built from, where that is a step of its own."""

    @abstractmethod
    def build(self, data: ScaleData) -> None:
        """Make it searchable."""

    def set_effort(self, effort: int) -> None:  # noqa: B027  # most have nothing to set
        """Search with so many candidates."""

    @abstractmethod
    def search(self, query: Floats, where: Where | None) -> Ints:
        """The ids of the K best for one query, float32 (1, dim); -1 or fewer where there are fewer."""


class Keeper(Subject):
    """Our keeper, through the registry, as the product uses it.

    Args:
        folder: Where it may write.
        options: Behind the URL's question mark; empty: the default.
    """

    def __init__(self, folder: Path, options: str) -> None:
        self.label = f"keeper {options}" if options else "keeper (default)"
        self.url = f"faiss://{folder / 'index'}" + (f"?{options}" if options else "")
        self._writing = ExitStack()
        self._writer: VectorIndex
        self._reader: VectorIndex

    def feed(self, data: ScaleData) -> None:
        """Write all into the log of a new base."""
        self._writer = self._writing.enter_context(open_writer(self.url, SPACE, data.dim, fresh=True))
        for ids, vectors, tags in data.chunks():
            self._writer.upsert(ids, vectors, tags)

    def build(self, data: ScaleData) -> None:
        """Publish, which builds the base, and open it, which checks it."""
        with self._writing:
            self._writer.publish()
        self._reader = open_reader(self.url, SPACE, data.dim)

    def search(self, query: Floats, where: Where | None) -> Ints:
        """As the product does."""
        found: Ints = self._reader.search(query, K, where).ids[0]
        return found


class Usearch(Subject):
    """usearch's HNSW over half-precision vectors."""

    label = "usearch f16"
    efforts = GRAPH_EFFORTS
    filters = False

    def build(self, data: ScaleData) -> None:
        """Add all, on all cores."""
        self._index: Any = importlib.import_module("usearch.index").Index(
            ndim=data.dim, metric="ip", dtype="f16", connectivity=_CONNECTIVITY, expansion_add=_BUILD_EFFORT
        )
        for ids, vectors in data.untagged_chunks():
            self._index.add(ids, vectors)

    def set_effort(self, effort: int) -> None:
        """Set its `expansion_search`."""
        self._index.expansion_search = effort

    def search(self, query: Floats, where: Where | None) -> Ints:
        """Without filters: its Python face takes none."""
        return np.asarray(self._index.search(query[0], K, threads=1).keys, dtype=np.int64)


class Hnswlib(Subject):
    """hnswlib over float32 vectors."""

    label = "hnswlib"
    efforts = GRAPH_EFFORTS
    filters = False

    def build(self, data: ScaleData) -> None:
        """Add all, on all cores."""
        self._index: Any = importlib.import_module("hnswlib").Index(space="ip", dim=data.dim)
        self._index.init_index(max_elements=data.size, M=_CONNECTIVITY, ef_construction=_BUILD_EFFORT)
        for ids, vectors in data.untagged_chunks():
            self._index.add_items(vectors, ids)
        self._index.set_num_threads(1)

    def set_effort(self, effort: int) -> None:
        """Set its `ef`."""
        self._index.set_ef(effort)

    def search(self, query: Floats, where: Where | None) -> Ints:
        """Without filters: it calls Python for each vector it meets."""
        return np.asarray(self._index.knn_query(query, K)[0][0], dtype=np.int64)


class Numpy(Subject):
    """One multiplication with everything in memory, or with the rows that a filter leaves."""

    label = "NumPy"

    def build(self, data: ScaleData) -> None:
        """Read all into memory."""
        self._vectors, self._data = np.array(data.vectors), data

    def search(self, query: Floats, where: Where | None) -> Ints:
        """Multiply and sort."""
        if where is None:
            scores = self._vectors @ query[0]
            rows = np.arange(scores.size)
        else:
            rows = np.flatnonzero(self._data.mask(where))
            scores = self._vectors[rows] @ query[0]
        best = np.argpartition(-scores, min(K, scores.size) - 1)[:K]
        return np.asarray(rows[best[np.argsort(-scores[best])]], dtype=np.int64)


def make_subject(name: str, folder: Path) -> Subject:
    """Make a subject: `usearch`, `hnswlib`, `numpy`, or the keeper's options, `default` standing for none."""
    peers: dict[str, type[Subject]] = {"usearch": Usearch, "hnswlib": Hnswlib, "numpy": Numpy}
    if name in peers:
        return peers[name]()
    return Keeper(folder, "" if name == "default" else name)


def is_installed(name: str) -> bool:
    """Tell whether a subject's library is there."""
    return name not in ("usearch", "hnswlib") or importlib.util.find_spec(name) is not None
