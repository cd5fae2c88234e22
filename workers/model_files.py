"""Where the checkpoints of a space lie: the configured pair, or copies in the models folder.

    models folder/                          SELVEDGE_MODELS_DIR, shared by all who run models
        mobilenet_v2-emb256%40ab12cd34/     one folder per space, whole or absent
            segmenter.safetensors  embedder.safetensors
        announced                           the space that will be asked for next: load it beside serving

Copies, not links: a checkpoint that is overwritten in place would change under every link. A copy is never trusted by
its folder's name: its space is computed from the files' own hashes, so an altered one is as good as missing.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from segmentation.checkpoint import SpaceInfo, read_space
from segmentation.errors import CheckpointError
from workers.config import WorkersConfig
from workers.errors import ModelMissing, ModelsNotKept

SEGMENTER = "segmenter.safetensors"
EMBEDDER = "embedder.safetensors"
_ANNOUNCED = "announced"
_UNFINISHED = ".unfinished-"


@dataclass(frozen=True, slots=True)
class CheckpointPair:
    """A segmenter and an embedder that describe photos together."""

    segmenter: Path
    embedder: Path

    def space(self) -> SpaceInfo:
        """The space they describe photos in; cheap, reads metadata only.

        Raises:
            ModelMissing: One is missing or damaged.
        """
        try:
            return read_space(self.segmenter, self.embedder)
        except (CheckpointError, FileNotFoundError) as error:
            raise ModelMissing(str(error)) from error


def configured_pair() -> CheckpointPair:
    """The pair that SELVEDGE_SEGMENTER and SELVEDGE_EMBEDDER name, or the shipped one."""
    config = WorkersConfig.from_environment()
    return CheckpointPair(config.segmenter, config.embedder)


def find_pair(space: str) -> CheckpointPair:
    """The checkpoints of a space: the configured pair where it is that one, else the copies in the models folder.

    Raises:
        ModelMissing: Neither is; the message says where was looked.
    """
    configured = configured_pair()
    found = _name_of(configured)
    if found == space:
        return configured
    kept = _kept_pair(space)
    if _name_of(kept) == space:
        return kept
    raise ModelMissing(
        f"There are no checkpoints of space {space} here: the configured ones are "
        f"{'missing or damaged' if found is None else f'of space {found}'}, and the models folder "
        f"{'holds damaged ones' if kept.segmenter.parent.exists() else 'holds none'} of it (SELVEDGE_MODELS_DIR)."
    )


def keep_pair(pair: CheckpointPair) -> SpaceInfo:
    """Copies a pair into the models folder, so that its space can go on when the files are replaced.

    Whole or not at all, also after a kill; a pair that is kept already is left alone, a damaged copy is replaced.

    Raises:
        ModelMissing: A file is missing or damaged, or was replaced while it was copied.
        ModelsNotKept: The models folder cannot be written.
    """
    info = pair.space()
    kept = _kept_pair(info.name)
    if _name_of(kept) == info.name:
        return info
    folder = kept.segmenter.parent
    try:
        with _locked(folder.parent):
            if _name_of(kept) != info.name:
                _copy(pair, folder, info.name)
    except OSError as error:
        raise ModelsNotKept(f"The models folder {folder.parent} cannot be written: {error.strerror}.") from error
    return info


def forget_pair(space: str) -> None:
    """Removes the copies of a space's checkpoints; nothing where there are none.

    Raises:
        ModelsNotKept: The models folder cannot be written.
    """
    folder = _kept_pair(space).segmenter.parent
    try:
        if folder.exists():
            with _locked(folder.parent):
                shutil.rmtree(_aside(folder))
    except OSError as error:
        raise ModelsNotKept(f"{folder} cannot be removed: {error.strerror}.") from error


def kept_spaces() -> list[str]:
    """The spaces whose checkpoints are in the models folder, by name."""
    root = WorkersConfig.from_environment().models_dir
    return sorted(unquote(file.parent.name) for file in root.glob(f"[!.]*/{EMBEDDER}"))


def announce(space: str) -> None:
    """Tells those who run models which space they will be asked for next, so that they load it while they serve.

    A hint and no more: who misses it loads the model at the first photo.

    Raises:
        ModelsNotKept: The models folder cannot be written.
    """
    file = _announcement()
    if announced() == space:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f"{_UNFINISHED}{file.name}-{os.getpid()}")
        fresh.write_text(space, encoding="utf-8")
        fresh.replace(file)
    except OSError as error:
        raise ModelsNotKept(f"The models folder {file.parent} cannot be written: {error.strerror}.") from error


def announced() -> str | None:
    """The space that was announced last; None before the first."""
    try:
        return _announcement().read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _announcement() -> Path:
    return WorkersConfig.from_environment().models_dir / _ANNOUNCED


def _kept_pair(space: str) -> CheckpointPair:
    # Spaces may hold any character, such as the slash of a hub's name; none may leave the folder.
    folder = WorkersConfig.from_environment().models_dir / quote(space, safe="").replace(".", "%2E")
    return CheckpointPair(folder / SEGMENTER, folder / EMBEDDER)


def _name_of(pair: CheckpointPair) -> str | None:
    try:
        return pair.space().name
    except ModelMissing:
        return None


def _copy(pair: CheckpointPair, folder: Path, space: str) -> None:
    for left_behind in folder.parent.glob(f"{_UNFINISHED}*/"):
        shutil.rmtree(left_behind, ignore_errors=True)
    unfinished = folder.with_name(f"{_UNFINISHED}{folder.name}")
    unfinished.mkdir()
    for source, name in ((pair.segmenter, SEGMENTER), (pair.embedder, EMBEDDER)):
        with source.open("rb") as opened, (unfinished / name).open("wb") as copy:
            shutil.copyfileobj(opened, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
    if _name_of(CheckpointPair(unfinished / SEGMENTER, unfinished / EMBEDDER)) != space:
        shutil.rmtree(unfinished)
        raise ModelMissing(f"{pair.segmenter.name} or {pair.embedder.name} was replaced while it was copied.")
    if folder.exists():
        shutil.rmtree(_aside(folder))
    unfinished.rename(folder)


def _aside(folder: Path) -> Path:
    """Renames a folder away at once: nobody shall find half of it while it is removed."""
    aside = folder.with_name(f"{_UNFINISHED}gone-{folder.name}")
    shutil.rmtree(aside, ignore_errors=True)
    return folder.rename(aside)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """One process at a time changes the models folder."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
