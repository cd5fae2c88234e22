"""The photos' folder, looked through once: asking the disk for each of 333,415 rows takes longer than reading them."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from segmentation.data.problems import BadEntry, ProblemKind


class PhotoFolder:
    """Finds photos by their names in the annotations. Links are followed, for large data sets are often linked."""

    def __init__(self, folder: Path) -> None:
        """Look at nothing yet; each folder is listed when its first photo is asked for."""
        self._folder = folder
        self._listed: dict[str, frozenset[str]] = {}

    def find(self, name: str) -> str:
        """The path of a photo; a name without an ending is looked for as `.jpg` too.

        Raises:
            BadEntry: No such file in the folder.
        """
        path = PurePosixPath(name)
        if path.name and not path.is_absolute() and ".." not in path.parts:
            parent = str(path.parent)
            names = self._names(parent)
            for candidate in (path.name, f"{path.name}.jpg"):
                if candidate in names:
                    return str(self._folder / parent / candidate)
        raise BadEntry(ProblemKind.MISSING_IMAGE, f"no photo {name} in {self._folder.name}")

    def _names(self, parent: str) -> frozenset[str]:
        if parent not in self._listed:
            try:
                with os.scandir(self._folder / parent) as entries:
                    self._listed[parent] = frozenset(entry.name for entry in entries if entry.is_file())
            except OSError:  # no such folder, no such photo
                self._listed[parent] = frozenset()
        return self._listed[parent]
