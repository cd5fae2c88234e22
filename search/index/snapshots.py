"""The published state of an index on disk: one small file that is replaced at once, and what it points to.

    index root/
      resnet18-emb256%40ab12cd34/   one folder per space
        CURRENT                     which state is published, see `Pointer`
        base-00000012/              a base: data files, `manifest.json` with their checksums (see `sealing`), and the
                                    log of what changed since (see `delta_log`)
        base-00000007/              the base before, for readers that are still on their way to the new one
        writer.lock                 held by the one writer, and for the last step of a compaction
        compaction.lock             held by the one process that compacts

Publishing appends to the log and replaces `CURRENT`. A process killed at any moment leaves `CURRENT` naming a complete
state; what it left half-written lies in folders that no pointer names, or in the log beyond the length that the
pointer names, and is overwritten or cleared away. Writing functions must be called under the writer's lock.
"""

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from search.index.base import IndexDamaged, IndexMissing
from search.index.delta_log import LogPosition

POINTER = "CURRENT"

_SEGMENT = r"(base-\d{8,}) ([0-9a-f]{64}) (\d+) (\d+) ([0-9a-f]{64})\n"
_POINTER_PATTERN = re.compile(rf"state (\d+)\n{_SEGMENT}(?:{_SEGMENT})?check ([0-9a-f]{{64}})\n", re.ASCII)
_FIRST_LINE_PATTERN = re.compile(r"(?:state |gen-)(\d+)\b", re.ASCII)
_FOLDER_PATTERN = re.compile(r"(?:base|gen)-(\d{8,})", re.ASCII)
_MOST_POINTER_BYTES = 1024


@dataclass(frozen=True)
class Segment:
    """A base and how much of its log is published.

    Attributes:
        folder_name: Name of the base's folder.
        manifest: sha256 of its manifest, hexadecimal.
        log: Where the published part of its log ends.
    """

    folder_name: str
    manifest: str
    log: LogPosition

    @property
    def base_key(self) -> tuple[str, str]:
        """Tells bases apart."""
        return self.folder_name, self.manifest

    def line(self) -> str:
        """How it is written in a pointer."""
        log = self.log
        return f"{self.folder_name} {self.manifest} {log.n_bytes} {log.n_rows} {log.digest.hex()}\n"


@dataclass(frozen=True)
class Pointer:
    """What is published.

    Attributes:
        number: The state's number, from 1; the `generation` of hits.
        current: The base and log that hold it.
        mirror: The base before, whose log says the same: after a compaction, readers stay up to date on it until they
            have checked the new base.
    """

    number: int
    current: Segment
    mirror: Segment | None = None

    def text(self) -> str:
        """How it is written."""
        lines = f"state {self.number}\n{self.current.line()}{'' if self.mirror is None else self.mirror.line()}"
        return f"{lines}check {hashlib.sha256(lines.encode()).hexdigest()}\n"


def space_folder(root: Path, space: str) -> Path:
    """Name the folder of a space; different spaces never share one, and none leaves the root.

    >>> space_folder(Path("index"), "resnet18-emb256@ab12cd34").name
    'resnet18-emb256%40ab12cd34'
    """
    if not space:
        raise ValueError("a space needs a name")
    name = quote(space, safe="")
    return root / (name.replace(".", "%2E", 1) if name.startswith(".") else name)


def published_spaces(root: Path) -> list[str]:
    """The names of the spaces for which something is published, sorted."""
    return sorted(unquote(path.parent.name) for path in root.glob(f"*/{POINTER}"))


def read_pointer(folder: Path) -> str | None:
    """Read what is published, or None if nothing is.

    Readers ask this at every search (3 us; a stat takes 2 us but cannot tell two switches within one clock tick, nor
    an index that was deleted and built again under the same number). Equal answers mean equal content.

    Raises:
        IndexDamaged: The pointer is there and may not be read.
    """
    try:
        descriptor = os.open(folder / POINTER, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise IndexDamaged(f"{folder / POINTER} cannot be read: {error}") from error
    try:
        return os.read(descriptor, _MOST_POINTER_BYTES).decode("ascii", errors="replace")
    finally:
        os.close(descriptor)


def parse_pointer(folder: Path, text: str) -> Pointer:
    """Understand what `read_pointer` read.

    Raises:
        IndexDamaged: It was cut short or altered, or an earlier release wrote it.
    """
    if text.startswith("gen-"):
        raise IndexDamaged(f"{folder} was written by an earlier release; rebuild the index")
    parts = _POINTER_PATTERN.fullmatch(text)
    if parts is None:
        raise IndexDamaged(f"{folder / POINTER} does not name a state; rebuild the index")
    mirror = None if parts[7] is None else _segment(*parts.groups()[6:11])
    pointer = Pointer(int(parts[1]), _segment(*parts.groups()[1:6]), mirror)
    if pointer.text() != text:
        raise IndexDamaged(f"{folder / POINTER} was altered; rebuild the index")
    return pointer


def _segment(folder_name: str, manifest: str, n_bytes: str, n_rows: str, digest: str) -> Segment:
    return Segment(folder_name, manifest, LogPosition(int(n_bytes), int(n_rows), bytes.fromhex(digest)))


def missing(root: Path, space: str) -> IndexMissing:
    """Describe that nothing is published for a space, and for which spaces something is."""
    others = published_spaces(root)
    known = f"; published here: {', '.join(others)}" if others else ""
    return IndexMissing(f"no index of space {space} is published under {root}{known}")


def last_number(folder: Path) -> int:
    """Give the highest number in use, 0 if none: as far as can be seen, numbers are not reused even after damage."""
    numbers = [int(parts[1]) for path in folder.iterdir() if (parts := _FOLDER_PATTERN.fullmatch(path.name))]
    pointer = _FIRST_LINE_PATTERN.match(read_pointer(folder) or "")
    return max([0, *numbers, *([int(pointer[1])] if pointer else [])])


def base_folder_name(number: int) -> str:
    """Name the folder of a base that is new at this number.

    >>> base_folder_name(12)
    'base-00000012'
    """
    return f"base-{number:08d}"


def switch(folder: Path, pointer: Pointer) -> str:
    """Publish a state, in one step; give the pointer's text."""
    text = pointer.text()
    beside = folder / f"{POINTER}.new"
    beside.write_text(text, encoding="ascii")
    sync(beside)
    beside.replace(folder / POINTER)
    sync(folder)
    return text


def clear_away(folder: Path, pointer: Pointer | None) -> None:
    """Delete the bases that no pointer names; files that readers have opened live on until they let go."""
    segments = () if pointer is None else (pointer.current, pointer.mirror)
    keep = {segment.folder_name for segment in segments if segment is not None}
    for path in folder.iterdir():
        if _FOLDER_PATTERN.fullmatch(path.name) and path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)


def sync(path: Path) -> None:
    """Force a file or a folder's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
