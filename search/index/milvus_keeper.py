"""All spaces on a Milvus server, or in a file of Milvus Lite: what the registry asks. See docs/scaling.md."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from search.index.base import (
    TAG_NAMES,
    IndexBusy,
    IndexFacts,
    IndexMissing,
    IndexUnreachable,
    PublishFailed,
    VectorIndex,
)
from search.index.milvus_client import connection_to
from search.index.milvus_index import MilvusReader
from search.index.milvus_lease import Lease
from search.index.milvus_options import MilvusAddress
from search.index.milvus_spaces import MilvusSpace, escaped, published_spaces
from search.index.milvus_writer import MilvusWriter

DROP_TIMEOUT_S = 5.0
"""How long to wait for a writer before a space is dropped."""


@dataclass(frozen=True)
class MilvusKeeper:
    """See `Keeper`.

    Attributes:
        address: Of the server or file.
    """

    address: MilvusAddress

    @classmethod
    def at(cls, rest: str) -> "MilvusKeeper":
        """Read what follows `milvus://`; see `MilvusAddress.parse`."""
        return cls(MilvusAddress.parse(rest))

    def open_reader(self, space: str, dim: int) -> VectorIndex:
        """See `registry.open_reader`."""
        self._refuse_to_create(space)
        return MilvusReader(self._space(space, dim))

    @contextmanager
    def open_writer(self, space: str, dim: int, *, fresh: bool, timeout_s: float) -> Iterator[VectorIndex]:
        """See `registry.open_writer`."""
        with self._writer_lock(space, timeout_s) as make_sure:
            try:
                writer = MilvusWriter(self._space(space, dim), fresh=fresh, before_sending=make_sure)
            except IndexUnreachable as error:
                raise PublishFailed(f"cannot write to the index of space {space}: {error}") from error
            try:
                yield writer
            finally:
                writer.close()

    def compaction_due(self, space: str, dim: int) -> bool:
        """Never: the server folds what was changed by itself."""
        del space, dim
        return False

    def compact(self, space: str, dim: int) -> bool:
        """Nothing to do: the server folds what was changed by itself."""
        del space, dim
        return False

    def facts(self, space: str, dim: int) -> IndexFacts:
        """See `registry.index_facts`; a server does not tell its bytes, so they are those of the rows alone."""
        self._refuse_to_create(space)
        rows = self._space(space, dim).published()
        count = len(rows)
        if self.address.is_lite:
            size = sum(path.stat().st_size for path in Path(self.address.uri).rglob("*") if path.is_file())
        else:
            size = 0
        raw = count * (4 * dim + 8 * (1 + len(TAG_NAMES)))
        kind = f"milvus{' lite' * self.address.is_lite} {self.address.index}"
        return IndexFacts(kind, count, 0, 0, max(size, raw), rows.generation())

    def published_spaces(self) -> list[str]:
        """See `registry.published_spaces`."""
        return published_spaces(connection_to(self.address)) if self._exists() else []

    def drop_space(self, space: str) -> None:
        """See `registry.drop_space`."""
        if not self._exists():
            return
        with self._writer_lock(space, DROP_TIMEOUT_S):
            try:
                self._space(space, 0).drop()
            except (IndexUnreachable, IndexMissing) as error:
                raise PublishFailed(f"cannot delete the index of space {space}: {error}") from error

    def _space(self, space: str, dim: int) -> MilvusSpace:
        return MilvusSpace(connection_to(self.address), space, dim)

    def _exists(self) -> bool:
        return not self.address.is_lite or Path(self.address.uri).exists()

    def _refuse_to_create(self, space: str) -> None:
        if not self._exists():
            raise IndexMissing(f"nothing is published for space {space}")

    @contextmanager
    def _writer_lock(self, space: str, timeout_s: float) -> Iterator[Callable[[], None]]:
        """Exclude the writers of this machine, then those of others; gives what makes sure of it later."""
        lock = FileLock(self._lock_path(space), timeout=timeout_s)
        try:
            Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise IndexBusy(f"another writer held space {space} for {timeout_s:g} s; try again later") from error
        except OSError as error:
            raise PublishFailed(f"cannot write to {lock.lock_file}: {error}") from error
        try:
            with self._lease(space, timeout_s) as make_sure:
                yield make_sure
        finally:
            lock.release()

    @contextmanager
    def _lease(self, space: str, timeout_s: float) -> Iterator[Callable[[], None]]:
        if self.address.is_lite:  # no other machine can open the file
            yield _holds_always
            return
        try:
            lease = Lease(connection_to(self.address), space)
            lease.acquire(timeout_s)
        except (IndexUnreachable, IndexMissing) as error:
            raise PublishFailed(f"cannot write to the index of space {space}: {error}") from error
        try:
            yield lease.renew
        finally:
            with suppress(IndexUnreachable, IndexMissing):  # then it ends by itself
                lease.release()

    def _lock_path(self, space: str) -> Path:
        if self.address.is_lite:
            return Path(f"{self.address.uri}.{escaped(space)}.lock")
        server = hashlib.sha256(f"{self.address.uri}/{self.address.name}".encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"selvedge-milvus-{server}-{escaped(space)}.lock"


def _holds_always() -> None:
    """For a file, whose lock cannot be lost."""
