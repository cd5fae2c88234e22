"""What ends a run from outside, in words that say what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from segmentation.errors import ConfigError, RunNotWritten
from segmentation.training.run_folder import STATE


@contextmanager
def told_failures(out: Path) -> Iterator[None]:
    """Translate what a machine's limits raise while a run trains into the folder `out`.

    Raises:
        ConfigError: A GPU's memory does not hold the batch.
        RunNotWritten: The disk is full or the folder cannot be written; what was saved before is whole.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise ConfigError(
            f"a batch does not fit the GPU's memory: halve train.batch_size and double train.accumulate ({error})"
        ) from error
    except OSError as error:
        again = "--resume goes on from the last state" if (out / STATE).is_file() else "start again"
        raise RunNotWritten(f"{out}: {error}; once this is mended, {again}") from error
