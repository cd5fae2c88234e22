"""How a base lies in files, how it is written from a state without being held in memory, and how it is mapped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.index.base import TAG_NAMES, IndexDamaged
from search.index.coarse import build_coarse, map_coarse
from search.index.options import IndexOptions
from search.index.rows import Rows
from search.index.scans import CoarseUnreadable
from search.index.state import State

IDS_FILE = "ids.npy"
VECTORS_FILE = "vectors.npy"
COARSE_FILE = "coarse.faiss"

_CHUNK_ROWS = 16_384


def tag_file(name: str) -> str:
    """Name the file of a tag's column."""
    return f"tag-{name}.npy"


def no_rows(dim: int) -> Rows:
    """The rows of an index that is new."""
    empty = np.empty(0, dtype=np.int64)
    return Rows(empty, (empty,) * len(TAG_NAMES), np.empty((0, dim), dtype=np.float32))


def write_base(state: State, folder: Path, options: IndexOptions) -> int:
    """Write what a state holds as the files of a new base, sorted by id; give how many rows that are.

    Equal content makes equal files. Vectors pass through memory in chunks; ids and one tag at a time are held whole.

    Args:
        state: What to write.
        folder: An empty folder.
        options: How the base is to be searched.

    Raises:
        OSError, RuntimeError: The disk refused (FAISS reports it as RuntimeError).
    """
    rows, places = state.living_rows(), state.living_places()
    ids = np.concatenate((state.base.rows.ids[rows], state.delta.ids(places)))
    order = np.argsort(ids, kind="stable")  # two runs, of which the long one is sorted: linear
    np.save(folder / IDS_FILE, ids[order])
    for number, name in enumerate(TAG_NAMES):
        column = np.concatenate((state.base.rows.tags[number][rows], state.delta.tag_column(number, places)))
        np.save(folder / tag_file(name), _narrowed(column[order]))
    dim = state.base.rows.vectors.shape[1]
    # Written, not mapped: a full disk is an error that can be caught, not a signal.
    with (folder / VECTORS_FILE).open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (ids.size, dim)}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in _vector_chunks(state, rows, places, order):
            file.write(chunk.data)
    if ids.size:
        build_coarse(_mapped(folder / VECTORS_FILE), folder / COARSE_FILE, options)
    return int(ids.size)


def map_base(folder: Path, dim: int, count: int, options: IndexOptions) -> Rows:
    """Open the files of a base that was checked; they stay on disk, mapped, and are shared by all processes.

    Raises:
        IndexDamaged: The files do not fit together (their checksums were right, so a faulty release wrote them).
    """
    if count == 0:
        return no_rows(dim)
    try:
        ids = _mapped(folder / IDS_FILE)
        tags = tuple(_mapped(folder / tag_file(name)) for name in TAG_NAMES)
        vectors = _mapped(folder / VECTORS_FILE)
        coarse = map_coarse(folder / COARSE_FILE, dim, count, options)
    except (OSError, ValueError, CoarseUnreadable) as error:
        raise IndexDamaged(f"{folder} cannot be opened ({error}); rebuild the index") from error
    if vectors.shape != (count, dim) or any(column.shape != (count,) for column in (ids, *tags)):
        raise IndexDamaged(f"{folder} contradicts its manifest; rebuild the index")
    return Rows(ids, tags, vectors, coarse)


def _vector_chunks(
    state: State, rows: NDArray[np.int64], places: NDArray[np.int64], order: NDArray[np.int64]
) -> Iterator[NDArray[np.float32]]:
    """Give the living vectors of base and delta in the given order, some rows at a time."""
    of_base, of_delta = state.base.rows.vectors, state.delta.log.vectors(state.position.n_rows)
    for start in range(0, order.size, _CHUNK_ROWS):
        sources = order[start : start + _CHUNK_ROWS]
        new = sources >= rows.size
        chunk = np.empty((sources.size, of_base.shape[1]), dtype=np.float32)
        chunk[~new] = of_base[rows[sources[~new]]]
        chunk[new] = of_delta[places[sources[new] - rows.size]]
        yield chunk


def _narrowed(column: NDArray[np.int64]) -> NDArray[np.integer]:
    """Store a tag in as few bytes as its values need: filters read whole columns."""
    least, most = (int(column.min()), int(column.max())) if column.size else (0, 0)
    for width in (np.int8, np.int16, np.int32):
        if np.iinfo(width).min <= least and most <= np.iinfo(width).max:
            return column.astype(width)
    return column


def _mapped(path: Path) -> NDArray[Any]:
    # As a plain array: a memmap would pay for its subclass at every slice.
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
