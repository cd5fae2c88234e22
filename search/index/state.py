"""One published or half-changed state of an index: a base, which of its rows are still alive, and a delta."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from search.index.base import ABSENT, TAG_NAMES, Hits, Where
from search.index.delta import Delta
from search.index.delta_log import Frame, LogPosition
from search.index.exact import Ranked, padded, rank
from search.index.rows import Rows

Bitmap = NDArray[np.uint8]
"""Packed, least bit first: see `Rows.search`."""


UNPUBLISHED = ("", "")

_NOTHING: Ranked = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))


@dataclass(frozen=True)
class Base:
    """A base that was checked and opened.

    Attributes:
        key: Tells bases apart, see `Segment.base_key`; `UNPUBLISHED` for one that has none yet.
        folder: Where its files are.
        rows: Its rows, mapped.
        log_start: What its log's running checksum starts from.
    """

    key: tuple[str, str]
    folder: Path
    rows: Rows
    log_start: bytes


@dataclass(frozen=True)
class State:
    """What a search answers from; it never changes, `after` makes the next one at the cost of the change.

    Attributes:
        base: The base.
        delta: Rows of the log; it may hold later ones, which this state does not see.
        position: How far the log has been applied.
        n_frames: How many frames that are.
        n_living: Rows of the delta that are alive.
        alive: Which rows of the base are; None: all.
        n_removed: Rows of the base that are not.
    """

    base: Base
    delta: Delta
    position: LogPosition
    n_frames: int = 0
    n_living: int = 0
    alive: Bitmap | None = None
    n_removed: int = 0

    def __len__(self) -> int:
        return int(self.base.rows.ids.size) - self.n_removed + self.n_living

    def ids(self) -> NDArray[np.int64]:
        """The ids of all vectors, rising."""
        living = self.delta.ids(self.living_places())
        return np.sort(np.concatenate((self.base.rows.ids[self.living_rows()], living)))

    def living_rows(self) -> NDArray[np.int64]:
        """The positions, rising, of the base's rows that are alive."""
        count = self.base.rows.ids.size
        if self.alive is None:
            return np.arange(count)
        return np.flatnonzero(np.unpackbits(self.alive, count=count, bitorder="little"))

    def living_places(self) -> NDArray[np.int64]:
        """The places, rising, of the delta's rows that are alive."""
        return self.delta.living(self.position.n_rows, self.n_frames)

    def tags(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The tags of these ids, see `VectorIndex.tags`."""
        found = np.full((ids.size, len(TAG_NAMES)), ABSENT, dtype=np.int64)
        which, rows = find_rows(self.base.rows.ids, ids, self.alive)
        for number, column in enumerate(self.base.rows.tags):
            found[which, number] = column[rows]
        places = self.delta.places(ids, self.position.n_rows, self.n_frames)
        which = np.flatnonzero(places >= 0)
        found[which] = self.delta.tag_rows(places[which])
        return found

    def holds(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which of these ids are there."""
        held = self.delta.places(ids, self.position.n_rows, self.n_frames) >= 0
        held[find_rows(self.base.rows.ids, ids, self.alive)[0]] = True
        return held

    def search(self, queries: NDArray[np.float32], k: int, where: Where | None, generation: int) -> Hits:
        """Answer valid queries, float32 (Q, dim); `generation` is handed on into the hits."""
        parts: list[Sequence[Ranked]] = []
        if self.base.rows.ids.size > self.n_removed:
            parts.append(self.base.rows.search(queries, k, where, self.alive))
        if self.n_living:
            parts.append(self.delta.search(queries, k, where, self.position.n_rows, self.n_frames))
        if not parts:
            parts = [[_NOTHING] * len(queries)]
        return padded([_merged(found, k) for found in zip(*parts, strict=True)], k, generation)

    def after(self, frames: Iterable[tuple[Frame, LogPosition]]) -> "State":
        """Make the state after some frames of the log, given with where each ends.

        Raises:
            IndexDamaged: From reading the frames; this state stands.
        """
        with self.delta.lock:
            delta = self.delta.owned_by(self.position.n_rows, self.n_frames)
            position, n_living, n_removed = self.position, self.n_living, self.n_removed
            copied: Bitmap | None = None
            for frame, end in frames:
                which, rows = find_rows(self.base.rows.ids, frame.ids, self.alive if copied is None else copied)
                if which.size:
                    copied = self._copied_bitmap() if copied is None else copied
                    # Rows may share a byte, so not `copied[...] &= ...`, which would count one bit of them.
                    np.bitwise_and.at(copied, rows >> 3, ~(np.uint8(1) << (rows & 7).astype(np.uint8)))
                    n_removed += int(which.size)
                n_living += frame.n_rows - delta.add(frame)
                position = end
            return replace(
                self,
                delta=delta,
                position=position,
                n_frames=delta.n_frames,
                n_living=n_living,
                alive=self.alive if copied is None else copied,
                n_removed=n_removed,
            )

    def _copied_bitmap(self) -> Bitmap:
        if self.alive is not None:
            return self.alive.copy()
        count = int(self.base.rows.ids.size)
        return np.packbits(np.ones(count, dtype=np.bool_), bitorder="little")


def _merged(found: Sequence[Ranked], k: int) -> Ranked:
    """Merge rankings of one query from separate rows."""
    if len(found) == 1:
        return found[0]
    ids, scores = zip(*found, strict=True)
    return rank(np.concatenate(ids), np.concatenate(scores), k)


def find_rows(
    sorted_ids: NDArray[np.int64], ids: NDArray[np.int64], alive: Bitmap | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find ids among a base's living rows.

    Args:
        sorted_ids: int64 (N,), rising.
        ids: int64 (n,).
        alive: Which rows count; None: all.

    Returns:
        Which of `ids` are there, as positions in it, and their rows.

    >>> which, rows = find_rows(np.array([2, 5, 9]), np.array([9, 4, 2]), None)
    >>> which.tolist(), rows.tolist()
    ([0, 2], [2, 0])
    """
    if not sorted_ids.size or not ids.size:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    rows = np.searchsorted(sorted_ids, ids)
    here = rows < sorted_ids.size
    here[here] = sorted_ids[rows[here]] == ids[here]
    if alive is not None:
        here[here] = (alive[rows[here] >> 3] >> (rows[here] & 7).astype(np.uint8)) & 1 == 1
    which = np.flatnonzero(here)
    return which, rows[which]
