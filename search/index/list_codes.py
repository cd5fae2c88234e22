"""Compact codes of vectors in lists, and the scan over some of the lists; speaks FAISS.

FAISS's inverted file does the scanning only. Which lists are looked into is decided outside, from the centroids and
for each query anew (`search.index.inverted`), so its own quantizer never searches.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from search.index.clustering import gpu_present
from search.index.masks import Selection
from search.index.scans import CoarseUnreadable, one_openmp_thread, write_index

Floats = NDArray[np.float32]

log = logging.getLogger(__name__)

_TRAINING_ROWS = {"ivf_sq8": 65_536, "ivf_pq": 16_384}
"""The widest differences set the steps of 8-bit codes; the 256 centers of each part of a PQ code need fewer rows."""
_PQ_FLOATS_PER_BYTE = 4
_GPU_AT_MOST = 2048
"""Lists and hits that FAISS takes on a GPU."""


class ListCodesBuilder:
    """Takes vectors list by list number, then writes their codes to a file.

    Args:
        kind: `ivf_sq8` or `ivf_pq`.
        centroids: float32 (n_lists, dim).
        sample: float32 (S, dim), to learn the codes from.
    """

    def __init__(self, kind: str, centroids: Floats, sample: Floats) -> None:
        n_lists, dim = centroids.shape
        quantizer = faiss.IndexFlatL2(dim)
        quantizer.add(centroids)
        self._quantizer = quantizer  # FAISS keeps a bare pointer to it
        self._index: Any
        if kind == "ivf_pq":
            self._index = faiss.IndexIVFPQ(quantizer, dim, n_lists, _pq_bytes(dim), 8, faiss.METRIC_INNER_PRODUCT)
            self._index.pq.cp.niter = 10
        else:
            eight_bits = faiss.ScalarQuantizer.QT_8bit
            self._index = faiss.IndexIVFScalarQuantizer(
                quantizer, dim, n_lists, eight_bits, faiss.METRIC_INNER_PRODUCT, True
            )
        every = -(-len(sample) // _TRAINING_ROWS[kind])
        self._index.train(np.ascontiguousarray(sample[::every]))

    def add(self, vectors: Floats, lists: NDArray[np.int64]) -> None:
        """Encode vectors, float32 (N, dim), into lists (N,); their positions go on from those before."""
        vectors, lists = np.ascontiguousarray(vectors), np.ascontiguousarray(lists)
        self._index.add_core(len(vectors), faiss.swig_ptr(vectors), None, faiss.swig_ptr(lists))

    def write(self, path: Path) -> None:
        """Write the codes and the centroids.

        Raises:
            OSError, RuntimeError: The disk refused.
        """
        write_index(self._index, path)


class ListCodes:
    """A written file, mapped, so that all processes share it.

    Args:
        path: From `ListCodesBuilder.write`.
        dim: Length of a vector.
        count: How many there must be.
        on_gpu: Also copy it to a GPU, if there is one.

    Raises:
        CoarseUnreadable: The file holds no such lists.
    """

    def __init__(self, path: Path, dim: int, count: int, on_gpu: bool = False) -> None:
        self._index: Any  # FAISS's stubs know the C++ classes, not what its Python layer makes of them
        try:
            self._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise CoarseUnreadable(f"{path.name} is not readable by FAISS: {error}") from error
        if not isinstance(self._index, faiss.IndexIVF) or (self._index.d, self._index.ntotal) != (dim, count):
            raise CoarseUnreadable(f"{path.name} holds no lists of {count} vectors of length {dim}")
        quantizer: Any = faiss.downcast_index(self._index.quantizer)
        flat = faiss.rev_swig_ptr(quantizer.get_xb(), self._index.nlist * dim)
        self.centroids: Floats = flat.reshape(self._index.nlist, dim)
        """float32 (n_lists, dim), lives as long as this object."""
        self._gpu = _gpu_copy(self._index) if on_gpu and gpu_present() else None

    def scan(
        self,
        query: Floats,
        lists: NDArray[np.int64],
        list_scores: Floats,
        n: int,
        selection: Selection,
    ) -> tuple[Floats, NDArray[np.int64]]:
        """Find the best coarse scores in some lists.

        Args:
            query: float32 (dim,).
            lists: int64 (L,), which lists to look into, at least one.
            list_scores: float32 (L,), the query's products with their centroids.
            n: How many to find.
            selection: Which positions may be found.

        Returns:
            Scores float32 (<= n,), falling, and positions int64 (<= n,).
        """
        lists, list_scores = np.ascontiguousarray(lists), np.ascontiguousarray(list_scores)
        if self._gpu is not None and not selection.filtered and max(lists.size, n) <= _GPU_AT_MOST:
            found = self._gpu.scan(query, lists, list_scores, n, selection)
            if found is not None:
                return found
        parameters = _parameters(lists.size)
        if selection.bitmap is not None:
            # It points into the bitmap, the parameters into it: all must live until the search is over.
            selector = faiss.IDSelectorBitmap(selection.bitmap)  # type: ignore[call-arg, arg-type]
            parameters.sel = selector
        with one_openmp_thread():
            return _scan(self._index.search_preassigned_c, query, lists, list_scores, n, parameters)


class _GpuCopy:
    """The lists on a GPU, where FAISS knows no filters: removed rows are dropped from what it found."""

    def __init__(self, index: Any) -> None:
        self._resources = faiss.StandardGpuResources()  # must outlive the copy
        options = faiss.GpuClonerOptions()
        options.useFloat16 = isinstance(index, faiss.IndexIVFPQ)  # its tables do not fit into shared memory otherwise
        self._index: Any = faiss.index_cpu_to_gpu(self._resources, 0, index, options)
        self._one_at_a_time = threading.Lock()  # FAISS's GPU resources are not safe in threads

    def scan(
        self, query: Floats, lists: NDArray[np.int64], list_scores: Floats, n: int, selection: Selection
    ) -> tuple[Floats, NDArray[np.int64]] | None:
        """See `ListCodes.scan`; None where so many rows were removed that the best are not among what was found."""
        # Where FAISS's Python layer wraps the method, the wrapper takes no parameters and the one below has this name.
        search = getattr(self._index, "search_preassigned_c", self._index.search_preassigned)
        asked = n if selection.bitmap is None else min(2 * n, _GPU_AT_MOST)
        with self._one_at_a_time:
            scores, positions = _scan(search, query, lists, list_scores, asked, _parameters(lists.size))
        kept = np.flatnonzero(selection.contains(positions))
        if kept.size < n and positions.size == asked:
            return None
        return scores[kept[:n]], positions[kept[:n]]


def _parameters(n_lists: int) -> Any:
    return faiss.SearchParametersIVF(nprobe=n_lists)  # type: ignore[call-arg]


def _gpu_copy(index: Any) -> _GpuCopy | None:
    """Copy lists to the GPU, if it takes them."""
    try:
        return _GpuCopy(index)
    except RuntimeError as error:
        log.warning("the GPU does not take the lists, they are searched on the CPU: %s", error)
        return None


def _scan(
    search: Callable[..., None],
    query: Floats,
    lists: NDArray[np.int64],
    list_scores: Floats,
    n: int,
    parameters: Any,
) -> tuple[Floats, NDArray[np.int64]]:
    scores, positions = np.empty(n, dtype=np.float32), np.empty(n, dtype=np.int64)
    given = [faiss.swig_ptr(array) for array in (query, lists, list_scores)]
    search(1, given[0], n, *given[1:], faiss.swig_ptr(scores), faiss.swig_ptr(positions), False, parameters)
    found = positions >= 0
    return scores[found], positions[found]


def _pq_bytes(dim: int) -> int:
    """Bytes of a product-quantized code: one for four floats, fewer where that does not come out even."""
    return next(n for n in range(max(dim // _PQ_FLOATS_PER_BYTE, 1), 0, -1) if dim % n == 0)
