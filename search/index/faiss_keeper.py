"""All spaces in one folder on disk, kept with FAISS: what the registry asks, handed to readers, writers, compaction."""

import re
import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from filelock import FileLock, Timeout

from search.index import faiss_index, snapshots
from search.index.base import IndexBusy, IndexFacts, PublishFailed, VectorIndex
from search.index.options import IndexOptions

_OPTIONS_PATTERN = re.compile(r"(?P<path>.*)\?(?P<options>\w+=[^/&=]*(?:&\w+=[^/&=]*)*)")
_DROP_TIMEOUT_S = 5.0


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
        return faiss_index.FaissReader(self.root, space, dim, self.options)

    def open_writer(
        self, space: str, dim: int, *, fresh: bool, timeout_s: float
    ) -> AbstractContextManager[VectorIndex]:
        """See `registry.open_writer`."""
        return faiss_index.open_writer(self.root, space, dim, fresh=fresh, timeout_s=timeout_s, options=self.options)

    def compaction_due(self, space: str, dim: int) -> bool:
        """See `registry.compaction_due`."""
        return False

    def compact(self, space: str, dim: int) -> bool:
        """See `registry.compact`."""
        return False

    def facts(self, space: str, dim: int) -> IndexFacts:
        """See `registry.index_facts`."""
        reader = faiss_index.FaissReader(self.root, space, dim, self.options)
        folder = snapshots.space_folder(self.root, space)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return IndexFacts("flat", len(reader), 0, 0, size, reader.generation)

    def published_spaces(self) -> list[str]:
        """See `registry.published_spaces`."""
        return sorted(unquote(path.parent.name) for path in self.root.glob(f"*/{snapshots.POINTER}"))

    def drop_space(self, space: str) -> None:
        """See `registry.drop_space`."""
        folder = snapshots.space_folder(self.root, space)
        if not folder.exists():
            return
        try:
            with FileLock(folder / "writer.lock", timeout=_DROP_TIMEOUT_S):
                (folder / snapshots.POINTER).unlink(missing_ok=True)
                shutil.rmtree(folder)
        except Timeout as error:
            raise IndexBusy(f"a writer holds space {space}; try again later") from error
        except OSError as error:
            raise PublishFailed(f"cannot delete {folder}: {error}") from error
