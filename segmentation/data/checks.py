"""Looks at every photo's header before training does, which would stop hours later."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from segmentation.data.annotations import AnnotationSet
from segmentation.data.problems import AnnotationProblem, ProblemKind
from segmentation.errors import PhotoRejected
from segmentation.images import read_stored_size

N_THREADS = 16
"""Most of the time is waiting for the disk."""
_PHOTOS_A_ROUND = 256


def check_photos(found: AnnotationSet, *, on_progress: Callable[[int, int], None] | None = None) -> AnnotationSet:
    """Look at the headers of all photos: can they be decoded, and are they of the annotated size?

    Args:
        found: Annotations as they were read.
        on_progress: Called with (photos done, photos in all).

    Returns:
        The photos that can be used, and all problems: those of `found`, then the photos' own.
    """
    sizes = found.photos.sizes_hw_px.tolist()
    files = found.photos.files
    verdicts: list[AnnotationProblem | None] = []
    with ThreadPoolExecutor(N_THREADS) as pool:
        for start in range(0, len(files), _PHOTOS_A_ROUND):
            part = slice(start, start + _PHOTOS_A_ROUND)
            verdicts += pool.map(_problem, files[part], sizes[part])
            if on_progress is not None:
                on_progress(len(verdicts), len(files))
    usable = found.photos.take(np.flatnonzero([verdict is None for verdict in verdicts]))
    return AnnotationSet(usable, (*found.problems, *(verdict for verdict in verdicts if verdict is not None)))


def _problem(file: Path, size_hw_px: list[int]) -> AnnotationProblem | None:
    height, width = size_hw_px
    try:
        stored = read_stored_size(file)
    except (OSError, PhotoRejected) as error:
        return AnnotationProblem(file, None, ProblemKind.UNREADABLE_IMAGE, str(error))
    if stored != (width, height):
        reason = f"the photo is {stored[0]}x{stored[1]}, annotated as {width}x{height}"
        return AnnotationProblem(file, None, ProblemKind.SIZE_MISMATCH, reason)
    return None
