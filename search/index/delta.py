"""The rows that a log brought, as one process holds them: appended to, never changed, shared by successive states.

Rows and their deaths carry the number of the frame that caused them, so a state that has seen n frames finds in the
same arrays exactly what it may see, while later frames are being added. Vectors stay in the log's mapped file.
"""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search.index.base import TAG_NAMES, Where
from search.index.delta_log import Frame, LogReader
from search.index.exact import Ranked, rank_all
from search.index.masks import Selections

_NEVER = np.iinfo(np.int64).max
_LEAST_CAPACITY = 64


class Delta:
    """Rows of one log in the order of the log; row numbers are called places.

    Only the newest state may add (`owned_by`): a state that others have grown beyond, as a writer's that was left
    without publishing, gets a copy.

    Args:
        log: Where the vectors are.
    """

    def __init__(self, log: LogReader) -> None:
        self.log = log
        self.lock = threading.Lock()  # held while adding; looking needs none
        self.n_rows = 0
        self.n_frames = 0
        self._ids = np.empty(0, dtype=np.int64)
        self._tags = np.empty((len(TAG_NAMES), 0), dtype=np.int64)
        self._dead_from = np.empty(0, dtype=np.int64)  # the frame that removed or replaced the row
        self._older = np.empty(0, dtype=np.int64)  # place of the row before with the same id, or -1
        self._newest: dict[int, int] = {}

    def owned_by(self, n_rows: int, n_frames: int) -> "Delta":
        """Give the delta that a state of so many rows and frames may add to: this one, or a copy of what it sees."""
        if (self.n_rows, self.n_frames) == (n_rows, n_frames):
            return self
        copy = Delta(self.log)
        copy.n_rows, copy.n_frames = n_rows, n_frames
        copy._ids = self._ids[:n_rows].copy()
        copy._tags = self._tags[:, :n_rows].copy()
        copy._older = self._older[:n_rows].copy()
        dead_from = self._dead_from[:n_rows]
        copy._dead_from = np.where(dead_from <= n_frames, dead_from, _NEVER)
        copy._newest = {vector_id: place for place, vector_id in enumerate(copy._ids.tolist())}
        return copy

    def add(self, frame: Frame) -> int:
        """Apply a frame, the next of the log; give how many rows it removed or replaced. Hold `lock`."""
        number = self.n_frames + 1
        given = frame.ids.tolist()
        before = np.array([self._newest.get(vector_id, -1) for vector_id in given], dtype=np.int64)
        dying = before[before >= 0]
        dying = dying[self._dead_from[dying] == _NEVER]
        if frame.tags is not None:
            start, end = self.n_rows, self.n_rows + len(given)
            self._reserve(end)
            self._ids[start:end] = frame.ids
            self._tags[:, start:end] = frame.tags.T
            self._dead_from[start:end] = _NEVER
            self._older[start:end] = before
            self._newest.update(zip(given, range(start, end), strict=True))
            self.n_rows = end
        self._dead_from[dying] = number
        self.n_frames = number
        return int(dying.size)

    def living(self, n_rows: int, n_frames: int) -> NDArray[np.int64]:
        """The places, rising, of the rows that a state sees."""
        return np.flatnonzero(self._dead_from[:n_rows] > n_frames)

    def ids(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The ids in these places."""
        return self._ids[places]

    def tag_rows(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The tags in these places, int64 (n, len(TAG_NAMES))."""
        return self._tags[:, places].T

    def tag_column(self, number: int, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """One tag, by its position in `TAG_NAMES`, in these places, int64 (n,)."""
        return np.asarray(self._tags[number, places])

    def places(self, ids: NDArray[np.int64], n_rows: int, n_frames: int) -> NDArray[np.int64]:
        """Where a state sees these ids, int64 (n,); -1 where it does not."""
        return np.array([self._place(vector_id, n_rows, n_frames) for vector_id in ids.tolist()], dtype=np.int64)

    def search(
        self, queries: NDArray[np.float32], k: int, where: Where | None, n_rows: int, n_frames: int
    ) -> Sequence[Ranked]:
        """Find the k best rows of each query that a state sees, exactly; see `Rows.search`."""
        ids, vectors = self._ids[:n_rows], self.log.vectors(n_rows)
        visible = np.packbits(self._dead_from[:n_rows] > n_frames, bitorder="little")
        selection = Selections(tuple(self._tags[:, :n_rows]), n_rows).select(where, visible)
        return [rank_all(ids, vectors, query, k, selection.positions) for query in queries]

    def _place(self, vector_id: int, n_rows: int, n_frames: int) -> int:
        place = self._newest.get(vector_id, -1)
        while place >= n_rows:
            place = int(self._older[place])
        return place if place >= 0 and self._dead_from[place] > n_frames else -1

    def _reserve(self, n_rows: int) -> None:
        """Make room by doubling; searches that run go on in the arrays they have."""
        capacity = self._ids.size
        if n_rows <= capacity:
            return
        more = max(n_rows, 2 * capacity, _LEAST_CAPACITY) - capacity
        self._tags = np.concatenate((self._tags, np.empty((len(TAG_NAMES), more), dtype=np.int64)), axis=1)
        for name in ("_ids", "_dead_from", "_older"):
            setattr(self, name, np.concatenate((getattr(self, name), np.empty(more, dtype=np.int64))))
