"""All spaces in one folder on disk, kept with FAISS: what the registry asks, handed to readers, writers, compaction."""

import os
import re
import shutil
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from search.index import compaction, snapshots
from search.index.base import IndexBusy, IndexFacts, IndexMissing, PublishFailed, VectorIndex
from search.index.faiss_index import FaissReader
from search.index.faiss_writer import WRITER_LOCK, open_writer
from search.index.opened import OpenedSpace, close_space, opened_space
from search.index.options import IndexOptions

_OPTIONS_PATTERN = re.compile(r"(?P<path>.*)\?(?P<options>\w+=[^/&=]*(?:&\w+=[^/&=]*)*)")
DROP_TIMEOUT_S = 5.0
"""How long to wait for a writer before a space is dropped."""


@dataclass(frozen=True)
class FaissKeeper:
    """See `Keeper`.

    Attributes:
        root: Folder of all spaces.
        options: How bases that are built from now on are searched.
    """

    root: Path
    options: IndexOptions

    @classmethod
    def at(cls, rest: str) -> "FaissKeeper":
        """Read what follows `faiss://`: an absolute folder, and maybe `?kind=...&nprobe=...`.

        The path is taken literally, without percent-decoding: settings build the URL from a path that may hold any
        character, a question mark included.

        Raises:
            ValueError: The folder is not absolute, or an option is unknown or out of range.

        >>> FaissKeeper.at("/srv/why?/index?kind=flat").root
        PosixPath('/srv/why?/index')
        """
        parts = _OPTIONS_PATTERN.fullmatch(rest)
        path = rest if parts is None else parts["path"]
        if not path.startswith("/") or path == "/":
            raise ValueError("the path must be absolute")
        options = {} if parts is None else dict(pair.split("=") for pair in parts["options"].split("&"))
        return cls(Path(path), IndexOptions.from_url(options))

    def open_reader(self, space: str, dim: int) -> VectorIndex:
        """See `registry.open_reader`."""
        return FaissReader(self.root, space, dim, self.options)

    def open_writer(
        self, space: str, dim: int, *, fresh: bool, timeout_s: float
    ) -> AbstractContextManager[VectorIndex]:
        """See `registry.open_writer`."""
        return open_writer(self._opened(space, dim), fresh=fresh, timeout_s=timeout_s)

    def compaction_due(self, space: str, dim: int) -> bool:
        """See `registry.compaction_due`."""
        try:
            return compaction.is_due(self._opened(space, dim).latest().state)
        except IndexMissing:
            return False

    def compact(self, space: str, dim: int) -> bool:
        """See `registry.compact`."""
        return compaction.compact(self._opened(space, dim))

    def facts(self, space: str, dim: int) -> IndexFacts:
        """See `registry.index_facts`."""
        published = self._opened(space, dim).newest()
        state = published.state
        return IndexFacts(
            kind=f"faiss {state.base.rows.kind}",
            n_base=int(state.base.rows.ids.size),
            n_delta=state.n_living,
            n_removed=state.n_removed,
            bytes_on_disk=_size(snapshots.space_folder(self.root, space)),
            generation=published.pointer.number,
        )

    def published_spaces(self) -> list[str]:
        """See `registry.published_spaces`."""
        return snapshots.published_spaces(self.root)

    def drop_space(self, space: str) -> None:
        """See `registry.drop_space`.

        The folder stays, with its locks: whoever waits for one of them must not wait for a file that is gone.
        """
        folder = snapshots.space_folder(self.root, space)
        if not folder.exists():
            return
        try:
            with FileLock(folder / WRITER_LOCK, timeout=DROP_TIMEOUT_S):
                (folder / snapshots.POINTER).unlink(missing_ok=True)
                snapshots.sync(folder)  # or a power cut could bring it back without what it names
                for path in folder.iterdir():
                    if path.is_dir():
                        # A compaction may be writing into its folder; it deletes the rest when it notices.
                        shutil.rmtree(path, ignore_errors=path.name == compaction.FOLDER)
        except Timeout as error:
            raise IndexBusy(f"a writer holds space {space}; try again later") from error
        except OSError as error:
            raise PublishFailed(f"cannot delete {folder}: {error}") from error
        close_space(self.root, space)

    def _opened(self, space: str, dim: int) -> OpenedSpace:
        return opened_space(self.root, space, dim, self.options)


def _size(folder: Path) -> int:
    """Bytes of all files in a folder, those that are cleared away meanwhile left out."""
    total = 0
    for parent, _, names in os.walk(folder):  # steps over folders that vanish, as `Path.rglob` does not
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(parent, name).stat().st_size
    return total
