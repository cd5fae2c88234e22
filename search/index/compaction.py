"""Folds a log into a new base, while readers search and writers publish; only the last step holds the writer's lock."""

import logging

from filelock import FileLock, Timeout

from search.index import snapshots
from search.index.base import IndexBusy, IndexMissing, PublishFailed
from search.index.faiss_writer import writer_lock
from search.index.new_base import NewBase
from search.index.opened import OpenedSpace, Published
from search.index.snapshots import Pointer
from search.index.state import State

log = logging.getLogger(__name__)

COMPACTION_LOCK = "compaction.lock"

DUE_ABOVE_ROWS = 2048
"""So many added and removed rows cost a search a fraction of a millisecond, whatever the base."""

DUE_ABOVE_SHARE = 0.05
"""Of the base: more often, and the base would be written all the time."""

DUE_ABOVE_AT_MOST = 8_000
"""So many always: the log is scanned exactly, so it costs what its rows cost, whatever the base..."""

LARGE_BASE_SHARE = 0.005
"""...but where the base is so large that writing it costs minutes, this share of it: at 10 million rows 50,000, which
cost a search 2 ms."""

WRITER_TIMEOUT_S = 120.0
"""How long to wait for a writer with the finished base; then it is given up, and the next compaction starts anew."""

FOLDER = ".compacting"
"""Where the next base is written; it may be deleted at any time, then the compaction ends."""


def is_due(state: State) -> bool:
    """Tell whether folding is worthwhile."""
    changed = state.position.n_rows + state.n_removed
    n_base = state.base.rows.ids.size
    share = min(DUE_ABOVE_SHARE * n_base, max(DUE_ABOVE_AT_MOST, LARGE_BASE_SHARE * n_base))
    return changed > max(DUE_ABOVE_ROWS, share)


def compact(opened: OpenedSpace) -> bool:
    """Fold if it is worthwhile and nobody else does; see `registry.compact`."""
    try:
        if not is_due(opened.latest().state):
            return False
        with FileLock(opened.folder / COMPACTION_LOCK, timeout=0):
            published = opened.newest()  # another process may just have done it
            return is_due(published.state) and _fold(opened, published)
    except (IndexMissing, Timeout):
        return False
    except (OSError, RuntimeError) as error:  # FAISS reports a full disk as RuntimeError
        if snapshots.read_pointer(opened.folder) is None:
            return False  # the space was dropped meanwhile, the half-written base with it
        raise PublishFailed(f"cannot compact the index of space {opened.space}: {error}") from error


def _fold(opened: OpenedSpace, published: Published) -> bool:
    new = NewBase(opened, FOLDER)
    try:
        new.write(published.state)
        with writer_lock(opened, WRITER_TIMEOUT_S):
            return _switch_to(new, opened, published)
    except IndexBusy:
        log.warning("a compaction of space %s was given up: a writer does not end", opened.space)
        return False
    finally:
        if new.folder.name == FOLDER:
            new.discard()


def _switch_to(new: NewBase, opened: OpenedSpace, published: Published) -> bool:
    """Carry over what was published meanwhile, and switch. False where the index was built anew or dropped."""
    text = snapshots.read_pointer(opened.folder)
    pointer = None if text is None else snapshots.parse_pointer(opened.folder, text)
    if pointer is None or pointer.current.base_key != published.pointer.current.base_key:
        return False
    reader = published.state.delta.log
    for frame, end in reader.frames(published.state.position, pointer.current.log):
        vectors = reader.vectors(end.n_rows)[end.n_rows - frame.n_rows :]
        new.log.append(frame, vectors if frame.n_rows else None)
    base = new.put_in_place()
    # The content is the same, so the number is.
    switched = Pointer(pointer.number, new.segment(), mirror=pointer.current)
    opened.has_checked(base)
    snapshots.switch(opened.folder, switched)
    snapshots.clear_away(opened.folder, switched)
    return True
