"""The one model of a process: loaded lazily, once, by whichever thread needs it first."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from segmentation.errors import CheckpointError
from workers.config import WorkersConfig
from workers.errors import ModelMissing

if TYPE_CHECKING:
    from segmentation.predictor import GarmentPredictor

_lock = threading.Lock()
_loaded: tuple[int, GarmentPredictor] | None = None


def predictor() -> GarmentPredictor:
    """The process's predictor; the first call loads it, which takes seconds.

    Raises:
        ModelMissing: A checkpoint is missing or damaged; the message names the file.
        RuntimeError: The model was loaded before a fork; a child must load its own.
    """
    global _loaded
    with _lock:
        if _loaded is None:
            _loaded = (os.getpid(), _load(WorkersConfig.from_environment()))
        owner_pid, model = _loaded
    if owner_pid != os.getpid():
        # Any CUDA call in a parent poisons its children, and threads of OpenMP do not survive a fork.
        raise RuntimeError("The model was loaded before a fork; start the pool with -P solo or -P threads.")
    return model


def is_loaded() -> bool:
    """Whether this process holds a model."""
    return _loaded is not None


def _load(config: WorkersConfig) -> GarmentPredictor:
    # Imported here because it brings torch, which a process that never predicts must not pay for.
    from segmentation.predictor import GarmentPredictor

    try:
        return GarmentPredictor.from_files(config.segmenter, config.embedder, threads=config.threads)
    except (CheckpointError, FileNotFoundError) as error:
        raise ModelMissing(str(error)) from error
