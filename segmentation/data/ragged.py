"""Rows of different lengths in one flat array: no Python object a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Rows of bytes, one behind the other.

    values: uint8, shape (total,). bounds: int64, shape (n_rows + 1,); row i is `values[bounds[i]:bounds[i + 1]]`.
    """

    values: NDArray[np.uint8]
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.bounds) - 1

    def row(self, index: int) -> NDArray[np.uint8]:
        """One row, uint8, as a view."""
        return self.values[self.bounds[index] : self.bounds[index + 1]]

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        """Copy these rows, in this order.

        >>> Ragged(np.array([7, 8, 9], np.uint8), np.array([0, 1, 3])).take(np.array([1, 0])).values.tolist()
        [8, 9, 7]
        """
        lengths = np.diff(self.bounds)[rows]
        bounds = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        # Neighbours are copied in one piece: as an index a byte, hundreds of megabytes would need gigabytes.
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        firsts = rows[np.concatenate(([0], breaks))] if len(rows) else rows
        lasts = rows[np.concatenate((breaks - 1, [len(rows) - 1]))] if len(rows) else rows
        pieces = [
            self.values[start:end] for start, end in zip(self.bounds[firsts], self.bounds[lasts + 1], strict=True)
        ]
        return Ragged(np.concatenate(pieces) if pieces else self.values[:0], bounds)

    @staticmethod
    def concatenated(parts: Sequence[Ragged]) -> Ragged:
        """All rows of all parts, in their order."""
        values = np.concatenate([np.zeros(0, np.uint8), *(part.values for part in parts)])
        return Ragged(values, joined_bounds([part.bounds for part in parts]))


def joined_bounds(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Bounds of rows that are laid one part behind the other.

    >>> joined_bounds([np.array([0, 2, 5]), np.array([0, 1])]).tolist()
    [0, 2, 5, 6]
    """
    lengths = [np.diff(bounds) for bounds in parts]
    return np.concatenate(([0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *lengths])))).astype(np.int64)
