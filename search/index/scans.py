"""Two scans over unit vectors, a compact fast one and an exact one over chosen rows; speaks FAISS.

FAISS is spoken here, in `list_codes` and in `clustering`, and nowhere else. The compact scan is flat, over codes of
half precision: on 100k x 256 it takes 40 % of the time and half of the memory of float32 codes, and needs no training.
Its scores are off by up to `score_error`, which is why `search.index.exact` scores the candidates again on the float32
vectors and proves that nothing better was left out: the speed of half precision with the answers of float32. Flat
float32 codes would not make that second step needless: FAISS breaks ties by position, and its sums depend on the size
of the batch.

Codes are written once and never changed: FAISS keeps both copies of a re-added id, shifts positions on removal, and
does not allow searching and adding to overlap.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from search.index.masks import Selection

_CHUNK_ROWS = 16_384


class CoarseUnreadable(Exception):
    """FAISS cannot read the file or finds another kind of index in it."""


def score_error(dim: int) -> float:
    """Bound of |coarse score - true score| for unit vectors.

    Rounding to half precision moves a unit vector by at most 2**-11 of its length (plus next to nothing for
    subnormals, hence the hundredth); summing `dim` float32 products adds at most `dim` roundings.
    """
    return 1.01 * 2.0**-11 + dim * 2.0**-23


def write_flat(vectors: NDArray[np.float32], path: Path) -> None:
    """Encode unit vectors, float32 (N, dim), into a file; row number = position.

    Raises:
        OSError, RuntimeError: The disk refused.
    """
    index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    for start in range(0, len(vectors), _CHUNK_ROWS):
        index.add(np.ascontiguousarray(vectors[start : start + _CHUNK_ROWS]))
    write_index(index, path)


def write_index(index: faiss.Index, path: Path) -> None:
    """Write what FAISS holds to a file.

    Through Python's file: FAISS's own writer only prints that closing failed, so on a disk that is just full it would
    leave a file without its end.

    Raises:
        OSError, RuntimeError: The disk refused.
    """
    with path.open("wb", buffering=0) as file:

        def write(content: bytes) -> None:
            view = memoryview(content)
            while view:
                view = view[file.write(view) :]

        faiss.write_index(index, faiss.PyCallbackIOWriter(write))  # type: ignore[attr-defined]  # not in FAISS's stubs


class FlatCodes:
    """A written file of half-precision codes, mapped, so that all processes share it.

    Args:
        path: From `write_flat`.
        dim: Length of a vector.
        count: How many there must be.

    Raises:
        CoarseUnreadable: The file holds no such codes.
    """

    def __init__(self, path: Path, dim: int, count: int) -> None:
        try:
            # IO_FLAG_MMAP maps only inverted lists on disk and would copy flat codes into memory; _IFC maps those too.
            self._index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise CoarseUnreadable(f"{path.name} is not readable by FAISS: {error}") from error
        if not isinstance(self._index, faiss.IndexScalarQuantizer) or (self._index.d, self._index.ntotal) != (
            dim,
            count,
        ):
            raise CoarseUnreadable(f"{path.name} holds no half-precision codes of {count} vectors of length {dim}")

    def scan(
        self, queries: NDArray[np.float32], n: int, selection: Selection
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Find the n selected positions with the best coarse scores.

        Args:
            queries: float32 (Q, dim).
            n: Candidates per query.
            selection: Which positions may be found.

        Returns:
            Scores float32 (Q, n), falling, and positions int64 (Q, n), -1 where there are no more.
        """
        params = None
        if selection.bitmap is not None:
            # The selector points into the bitmap: both names must live until the search is over. FAISS's stubs show
            # the C++ constructors, its Python wrappers take an array and keywords.
            selector = faiss.IDSelectorBitmap(selection.bitmap)  # type: ignore[call-arg, arg-type]
            params = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        with one_openmp_thread():
            scores, positions = self._index.search(queries, n, params=params)
        return scores, positions


def multiply(
    vectors: NDArray[np.float32], query: NDArray[np.float32], positions: NDArray[np.int64] | None
) -> NDArray[np.float32]:
    """Multiply a query with chosen rows, off by float32 rounding only.

    Not NumPy's `vectors[positions] @ query`: that copies the rows first (2-7 times slower), and its BLAS spreads even
    small products over all cores, which on a machine busy with torch costs a scheduler's tick, 8 ms, each time.

    Args:
        vectors: float32 (N, dim), C-contiguous.
        query: float32 (dim,), contiguous.
        positions: int64 (n,), rows to multiply; None means all.

    Returns:
        float32 (n,) or (N,).
    """
    rows, dim = vectors.shape
    products = np.empty(rows if positions is None else positions.size, dtype=np.float32)
    out, x, y = faiss.swig_ptr(products), faiss.swig_ptr(query), faiss.swig_ptr(vectors)
    if positions is None:
        faiss.fvec_inner_products_ny(out, x, y, dim, rows)  # type: ignore[attr-defined]  # not in FAISS's stubs
    else:
        with one_openmp_thread():
            wanted = faiss.swig_ptr(positions)
            faiss.fvec_inner_products_by_idx(out, x, y, wanted, dim, 1, positions.size)  # type: ignore[attr-defined]
    return products


@contextmanager
def one_openmp_thread() -> Iterator[None]:
    """Keep FAISS from competing with torch for the cores.

    The setting belongs to the calling thread, so setting it once at import would miss every other thread; and it is
    put back, because torch may read the same one.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
