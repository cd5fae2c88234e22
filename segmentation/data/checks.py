"""Looks at photos before training does, which would stop hours later, or learn what it is measured on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from segmentation.data.annotations import AnnotationSet, Photos
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


def without_held_out(found: AnnotationSet, held_out: Photos) -> AnnotationSet:
    """Leave out of a training set the photos that validation measures with, each a problem of its own.

    Args:
        found: Annotations to train on.
        held_out: Photos to validate on. The same file by another name, or a link to it, is the same photo.
    """
    measured = {identity for file in held_out.files if (identity := _identity(file)) is not None}
    files = found.photos.files
    is_free = np.array([_identity(file) not in measured for file in files], dtype=np.bool_)
    reason = "training would learn this photo, and validation measures with it"
    problems = (
        AnnotationProblem(file, None, ProblemKind.HELD_OUT, reason)
        for file, free in zip(files, is_free, strict=True)
        if not free
    )
    return AnnotationSet(found.photos.take(np.flatnonzero(is_free)), (*found.problems, *problems))


def _identity(file: Path) -> tuple[int, int] | None:
    """Device and number of a file; None where there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


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
