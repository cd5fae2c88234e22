"""What this process has opened of a space: each base checked once, each published change applied once.

All readers and writers of a process share it, so that opening a writer costs what changed since, and a reader finds
what a writer of its own process published without reading it again.
"""

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from search.index import snapshots
from search.index.base import IndexDamaged
from search.index.base_files import map_base
from search.index.delta import Delta
from search.index.delta_log import LogPosition, LogReader
from search.index.options import IndexOptions
from search.index.sealing import check_sealed
from search.index.snapshots import Pointer, Segment
from search.index.state import Base, State

log = logging.getLogger(__name__)

TRY_AGAIN_AFTER_S = 60.0
"""A state that could not be opened is tried again after so long: it may have been for want of memory or open files."""


@dataclass(frozen=True)
class Published:
    """A published state, opened.

    Attributes:
        text: What the pointer file said.
        pointer: The same, understood.
        state: The content. Its base is the pointer's current one, or its mirror.
    """

    text: str
    pointer: Pointer
    state: State


class OpenedSpace:
    """One space, as far as this process has opened it; safe in threads.

    Args:
        root: Folder of all spaces.
        space: Name of the vector space.
        dim: Length of a vector.
        options: How its bases are searched.
    """

    def __init__(self, root: Path, space: str, dim: int, options: IndexOptions) -> None:
        self.folder = snapshots.space_folder(root, space)
        self.space = space
        self.dim = dim
        self.options = options
        self._root = root
        self._lock = threading.Lock()  # held while opening and applying; answering from what is there needs none
        self._published: Published | None = None
        self._refused: str | None = None
        self._refused_at = 0.0
        self._checked: Base | None = None  # by a background check or a compaction, not yet in use
        self._checking: tuple[str, str] | None = None

    def newest(self) -> Published:
        """Open what is published now, on its current base.

        Raises:
            IndexMissing: Nothing is published.
            IndexDamaged: What is published cannot be trusted.
            SpaceMismatch: It is of another vector length.
        """
        with self._lock:
            published = self._follow(mirror_will_do=False)
            self._refused = None
            return published

    def latest(self) -> Published:
        """Give what is published now, at the cost of what changed; never wait for another thread.

        One thread opens; the others answer from the state before meanwhile. A new state that turns out to be damaged
        is reported in the log, and the one before, whose files were checked and are still mapped, stays for a while.

        Raises:
            IndexMissing: Nothing is published any more.
        """
        text, published = snapshots.read_pointer(self.folder), self._published
        if text is None or published is None:
            return self.newest()
        if text == published.text or self._is_refused(text) or not self._lock.acquire(blocking=False):
            return published
        try:
            return self._follow(mirror_will_do=True)
        except IndexDamaged:
            self._refused, self._refused_at = text, time.monotonic()
            number = published.pointer.number
            log.exception("a new state of space %s is damaged; still serving %d", self.space, number)
            return published
        finally:
            self._lock.release()

    def _is_refused(self, text: str) -> bool:
        return text == self._refused and time.monotonic() - self._refused_at < TRY_AGAIN_AFTER_S

    def adopt(self, published: Published) -> None:
        """Take over a state that a writer of this process has just published."""
        with self._lock:
            self._published = published

    def has_checked(self, base: Base) -> None:
        """Take over a base whose files this process has just written or checked; used once it is published."""
        self._checked = base

    def _follow(self, *, mirror_will_do: bool) -> Published:
        """Open or update until it is what the pointer says. Whoever is overtaken by a publish tries the next."""
        text = snapshots.read_pointer(self.folder)
        while True:
            if text is None:
                self._published = None
                raise snapshots.missing(self._root, self.space)
            try:
                return self._opened(text, mirror_will_do)
            except IndexDamaged:
                overtaken = snapshots.read_pointer(self.folder)
                if overtaken == text:
                    raise
                text = overtaken

    def _opened(self, text: str, mirror_will_do: bool) -> Published:
        pointer = snapshots.parse_pointer(self.folder, text)
        state = None if self._published is None else self._published.state
        if (
            state is not None
            and self._published is not None
            and self._published.text == text
            and (mirror_will_do or state.base.key == pointer.current.base_key)
        ):
            return self._published
        after = None if state is None else self._grown(state, pointer, mirror_will_do)
        if after is None:
            base = self._base(pointer.current)
            self._checked = None
            delta = Delta(LogReader(base.folder, self.dim))
            after = _updated(State(base, delta, LogPosition(0, 0, base.log_start)), pointer.current)
        self._published = Published(text, pointer, after)
        return self._published

    def _grown(self, state: State, pointer: Pointer, mirror_will_do: bool) -> State | None:
        """Make what is published out of a state, by applying more of its log; None where it must be opened anew."""
        mirrored = pointer.mirror
        try:
            if _continues(pointer.current, state):
                return _updated(state, pointer.current)
            if mirrored is not None and mirror_will_do and _continues(mirrored, state):
                after = _updated(state, mirrored)
                self._check_in_background(pointer.current)
                return after
        except IndexDamaged as error:
            # A mirror that was harmed, or a backup came back and was changed: what is on the disk may be sound.
            log.warning("the log of space %s does not continue what was open, it is opened anew: %s", self.space, error)
        return None

    def _base(self, segment: Segment) -> Base:
        checked = self._checked  # another thread may be taking it
        if checked is not None and checked.key == segment.base_key:
            return checked
        folder = self.folder / segment.folder_name
        facts = check_sealed(folder, segment.manifest, self.space, self.dim)
        rows = map_base(folder, self.dim, facts.count, self.options)
        return Base(segment.base_key, folder, rows, facts.log_start)

    def _check_in_background(self, segment: Segment) -> None:
        """Check a new base while searches stay up to date on the one before: a gigabyte takes half a second."""
        if self._checking != segment.base_key:
            self._checking = segment.base_key
            threading.Thread(target=self._check, args=(segment,), name="index-check", daemon=True).start()

    def _check(self, segment: Segment) -> None:
        try:
            self._checked = self._base(segment)
            self.newest()
        except Exception:
            # Whatever it is, searches go on on the base before, and say so when that one is taken away.
            log.exception("the new base %s of space %s cannot be used", segment.folder_name, self.space)


def _continues(segment: Segment, state: State) -> bool:
    """Whether a state grows into what is published by applying more of its log; not so after a backup came back."""
    return segment.base_key == state.base.key and segment.log.n_bytes >= state.position.n_bytes


def _updated(state: State, segment: Segment) -> State:
    """Apply what is published of a log beyond a state.

    Raises:
        IndexDamaged: It does not continue the state, or was cut short or altered.
    """
    if state.position == segment.log:
        return state
    return state.after(state.delta.log.frames(state.position, segment.log))


_opened: dict[tuple[Path, str, int, IndexOptions], OpenedSpace] = {}
_opened_lock = threading.Lock()


def opened_space(root: Path, space: str, dim: int, options: IndexOptions) -> OpenedSpace:
    """Give this process's one `OpenedSpace` of a space; nothing is opened yet if it is new."""
    with _opened_lock:
        key = (root, space, dim, options)
        if key not in _opened:
            _opened[key] = OpenedSpace(*key)
        return _opened[key]


def close_space(root: Path, space: str) -> None:
    """Let go of a space, so that its files can leave the disk."""
    with _opened_lock:
        for key in [key for key in _opened if key[:2] == (root, space)]:
            del _opened[key]
