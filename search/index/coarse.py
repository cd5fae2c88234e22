"""What a base is searched with when multiplying all selected rows would take too long, chosen by size when it is built.

kind      searched by                                      from        bytes a vector   built for 1M x 256
flat      all rows in half precision, proven exact         0           2 dim            -
ivf_sq8   lists of 8-bit codes, ranked by true scores      50,000      dim + 8          a minute
ivf_pq    lists of product-quantized codes, likewise       by option   dim / 4 + 8      two minutes

The vectors themselves (4 dim bytes each) lie in a mapped file beside the codes. A search touches those of its
candidates only, so they need not fit into memory.
"""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from search.index.build_lists import build_lists, facts_path, list_of_path
from search.index.exact import Ranked, rank_all, rank_nominated
from search.index.inverted import InvertedLists, ListFacts
from search.index.list_codes import ListCodes
from search.index.masks import Selection
from search.index.options import IndexOptions
from search.index.scans import CoarseUnreadable, FlatCodes, score_error, write_flat

Floats = NDArray[np.float32]


class Coarse(Protocol):
    """A compact copy of a base's vectors."""

    @property
    def scans_all(self) -> bool:
        """Whether a search goes through all rows, so that multiplying a good part of them may be faster."""
        ...

    @property
    def description(self) -> str:
        """How it is searched, for people."""
        ...

    def rank(
        self, ids: NDArray[np.int64], vectors: Floats, queries: Floats, k: int, n: int, selection: Selection
    ) -> list[Ranked]:
        """Rank the k best of the selected rows for each query.

        Args:
            ids: int64 (N,).
            vectors: float32 (N, dim), the rows that were encoded.
            queries: float32 (Q, dim).
            k: Hits per query.
            n: Candidates to score in full, at least; more than k.
            selection: Which rows may be hits, more than n.
        """
        ...


class FlatCoarse:
    """Half-precision codes, all of them scanned for each query; exact."""

    scans_all = True
    description = "flat"

    def __init__(self, codes: FlatCodes) -> None:
        self._codes = codes

    def rank(
        self, ids: NDArray[np.int64], vectors: Floats, queries: Floats, k: int, n: int, selection: Selection
    ) -> list[Ranked]:
        """See `Coarse`; where the candidates cannot be proven to hold the k best, all selected rows are multiplied."""
        error = score_error(vectors.shape[1])
        ranked = []
        for query, scores, positions in zip(queries, *self._codes.scan(queries, n, selection), strict=True):
            best = rank_nominated(ids, vectors, query, k, (scores, positions), error)
            if best is None:
                best = rank_all(ids, vectors, query, k, selection.positions)
            ranked.append(best)
        return ranked


def build_coarse(vectors: Floats, path: Path, options: IndexOptions) -> None:
    """Encode a base's vectors into a file, and maybe one beside it; row number = position in the result.

    Args:
        vectors: float32 (N, dim), unit length; a mapped file that may be larger than the memory. N may be 0.
        path: Where to write.
        options: What the index URL asks for.

    Raises:
        RuntimeError, OSError: The disk refused.
    """
    kind = options.kind_for(len(vectors))
    if kind == "flat":
        write_flat(vectors, path)
    else:
        build_lists(vectors, path, kind, options)


def map_coarse(path: Path, dim: int, count: int, options: IndexOptions) -> Coarse:
    """Open what was built; codes stay in the file, mapped and shared by all processes that open it.

    Raises:
        CoarseUnreadable: There are no codes of `count` vectors of length `dim`.
        OSError, ValueError: A file is missing or not readable.
    """
    if not facts_path(path).exists():
        return FlatCoarse(FlatCodes(path, dim, count))
    facts = ListFacts.read(facts_path(path))
    codes = ListCodes(path, dim, count, on_gpu=options.device == "gpu")
    list_of = np.asarray(np.load(list_of_path(path), mmap_mode="r", allow_pickle=False))
    if (len(codes.centroids), count) != (facts.spreads.size, len(list_of)):
        raise CoarseUnreadable(f"{path.name} and the files beside it do not belong together")
    return InvertedLists(codes, facts, list_of, options)
