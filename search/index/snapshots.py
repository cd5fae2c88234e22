"""Generations of an index on disk: written whole beside the old one, then switched at once.

    index root/
      resnet18-emb256%40ab12cd34/       one folder per space
        CURRENT                         "gen-00000012 <sha256 of its manifest.json>"
        gen-00000011/  gen-00000012/    the last two, so that a reader that has just read the pointer finds its folder;
                                        each: data files, and manifest.json with their checksums
        writer.lock                     held by the one writer

A writer killed at any moment leaves `CURRENT` naming a complete generation; what it left half-written lies in folders
that no pointer names, and the next writer clears them away. This file knows nothing of vectors: what goes into a
generation is its caller's business. Writing functions must be called under the writer's lock.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from search.index.base import IndexDamaged, IndexMissing, PublishFailed, SpaceMismatch

FORMAT_VERSION = 1
POINTER = "CURRENT"
MANIFEST = "manifest.json"

_POINTER_PATTERN = re.compile(r"gen-(\d{8,}) ([0-9a-f]{64})\n")
_GENERATION_PATTERN = re.compile(r"gen-(\d{8,})")
_UNFINISHED_PREFIX = ".unfinished-"


@dataclass(frozen=True)
class Generation:
    """A published state whose files were found complete and unaltered.

    Attributes:
        number: Its generation number, from 1.
        folder: Where its files are.
        space: Name of the vector space.
        dim: Length of a vector.
        count: How many vectors it holds.
    """

    number: int
    folder: Path
    space: str
    dim: int
    count: int


def space_folder(root: Path, space: str) -> Path:
    """Name the folder of a space; different spaces never share one, and none leaves the root.

    >>> space_folder(Path("index"), "resnet18-emb256@ab12cd34").name
    'resnet18-emb256%40ab12cd34'
    """
    if not space:
        raise ValueError("a space needs a name")
    name = quote(space, safe="")
    return root / (name.replace(".", "%2E", 1) if name.startswith(".") else name)


def read_pointer(folder: Path) -> str | None:
    """Read which generation is current, or None if nothing is published.

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
        return os.read(descriptor, 256).decode("ascii", errors="replace")
    finally:
        os.close(descriptor)


def open_generation(folder: Path, pointer: str, space: str, dim: int) -> Generation:
    """Check the generation that a pointer names, every byte of it.

    Args:
        folder: The space's folder.
        pointer: From `read_pointer`.
        space: The space that the folder must hold.
        dim: The vector length that it must hold.

    Raises:
        IndexDamaged: A file is missing, cut short or altered, or of another format version.
        SpaceMismatch: It holds another space or another vector length.
    """
    parts = _POINTER_PATTERN.fullmatch(pointer)
    if parts is None:
        raise IndexDamaged(f"{folder / POINTER} does not name a generation; rebuild the index")
    number = int(parts[1])
    generation_folder = folder / _folder_name(number)
    try:
        manifest_bytes = (generation_folder / MANIFEST).read_bytes()
        if hashlib.sha256(manifest_bytes).hexdigest() != parts[2]:
            raise IndexDamaged(f"{generation_folder / MANIFEST} was altered; rebuild the index")
        manifest = _parse_manifest(manifest_bytes, generation_folder)
        if (manifest["space"], manifest["dim"]) != (space, dim):
            raise SpaceMismatch(
                f"{folder} holds space {manifest['space']} with dimension {manifest['dim']}, "
                f"asked for was {space} with dimension {dim}"
            )
        for name, checksum in manifest["files"].items():
            if _sha256(generation_folder / name) != checksum:
                raise IndexDamaged(f"{generation_folder / name} was cut short or altered; rebuild the index")
    except OSError as error:
        raise IndexDamaged(f"{generation_folder} cannot be read ({error}); rebuild the index") from error
    return Generation(number, generation_folder, space, dim, manifest["count"])


def missing(root: Path, space: str) -> IndexMissing:
    """Describe that nothing is published for a space, and for which spaces something is."""
    others = sorted(path.parent.name for path in root.glob(f"*/{POINTER}"))
    known = f"; published here: {', '.join(others)}" if others else ""
    return IndexMissing(f"no index of space {space} is published under {root}{known}")


def last_number(folder: Path) -> int:
    """Give the highest generation number in use, 0 if none: numbers are not reused even after damage."""
    numbers = [int(parts[1]) for path in folder.glob("gen-*") if (parts := _GENERATION_PATTERN.fullmatch(path.name))]
    pointer = _POINTER_PATTERN.fullmatch(read_pointer(folder) or "")
    return max([*numbers, int(pointer[1]) if pointer else 0])


def publish_generation(folder: Path, space: str, dim: int, count: int, write_files: Callable[[Path], None]) -> int:
    """Write a new generation and switch to it.

    Args:
        folder: The space's folder.
        space: Name of the vector space, for the manifest.
        dim: Length of a vector, for the manifest.
        count: How many vectors there are, for the manifest.
        write_files: Writes the data files into the folder it is given.

    Returns:
        The new generation's number.

    Raises:
        PublishFailed: The disk refused; the current generation stands.
    """
    number = last_number(folder) + 1
    unfinished = folder / f"{_UNFINISHED_PREFIX}{number:08d}"
    try:
        _make_empty(unfinished)
        write_files(unfinished)
        checksum = _seal(unfinished, {"space": space, "dim": dim, "count": count, "generation": number})
        finished = unfinished.rename(folder / _folder_name(number))
        _sync(folder)
        before = read_pointer(folder)
        _switch(folder, f"{finished.name} {checksum}\n")
    except (OSError, RuntimeError) as error:  # FAISS reports a full disk as RuntimeError
        shutil.rmtree(unfinished, ignore_errors=True)
        raise PublishFailed(f"cannot publish a generation in {folder}: {error}") from error
    _clear_away(folder, keep={finished.name, "" if before is None else before.split(" ")[0]})
    return number


def _folder_name(number: int) -> str:
    return f"gen-{number:08d}"


def _parse_manifest(content: bytes, folder: Path) -> dict[str, Any]:
    """Read a manifest whose checksum is right."""
    manifest: dict[str, Any] = json.loads(content)
    if manifest.get("format_version") != FORMAT_VERSION:
        raise IndexDamaged(
            f"{folder} has format version {manifest.get('format_version')}, this release reads {FORMAT_VERSION}; "
            "rebuild the index"
        )
    return manifest


def _seal(folder: Path, facts: dict[str, str | int]) -> str:
    """Write the manifest, force everything to the disk, and give the manifest's sha256."""
    files = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    manifest = {
        "format_version": FORMAT_VERSION,
        **facts,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": files,
    }
    content = (json.dumps(manifest, indent=2) + "\n").encode()
    (folder / MANIFEST).write_bytes(content)
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)
    return hashlib.sha256(content).hexdigest()


def _switch(folder: Path, pointer: str) -> None:
    """Replace the pointer in one step."""
    beside = folder / f"{POINTER}.new"
    beside.write_text(pointer, encoding="ascii")
    _sync(beside)
    beside.replace(folder / POINTER)
    _sync(folder)


def _make_empty(folder: Path) -> None:
    """Create a folder, with its parents, or empty it of what a killed writer left."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _sync(folder.parent.parent)


def _clear_away(folder: Path, keep: set[str]) -> None:
    """Delete old generations and what killed writers left; files that readers have mapped live on until they let go."""
    for path in [*folder.glob("gen-*"), *folder.glob(f"{_UNFINISHED_PREFIX}*")]:
        if path.name not in keep:
            shutil.rmtree(path, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Force a file or a folder's entries to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
