"""Makes a new base beside the published one: written and sealed under a name no pointer knows, and then renamed."""

import shutil

from search.index.base_files import map_base, write_base
from search.index.delta_log import LogPosition, LogWriter
from search.index.opened import OpenedSpace
from search.index.sealing import BaseFacts, new_log_start, seal
from search.index.snapshots import Segment, base_folder_name, last_number, sync
from search.index.state import Base, State


class NewBase:
    """A base in the making, with an empty log.

    Args:
        opened: Whose space it is for.
        name: Of the folder it is made in; emptied of what a killed process left.

    Raises:
        OSError: The disk refused.
    """

    def __init__(self, opened: OpenedSpace, name: str) -> None:
        self._opened = opened
        self.folder = opened.folder / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.log_start = new_log_start()
        self.log = LogWriter(self.folder, opened.dim, LogPosition(0, 0, self.log_start))
        self._manifest = ""
        self._count = 0

    def write(self, state: State) -> None:
        """Write what a state holds, and the manifest.

        Raises:
            OSError, RuntimeError: The disk refused.
        """
        self._count = write_base(state, self.folder, self._opened.options)
        facts = BaseFacts(self._opened.space, self._opened.dim, self._count, self.log_start)
        self._manifest = seal(self.folder, facts)

    def put_in_place(self) -> Base:
        """Rename it to the name it is published under, and open it. Under the writer's lock.

        Raises:
            OSError: The disk refused.
        """
        self.log.sync()
        name = base_folder_name(last_number(self._opened.folder) + 1)
        self.folder = self.folder.rename(self._opened.folder / name)
        sync(self._opened.folder)
        rows = map_base(self.folder, self._opened.dim, self._count, self._opened.options)
        return Base((name, self._manifest), self.folder, rows, self.log_start)

    def segment(self) -> Segment:
        """What a pointer says about it, once it is in place."""
        return Segment(self.folder.name, self._manifest, self.log.position)

    def discard(self) -> None:
        """Delete it."""
        shutil.rmtree(self.folder, ignore_errors=True)
