"""Searches lists of compact codes: as many lists as a query needs, then the true scores of the best codes."""

import json
import weakref
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.index.exact import Ranked, rank, true_scores
from search.index.list_codes import ListCodes
from search.index.masks import Selection, positions_in
from search.index.options import IndexOptions
from search.index.reach import K, Reach
from search.index.scans import CoarseUnreadable, multiply

Floats = NDArray[np.float32]

_FIRST_LISTS = 16
_GROWTH = 4


@dataclass(frozen=True)
class ListFacts:
    """What was learnt about the lists when they were built.

    Attributes:
        kind: What the codes are, one of `options.KINDS`.
        spreads: float32 (n_lists,), root mean square distance of a list's members from its centroid.
        reach: How far lists reach beyond their centroid's score.
        code_error: What nearly all coarse scores are off by at most.
        depth: Among so many of the best coarse scores nearly always lie the `reach.K` best.
        recall: Recall@10 measured on moved stored vectors.
    """

    kind: str
    spreads: Floats
    reach: Reach
    code_error: float = 0.0
    depth: int = K
    recall: float = float("nan")

    def write(self, path: Path) -> None:
        """Write the facts to a file."""
        words = {"kind": self.kind, "code_error": self.code_error, "depth": self.depth, "recall": self.recall}
        with path.open("wb") as file:
            np.savez(
                file,
                spreads=self.spreads,
                scores=self.reach.scores,
                factors=self.reach.factors,
                words=np.array(json.dumps(words)),
            )

    @classmethod
    def read(cls, path: Path) -> "ListFacts":
        """Read them back.

        Raises:
            CoarseUnreadable: The file is not what `write` makes.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                reach = Reach(stored["scores"], stored["factors"])
                return cls(spreads=stored["spreads"], reach=reach, **json.loads(str(stored["words"])))
        except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise CoarseUnreadable(f"{path.name} is not readable: {error}") from error


class InvertedLists:
    """A base's vectors in lists; see `search.index.coarse.Coarse`.

    Args:
        codes: The lists.
        facts: What was learnt about them.
        list_of: integers (N,), the list of each row; may be a mapped file.
        options: `nprobe` and `rerank` act here.
    """

    scans_all = False

    def __init__(self, codes: ListCodes, facts: ListFacts, list_of: NDArray[np.integer], options: IndexOptions) -> None:
        self.codes = codes
        self.facts = facts
        self._list_of = list_of
        self._options = options
        self._holding: weakref.WeakKeyDictionary[Selection, NDArray[np.bool_]] = weakref.WeakKeyDictionary()

    @property
    def description(self) -> str:
        """How it is searched, for people."""
        return f"{self.facts.kind}, {self.facts.spreads.size} lists, recall@{K} {self.facts.recall:.3f} when built"

    def rank(
        self, ids: NDArray[np.int64], vectors: Floats, queries: Floats, k: int, n: int, selection: Selection
    ) -> list[Ranked]:
        """See `Coarse`; a few of the k best may be missed, but k rows are found wherever so many are selected."""
        if self._options.rerank is not None:
            n = self._options.rerank * k
        else:
            n = max(n, -(-k * self.facts.depth // K))
        ranked = []
        for query in queries:
            _, positions = self.nominate(query, k, n, selection)
            ranked.append(rank(ids[positions], true_scores(vectors, positions, query), k))
        return ranked

    def nominate(self, query: Floats, k: int, n: int, selection: Selection) -> tuple[Floats, NDArray[np.int64]]:
        """Find the best coarse scores, looking into lists until the rest can hardly hold one of the k best.

        Returns:
            Scores float32 (<= n,), falling, and positions int64 (<= n,); at least k if so many are selected.
        """
        spreads = self.facts.spreads
        list_scores = multiply(self.codes.centroids, query, None)
        bounds = list_scores + float(self.facts.reach.factors.max()) * spreads
        candidates = np.ones(spreads.size, dtype=np.bool_)
        due = np.arange(spreads.size)
        n_lists = _FIRST_LISTS if self._options.nprobe is None else self._options.nprobe
        best = np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int64)
        while due.size:
            if due.size > n_lists:
                due = due[np.argpartition(-bounds[due], n_lists - 1)[:n_lists]]
            candidates[due] = False
            best = _merged(best, self.codes.scan(query, due, list_scores[due], n, selection), n)
            n_lists *= _GROWTH
            if best[0].size < k:
                candidates &= self._lists_holding(selection)
                due = np.flatnonzero(candidates)
            elif self._options.nprobe is not None:
                break
            else:
                kth = float(best[0][k - 1]) - self.facts.code_error
                bounds = list_scores + self.facts.reach.factor(kth) * spreads
                due = np.flatnonzero(candidates & (bounds >= kth))
        return best

    def _lists_holding(self, selection: Selection) -> NDArray[np.bool_]:
        """Tell which lists hold selected rows; asked where the nearest hold few, as when categories are excluded."""
        holding = self._holding.get(selection)
        if holding is None:
            holding = np.zeros(self.facts.spreads.size, dtype=np.bool_)
            holding[self._list_of if selection.bitmap is None else self._list_of[positions_in(selection.bitmap)]] = True
            self._holding[selection] = holding
        return holding


def _merged(
    one: tuple[Floats, NDArray[np.int64]], other: tuple[Floats, NDArray[np.int64]], n: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Keep the n best of two sets of scores and positions, the best first."""
    if one[0].size == 0:
        return other
    scores = np.concatenate((one[0], other[0]))
    order = np.argsort(-scores, kind="stable")[:n]
    return scores[order], np.concatenate((one[1], other[1]))[order]
