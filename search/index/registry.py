"""Opens the index that `VECTOR_INDEX_URL` names. A new kind of keeper is added here and nowhere else."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from search.index.base import IndexFacts, UnsupportedIndexUrl, VectorIndex
from search.index.faiss_keeper import FaissKeeper
from search.index.keeper import Keeper

LOCK_TIMEOUT_S = 60.0
"""How long to wait for another writer: publishing a change takes milliseconds, an indexing run longer."""


def _milvus_keeper(rest: str) -> Keeper:
    try:
        # Importing the client takes over a second, and it is an optional extra.
        from search.index.milvus_keeper import MilvusKeeper
    except ModuleNotFoundError as error:
        if error.name not in ("pymilvus", "grpc"):
            raise
        raise UnsupportedIndexUrl("milvus:// needs the optional extra milvus: pip install pymilvus") from error
    return MilvusKeeper.at(rest)


_KEEPERS: dict[str, tuple[str, Callable[[str], Keeper]]] = {
    "faiss": ("faiss:///absolute/folder", FaissKeeper.at),
    "milvus": ("milvus://host:19530/name or milvus:///absolute/file.db", _milvus_keeper),
}
"""By scheme: an example for messages, and what turns the URL's rest into a keeper or raises ValueError."""

_readers: dict[tuple[str, str, int], VectorIndex] = {}
_readers_lock = threading.Lock()


def open_reader(url: str, space: str, dim: int) -> VectorIndex:
    """Open the published index of a space for searching; one per process, which follows what is published by itself.

    Args:
        url: Like `faiss:///absolute/folder`.
        space: Name of the vector space.
        dim: Length of a vector.

    Raises:
        UnsupportedIndexUrl: No keeper knows the URL.
        IndexMissing: Nothing is published for the space.
        IndexDamaged: What is published cannot be trusted.
        SpaceMismatch: What is published has another vector length.
    """
    keeper = _keeper_of(url)
    key = (url, space, dim)
    reader = _readers.get(key)
    if reader is None:
        with _readers_lock:
            reader = _readers.get(key)
            if reader is None:
                reader = _readers[key] = keeper.open_reader(space, dim)
    return reader


def open_writer(
    url: str, space: str, dim: int, *, fresh: bool = False, timeout_s: float = LOCK_TIMEOUT_S
) -> AbstractContextManager[VectorIndex]:
    """Open a space for changes; a context manager. One writer per space at a time, over all threads and processes.

    It starts from the published state. Leaving the context without `publish` forgets the changes.

    Args:
        url: Like `faiss:///absolute/folder`.
        space: Name of the vector space.
        dim: Length of a vector.
        fresh: Start empty instead, without looking at what is published: for rebuilding a damaged index.
        timeout_s: How long to wait for another writer, in seconds.

    Raises:
        UnsupportedIndexUrl: No keeper knows the URL.
        PublishFailed: (on entering) The place cannot be written to.
        IndexBusy: (on entering) Another writer held the space for `timeout_s`.
        IndexDamaged: (on entering) What is published cannot be trusted; pass `fresh` to rebuild.
        SpaceMismatch: (on entering) What is published has another vector length.
    """
    return _keeper_of(url).open_writer(space, dim, fresh=fresh, timeout_s=timeout_s)


def compaction_due(url: str, space: str, dim: int) -> bool:
    """Tell whether `compact` is worthwhile; cheap, to be asked after every publish. False where nothing is published.

    Raises:
        UnsupportedIndexUrl, IndexDamaged, SpaceMismatch: As `open_reader`.
    """
    return _keeper_of(url).compaction_due(space, dim)


def compact(url: str, space: str, dim: int) -> bool:
    """Fold what was added, replaced and removed into the part that is built for fast search.

    The content stays the same. Readers go on as they are; writers wait for the last step only. It may run in several
    processes and beside a writer: one works, the others return at once.

    Returns:
        Whether something was folded; False where it is not worthwhile, another process does it, the index was built
        anew meanwhile, or nothing is published.

    Raises:
        UnsupportedIndexUrl, IndexDamaged, SpaceMismatch: As `open_reader`.
        PublishFailed: The disk refused; the published state stands.
    """
    return _keeper_of(url).compact(space, dim)


def index_facts(url: str, space: str, dim: int) -> IndexFacts:
    """Describe what is published for a space.

    Raises:
        UnsupportedIndexUrl, IndexMissing, IndexDamaged, SpaceMismatch: As `open_reader`.
    """
    return _keeper_of(url).facts(space, dim)


def published_spaces(url: str) -> list[str]:
    """The names of the spaces for which something is published, sorted; it may be damaged.

    Raises:
        UnsupportedIndexUrl: No keeper knows the URL.
    """
    return _keeper_of(url).published_spaces()


def drop_space(url: str, space: str) -> None:
    """Forget everything kept for a space; readers that are open will raise `IndexMissing`. No error if there is none.

    Raises:
        UnsupportedIndexUrl: No keeper knows the URL.
        IndexBusy: A writer holds the space.
        PublishFailed: The disk refuses to delete it.
    """
    _keeper_of(url).drop_space(space)
    with _readers_lock:
        for key in [key for key in _readers if key[:2] == (url, space)]:
            del _readers[key]


def _keeper_of(url: str) -> Keeper:
    scheme, _, rest = url.partition("://")
    supported = " or ".join(example for example, _ in _KEEPERS.values())
    if scheme not in _KEEPERS:
        raise UnsupportedIndexUrl(f"no vector index is kept under {url!r}; supported: {supported}")
    try:
        return _KEEPERS[scheme][1](rest)
    except ValueError as error:
        raise UnsupportedIndexUrl(f"{url!r} names no index: {error}; supported: {supported}") from error
