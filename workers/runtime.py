"""The models of a process: one per space, loaded lazily by whichever thread needs it first, at most two kept.

Two, because two spaces are in use while a new one is built in the shadow or has just been promoted.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from segmentation.errors import CheckpointError
from segmentation.types import EncodedPhoto, PhotoDescription, PhotoError
from workers import model_files
from workers.config import WorkersConfig
from workers.errors import ModelMissing

if TYPE_CHECKING:
    from segmentation.predictor import GarmentPredictor

MOST_LOADED = 2


class PhotoDescriber(Protocol):
    """What the tasks need of `segmentation.predictor.GarmentPredictor`."""

    @property
    def space(self) -> str:
        """The name of the space its embeddings live in."""

    @property
    def model_version(self) -> str:
        """`name@sha8` of the segmenter."""

    def describe(self, photos: Sequence[EncodedPhoto]) -> list[PhotoDescription | PhotoError]:
        """One result a photo, in order."""


_log = logging.getLogger(__name__)
_lock = threading.Lock()
"""Held for moments only: a model in use is handed out while another one is being loaded."""
_loading = threading.Lock()
"""One model is loaded at a time, and each once, however many threads want it."""
_loaded: OrderedDict[str, GarmentPredictor] = OrderedDict()
"""By space, the one used last at the end."""
_lent: dict[str, PhotoDescriber] = {}
"""By space, models that a caller of this process brought itself."""
_owner_pid: int | None = None
_last_announced: str | None = None
_is_following = False
"""Whether this process has looked at the announcement before: the first look only takes note of it."""


def predictor(space: str | None = None) -> PhotoDescriber:
    """The predictor of a space; the first call loads it, which takes seconds.

    Args:
        space: Its name; None is the space of the configured checkpoints.

    Raises:
        ModelMissing: A checkpoint is missing or damaged; the message names the file, or where was looked.
        RuntimeError: A model was loaded before a fork; a child must load its own.
    """
    name = model_files.configured_pair().space().name if space is None else space
    model = _held(name)
    if model is None:
        with _loading:
            model = _held(name)
            if model is None:
                loaded = _load(name)
                _hold(name, loaded)
                return loaded
    return model


@contextmanager
def lent(model: PhotoDescriber) -> Iterator[None]:
    """Lets a caller's own model describe the photos of its space while the block lasts, as an evaluation's does."""
    with _lock:
        before = _lent.get(model.space)
        _lent[model.space] = model
    try:
        yield
    finally:
        with _lock:
            if before is None:
                del _lent[model.space]
            else:
                _lent[model.space] = before


def warm_up() -> None:
    """Loads the model that will be asked for: of the announced space, or of the configured checkpoints.

    Raises:
        ModelMissing: A checkpoint is missing or damaged.
    """
    global _last_announced, _is_following
    _last_announced, _is_following = model_files.announced(), True
    predictor(_last_announced)


def follow_announcement() -> None:
    """Loads a space that was announced since this process last looked, beside what it does; returns at once.

    So a promoted space answers its first photo as fast as its hundredth. Costs the reading of a tiny file.
    """
    global _last_announced, _is_following
    announced = model_files.announced()
    is_new = _is_following and announced != _last_announced
    _last_announced, _is_following = announced, True
    if is_new and announced is not None and _held(announced) is None:
        threading.Thread(target=_load_ahead, args=(announced,), name="load-ahead", daemon=True).start()


def loaded_spaces() -> list[str]:
    """The spaces whose models this process holds, the one used last at the end."""
    with _lock:
        return list(_loaded)


def _held(name: str) -> PhotoDescriber | None:
    with _lock:
        if name in _lent:
            return _lent[name]
        if _owner_pid not in (None, os.getpid()):
            # Any CUDA call in a parent poisons its children, and threads of OpenMP do not survive a fork.
            raise RuntimeError("The model was loaded before a fork; start the pool with -P solo or -P threads.")
        model = _loaded.get(name)
        if model is not None:
            _loaded.move_to_end(name)
        return model


def _hold(name: str, model: GarmentPredictor) -> None:
    """Keeps a model and lets go of the one unused for longest; whoever is using that one still holds it."""
    global _owner_pid
    with _lock:
        _owner_pid = os.getpid()
        _loaded[name] = model
        while len(_loaded) > MOST_LOADED:
            _loaded.popitem(last=False)


def _load_ahead(space: str) -> None:
    try:
        predictor(space)
    except ModelMissing as error:
        _log.warning("The announced space cannot be loaded: %s", error)


def _load(space: str) -> GarmentPredictor:
    # Imported here because it brings torch, which a process that never predicts must not pay for.
    from segmentation.predictor import GarmentPredictor

    pair = model_files.find_pair(space)
    threads = WorkersConfig.from_environment().threads
    try:
        model = GarmentPredictor.from_files(pair.segmenter, pair.embedder, threads=threads)
    except (CheckpointError, FileNotFoundError) as error:
        raise ModelMissing(str(error)) from error
    if model.space != space:
        raise ModelMissing(f"The checkpoints of space {space} were replaced by those of {model.space}; ask again.")
    return model
