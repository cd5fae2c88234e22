"""Which products a feed named, in a few bytes each."""

from __future__ import annotations

from array import array

FIRST_SLOTS = 1 << 12
LAST_LINE = 0xFFFFFFFF


class SeenIds:
    """A set of product ids with the line of each one's row: 12 bytes a slot, at most two thirds of the slots used.

    Ids are told apart by 64 bits of Python's keyed hash, so no feed can bring about a collision, and among ten million
    ids one happens once in some 370,000 feeds.
    """

    def __init__(self) -> None:
        self._n = 0
        self._make(FIRST_SLOTS)

    def __len__(self) -> int:
        return self._n

    def __contains__(self, product_id: str) -> bool:
        return self._hashes[self._slot(_hash(product_id))] != 0

    def add(self, product_id: str, line: int) -> int | None:
        """Take note of an id's row. Returns the line of its first row, or None where this is the first."""
        slot = self._take(_hash(product_id))
        first_line = self._lines[slot]
        if first_line:
            return first_line
        self._lines[slot] = min(line, LAST_LINE)
        return None

    def mention(self, product_id: str) -> None:
        """Take note of an id that was named by a row which does not count."""
        self._take(_hash(product_id))

    def _make(self, n_slots: int) -> None:
        self._mask = n_slots - 1
        self._hashes = array("Q", bytes(8 * n_slots))
        self._lines = array("I", bytes(4 * n_slots))

    def _slot(self, value: int) -> int:
        slot = value & self._mask
        hashes = self._hashes
        while hashes[slot] and hashes[slot] != value:
            slot = (slot + 1) & self._mask
        return slot

    def _take(self, value: int) -> int:
        """The slot of a value, which is taken for it where it is new."""
        slot = self._slot(value)
        if self._hashes[slot]:
            return slot
        if 3 * (self._n + 1) > 2 * len(self._hashes):
            self._grow()
            slot = self._slot(value)
        self._hashes[slot] = value
        self._n += 1
        return slot

    def _grow(self) -> None:
        hashes, lines = self._hashes, self._lines
        self._make(2 * len(hashes))
        for value, line in zip(hashes, lines, strict=True):
            if value:
                slot = self._slot(value)
                self._hashes[slot], self._lines[slot] = value, line


def _hash(product_id: str) -> int:
    # 0 marks a free slot.
    return (hash(product_id) & 0xFFFFFFFFFFFFFFFF) or 1
