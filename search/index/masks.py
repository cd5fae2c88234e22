"""Which rows of a base a restriction and the removals leave, as bitmaps that are worked out once and kept.

A bitmap has a bit per row: bit i % 8 of byte i // 8, the least first, as `np.packbits(..., bitorder="little")` makes it
and FAISS reads it. Predicates repeat (every search of a shop has its retailer, most ask for what is in stock), so each
one's bitmap is kept, and so is each combination's; the longest unused go when there are too many.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from search.index.base import NO_VALUE, TAG_NAMES, Where

Bitmap = NDArray[np.uint8]
Column = NDArray[np.integer]

KEPT_BYTES = 64 << 20
"""Of bitmaps, per base: 500 at a million rows, 50 at ten million."""

_ENTRY_BYTES = 1024
"""About what an entry takes besides its bitmaps: of a small base there would otherwise be hundreds of thousands."""

_FEW = 8192
"""Up to so many positions of a selection are kept with it."""


_ALL: Bitmap = np.empty(0, dtype=np.uint8)
"""Stands for the bitmap of a base none of whose rows was removed."""


@dataclass(frozen=True, eq=False)
class Selection:
    """The rows that may be hits. Equal only to itself, so that what is worked out for it can be kept under it.

    Attributes:
        n_rows: Rows of the base.
        bitmap: A bit for each of them; None means all.
        count: How many are selected.
        filtered: Whether a restriction took part, rather than removals alone.
    """

    n_rows: int
    bitmap: Bitmap | None
    count: int
    filtered: bool

    @property
    def positions(self) -> NDArray[np.int64] | None:
        """The selected rows, int64 (count,), rising; None means all."""
        if self.bitmap is None:
            return None
        return self._few_positions if self.count <= _FEW else positions_in(self.bitmap)

    @cached_property
    def _few_positions(self) -> NDArray[np.int64]:
        return positions_in(np.empty(0, dtype=np.uint8) if self.bitmap is None else self.bitmap)

    def contains(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which of some rows are selected, bool (n,)."""
        if self.bitmap is None:
            return np.ones(positions.size, dtype=np.bool_)
        bits = self.bitmap[positions >> 3] >> (positions & 7).astype(np.uint8)
        return np.asarray(bits & 1, dtype=np.bool_)


def positions_in(bitmap: Bitmap) -> NDArray[np.int64]:
    """The rows whose bit is set, int64 (n,), rising."""
    # Unpacking all of a sparse bitmap would cost eight times as much as looking for the bytes that are not zero.
    filled = np.flatnonzero(bitmap)
    row, bit = np.nonzero(np.unpackbits(bitmap[filled], bitorder="little").reshape(-1, 8))
    return np.asarray(filled[row] * 8 + bit, dtype=np.int64)


def allowed(tags: Sequence[Column], where: Where | None) -> NDArray[np.bool_] | None:
    """Tell which rows a restriction allows, without keeping anything.

    Args:
        tags: A column (N,) for each of `TAG_NAMES`.
        where: Restriction; None means none.

    Returns:
        bool (N,), or None for all.
    """
    tests = [] if where is None else list(_tests(where))
    if not tests:
        return None
    columns = dict(zip(TAG_NAMES, tags, strict=True))
    passing: NDArray[np.bool_] = np.logical_and.reduce([test.passes(columns[test.column]) for test in tests])
    return passing


class Selections:
    """Makes and keeps the selections of one base. Safe in threads.

    Args:
        tags: A column (N,) for each of `TAG_NAMES`.
        n_rows: N.
    """

    def __init__(self, tags: Sequence[Column], n_rows: int) -> None:
        self._columns = dict(zip(TAG_NAMES, tags, strict=True))
        self._n_rows = n_rows
        self._kept: OrderedDict[Hashable, tuple[Bitmap, Selection | None]] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()

    def select(self, where: Where | None, alive: Bitmap | None) -> Selection:
        """Combine a restriction (None: none) with the bitmap of rows that were not removed (None: all there).

        The same `alive` object must not be changed afterwards: it is recognised by its identity.
        """
        known = _ALL if alive is None else alive
        key = (where, id(known))
        found = self._get(key)
        if found is not None and found[0] is known and found[1] is not None:
            return found[1]
        bitmaps = [] if where is None else [self._bitmap_of(test) for test in _tests(where)]
        selection = self._combine(bitmaps, alive)
        self._put(key, known, selection)  # with the bitmap, so that its id cannot become another's
        return selection

    def _combine(self, bitmaps: list[Bitmap], alive: Bitmap | None) -> Selection:
        filtered = bool(bitmaps)
        if alive is not None:
            bitmaps = [*bitmaps, alive]
        if not bitmaps:
            return Selection(self._n_rows, None, self._n_rows, False)
        bitmap = bitmaps[0] if len(bitmaps) == 1 else np.bitwise_and.reduce(bitmaps)
        if alive is not None and not filtered:
            bitmap = _without_bits_beyond(bitmap, self._n_rows)
        count = int(np.bitwise_count(bitmap).sum(dtype=np.int64))
        if count == self._n_rows:  # as where there is one retailer: testing each row would double the scan's time
            return Selection(self._n_rows, None, count, False)
        return Selection(self._n_rows, bitmap, count, filtered)

    def _bitmap_of(self, test: "_Test") -> Bitmap:
        found = self._get(test)
        if found is None:
            found = np.packbits(test.passes(self._columns[test.column]), bitorder="little"), None
            self._put(test, *found)
        return found[0]

    def _get(self, key: Hashable) -> tuple[Bitmap, Selection | None] | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _put(self, key: Hashable, bitmap: Bitmap, selection: Selection | None) -> None:
        with self._lock:
            before = self._kept.pop(key, None)
            self._kept[key] = bitmap, selection
            self._kept_bytes += _size(bitmap, selection) - (0 if before is None else _size(*before))
            while self._kept_bytes > KEPT_BYTES and len(self._kept) > 1:
                self._kept_bytes -= _size(*self._kept.popitem(last=False)[1])


@dataclass(frozen=True)
class _Test:
    """One restriction on one column: among some values, or within bounds."""

    column: str
    wanted: frozenset[int] | None = None
    least: int | None = None
    most: int | None = None

    def passes(self, values: Column) -> NDArray[np.bool_]:
        if self.wanted is not None:
            return _is_one_of(values, self.wanted)
        passing: NDArray[np.bool_] = values != NO_VALUE
        if self.least is not None:
            passing &= values >= self.least
        if self.most is not None:
            passing &= values <= self.most
        return passing


def _tests(where: Where) -> Iterator[_Test]:
    for column in ("retailer_id", "category_id", "brand_id", "gender_id", "color_id", "currency_id"):
        wanted: frozenset[int] | None = getattr(where, f"{column}s")
        if wanted is not None:
            # Category -1 is a value (`NO_CATEGORY`), in the other columns it is the lack of one.
            yield _Test(column, wanted if column == "category_id" else wanted - {NO_VALUE})
    if where.price_min is not None or where.price_max is not None:
        yield _Test("price", None, where.price_min, where.price_max)
    if where.in_stock is not None:
        yield _Test("in_stock", frozenset({int(where.in_stock)}))


def _is_one_of(values: Column, wanted: frozenset[int]) -> NDArray[np.bool_]:
    """Tell which values are wanted; for the usual handful, comparisons are 20 times faster than `np.isin`."""
    if len(wanted) > 32:
        return np.isin(values, np.fromiter(wanted, dtype=np.int64))
    found = np.zeros(values.size, dtype=np.bool_)
    for one in wanted:
        found |= values == one
    return found


def _without_bits_beyond(bitmap: Bitmap, n_rows: int) -> Bitmap:
    """Clear what the last byte says about rows that are not there."""
    used = 0xFF >> (-n_rows % 8)
    if bitmap.size == 0 or int(bitmap[-1]) <= used:
        return bitmap
    cleared = bitmap.copy()
    cleared[-1] &= used
    return cleared


def _size(bitmap: Bitmap, selection: Selection | None) -> int:
    """Bytes that keeping this holds on to, positions that may be worked out later included."""
    if selection is None or selection.bitmap is None:
        return _ENTRY_BYTES + bitmap.nbytes
    return _ENTRY_BYTES + 2 * bitmap.nbytes + (8 * selection.count if selection.count <= _FEW else 0)
