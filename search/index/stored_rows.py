"""How the FAISS keeper's rows lie in a generation's files, and how they are opened without being read into memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from search.index import snapshots
from search.index.base import TAG_NAMES, IndexDamaged
from search.index.options import IndexOptions
from search.index.rows import Rows
from search.index.scans import CoarseUnreadable, build_coarse, map_coarse

ROWS_FILE = "rows.npz"
VECTORS_FILE = "vectors.npy"
COARSE_FILE = "coarse.faiss"


@dataclass(frozen=True)
class Published:
    """A generation, opened.

    Attributes:
        pointer: What the pointer file said when it was opened.
        number: Its generation number.
        rows: Its content, mapped.
    """

    pointer: str
    number: int
    rows: Rows


def open_published(root: Path, space: str, dim: int, options: IndexOptions) -> Published:
    """Check and map the current generation.

    A reader may be overtaken by two publishes between reading the pointer and opening the files; then the pointer
    has changed and the newer generation is opened instead.
    """
    folder = snapshots.space_folder(root, space)
    while True:
        pointer = snapshots.read_pointer(folder)
        if pointer is None:
            raise snapshots.missing(root, space)
        try:
            generation = snapshots.open_generation(folder, pointer, space, dim)
            return Published(pointer, generation.number, _map_rows(generation, options))
        except IndexDamaged:
            if snapshots.read_pointer(folder) == pointer:
                raise


def write_rows(rows: Rows, folder: Path, options: IndexOptions) -> None:
    """Write a generation's data files into a folder."""
    columns = dict(zip(TAG_NAMES, rows.tags, strict=True))
    np.savez(folder / ROWS_FILE, ids=rows.ids, **columns)  # type: ignore[arg-type]  # the stubs take them for allow_pickle
    np.save(folder / VECTORS_FILE, rows.vectors)
    build_coarse(rows.vectors, folder / COARSE_FILE, options)


def _map_rows(generation: snapshots.Generation, options: IndexOptions) -> Rows:
    """Open a generation's files; vectors stay on disk, mapped, and are shared by all processes.

    Raises:
        IndexDamaged: The files do not fit together (their checksums were right, so a faulty release wrote them).
    """
    try:
        with np.load(generation.folder / ROWS_FILE, allow_pickle=False) as stored:
            ids, tags = stored["ids"], tuple(stored[name] for name in TAG_NAMES)
        # As a plain array: a memmap would pay for its subclass at every slice.
        vectors = np.asarray(np.load(generation.folder / VECTORS_FILE, mmap_mode="r", allow_pickle=False))
        coarse = map_coarse(generation.folder / COARSE_FILE, generation.dim, generation.count, options)
    except (OSError, KeyError, ValueError, CoarseUnreadable) as error:
        raise IndexDamaged(f"{generation.folder} cannot be opened ({error}); rebuild the index") from error
    if vectors.shape != (generation.count, generation.dim) or ids.shape != (generation.count,):
        raise IndexDamaged(f"{generation.folder} contradicts its manifest; rebuild the index")
    return Rows(ids, tags, vectors, coarse)
