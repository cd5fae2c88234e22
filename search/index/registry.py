"""Opens the index that `VECTOR_INDEX_URL` names. A new kind of keeper is added here and nowhere else."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from search.index import faiss_index
from search.index.base import UnsupportedIndexUrl, VectorIndex

LOCK_TIMEOUT_S = 60.0
"""How long to wait for another writer: publishing takes a second at 100k vectors, an indexing run longer."""


class _OpenWriter(Protocol):
    def __call__(
        self, root: Path, space: str, dim: int, *, fresh: bool, timeout_s: float
    ) -> AbstractContextManager[VectorIndex]: ...


@dataclass(frozen=True)
class _Keeper:
    """How one kind of URL is opened.

    Attributes:
        example: What such a URL looks like, for messages.
        locate: Turns what follows `scheme://` into a place, or raises ValueError.
        open_reader: Takes place, space and dim.
        open_writer: Takes place, space, dim, fresh and timeout_s.
    """

    example: str
    locate: Callable[[str], Path]
    open_reader: Callable[[Path, str, int], VectorIndex]
    open_writer: _OpenWriter


def _absolute_folder(rest: str) -> Path:
    # Taken literally, without percent-decoding: settings build the URL from a path that may hold any character.
    if not rest.startswith("/") or rest == "/":
        raise ValueError("the path must be absolute")
    return Path(rest)


_KEEPERS = {
    "faiss": _Keeper("faiss:///absolute/folder", _absolute_folder, faiss_index.FaissReader, faiss_index.open_writer),
}

_readers: dict[tuple[str, str, int], VectorIndex] = {}
_readers_lock = threading.Lock()


def open_reader(url: str, space: str, dim: int) -> VectorIndex:
    """Open the published index of a space for searching; one per process, reloading itself when a writer publishes.

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
    keeper, place = _keeper_of(url)
    key = (url, space, dim)
    reader = _readers.get(key)
    if reader is None:
        with _readers_lock:
            reader = _readers.get(key)
            if reader is None:
                reader = _readers[key] = keeper.open_reader(place, space, dim)
    return reader


def open_writer(
    url: str, space: str, dim: int, *, fresh: bool = False, timeout_s: float = LOCK_TIMEOUT_S
) -> AbstractContextManager[VectorIndex]:
    """Open a space for changes; a context manager. One writer per space at a time, over all threads and processes.

    It starts from the published generation. Leaving the context without `publish` forgets the changes.

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
        IndexDamaged: (on entering) The published generation cannot be trusted; pass `fresh` to rebuild.
        SpaceMismatch: (on entering) The published generation has another vector length.
    """
    keeper, place = _keeper_of(url)
    return keeper.open_writer(place, space, dim, fresh=fresh, timeout_s=timeout_s)


def _keeper_of(url: str) -> tuple[_Keeper, Path]:
    scheme, _, rest = url.partition("://")
    supported = " or ".join(keeper.example for keeper in _KEEPERS.values())
    keeper = _KEEPERS.get(scheme)
    if keeper is None:
        raise UnsupportedIndexUrl(f"no vector index is kept under {url!r}; supported: {supported}")
    try:
        return keeper, keeper.locate(rest)
    except ValueError as error:
        raise UnsupportedIndexUrl(f"{url!r} names no index: {error}; supported: {supported}") from error
