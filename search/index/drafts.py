"""What a writer is about to publish: changes appended to the log of the published base, or a base that is new."""

import shutil
import time
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from search.index import snapshots
from search.index.base import IndexDamaged
from search.index.base_files import no_rows
from search.index.delta import Delta
from search.index.delta_log import Frame, LogPosition, LogReader, LogWriter
from search.index.new_base import NewBase
from search.index.opened import OpenedSpace, Published
from search.index.sealing import MANIFEST
from search.index.snapshots import Pointer, Segment
from search.index.state import UNPUBLISHED, Base, State

BUILD_AT_LEAST = 2048
"""From so many vectors on, what is built from nothing is published as a base, rather than as a log that is scanned."""

MIRROR_FOR_S = 600.0
"""How long after a compaction the log of the base before is kept up, for readers that still check the new base."""

_LOG_FOLDER = ".writing"
_BASE_FOLDER = ".building"


class Draft:
    """A state with changes that are in the log's files and not published. Not thread-safe, but for reading `state`.

    Args:
        opened: Whose space it is.
        state: What it starts from.
        log: The log of the state's base, open for appending.
        published: What is published now; None: nothing, or it is not looked at.
        new: The base that is new, where nothing is published.
        mirror: The log of the base before, and the base's segment.
    """

    def __init__(
        self,
        opened: OpenedSpace,
        state: State,
        log: LogWriter,
        published: Published | None = None,
        new: NewBase | None = None,
        mirror: tuple[Segment, LogWriter] | None = None,
    ) -> None:
        self.state = state
        self.number = 0 if published is None else published.pointer.number
        self._opened = opened
        self._log = log
        self._new = new
        self._begins = new is not None  # until it is published; `_new` only until it has its name
        self._mirror = mirror
        self._published_state = state

    def upsert(self, ids: NDArray[np.int64], vectors: NDArray[np.float32], tags: NDArray[np.int64]) -> None:
        """Add valid rows, or replace those whose id is there.

        Raises:
            OSError: The disk refused; nothing has changed.
        """
        self._append(Frame(ids, tags), vectors)

    def remove(self, ids: NDArray[np.int64]) -> int:
        """Remove the rows with these ids, each given once, and give how many there were.

        Raises:
            OSError: The disk refused; nothing has changed.
        """
        held = ids[self.state.holds(ids)]
        if held.size:
            self._append(Frame(held, None), None)
        return int(held.size)

    def publish(self) -> int:
        """Publish the state and give its number.

        Raises:
            OSError, RuntimeError: The disk refused; what is published stands.
        """
        if self._new is not None:
            self._put_in_place(self._new)
        self._log.sync()
        current = Segment(*self.state.base.key, self._log.position)
        mirror = None if self._mirror is None else replace(self._mirror[0], log=self._mirror[1].position)
        number = snapshots.last_number(self._opened.folder) if self._begins else self.number + 1
        pointer = Pointer(number, current, mirror)
        text = snapshots.switch(self._opened.folder, pointer)
        self.number = number
        self._published_state = self.state
        self._opened.adopt(Published(text, pointer, self.state))
        if self._begins:
            self._begins = False
            snapshots.clear_away(self._opened.folder, pointer)
        return number

    def forget(self) -> None:
        """Go back to what is published."""
        self.state = self._published_state
        if self._new is not None:
            self._new.discard()

    def _append(self, frame: Frame, vectors: NDArray[np.float32] | None) -> None:
        logs = [self._log] if self._mirror is None else [self._log, self._mirror[1]]
        starts = [log.position for log in logs]
        try:
            ends = [log.append(frame, vectors) for log in logs]
            self.state = self.state.after([(frame, ends[0])])
        except BaseException:  # interrupts, too: what is published next must not hold what the state does not
            for log, start in zip(logs, starts, strict=True):
                log.position = start
            raise

    def _put_in_place(self, new: NewBase) -> None:
        """Give the new base its name: with all rows where they are many, else empty with the rows in its log."""
        opened, state = self._opened, self.state
        if len(state) < BUILD_AT_LEAST:
            new.write(_nothing(opened, new))
            state = replace(state, base=new.put_in_place())
        else:
            built = NewBase(opened, _BASE_FOLDER)
            try:
                built.write(state)
                base = built.put_in_place()
            except (OSError, RuntimeError):
                built.discard()
                raise
            state = State(base, Delta(LogReader(base.folder, opened.dim)), built.log.position)
            self._log = built.log
            new.discard()
        self.state, self._new = state, None


def begin_draft(opened: OpenedSpace) -> Draft:
    """Start from nothing, whatever is published.

    Raises:
        OSError: The disk refused.
    """
    _clear_litter(opened)
    new = NewBase(opened, _LOG_FOLDER)
    return Draft(opened, _nothing(opened, new), new.log, new=new)


def continue_draft(opened: OpenedSpace) -> Draft:
    """Start from what is published.

    Raises:
        IndexDamaged, SpaceMismatch: It cannot be trusted, or is of another vector length.
        OSError: The disk refused.
    """
    published = opened.newest()
    _clear_litter(opened)
    snapshots.clear_away(opened.folder, published.pointer)
    log = LogWriter(published.state.base.folder, opened.dim, published.pointer.current.log)
    return Draft(opened, published.state, log, published=published, mirror=_open_mirror(opened, published))


def _open_mirror(opened: OpenedSpace, published: Published) -> tuple[Segment, LogWriter] | None:
    segment = published.pointer.mirror
    if segment is None:
        return None
    # A mirror is given up when it is old or harmed: readers that still use it then open the new base at once.
    with suppress(OSError, IndexDamaged):
        if time.time() - (published.state.base.folder / MANIFEST).stat().st_mtime <= MIRROR_FOR_S:
            return segment, LogWriter(opened.folder / segment.folder_name, opened.dim, segment.log)
    return None


def _nothing(opened: OpenedSpace, new: NewBase) -> State:
    base = Base(UNPUBLISHED, new.folder, no_rows(opened.dim), new.log_start)
    return State(base, Delta(LogReader(new.folder, opened.dim)), LogPosition(0, 0, new.log_start))


def _clear_litter(opened: OpenedSpace) -> None:
    """Delete what a killed writer left unfinished."""
    for name in (_LOG_FOLDER, _BASE_FOLDER):
        shutil.rmtree(opened.folder / name, ignore_errors=True)
