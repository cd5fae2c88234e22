"""The photos a checkpoint is evaluated on, and what is known of those it learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmentation.data.annotations import AnnotationSet
from segmentation.data.sources import read_splits, read_validation
from segmentation.errors import AnnotationError


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What training annotations say.

    `category_counts` is int64, shape (46,): garments of each category. `n_shared_photos` counts photos that are
    evaluated on too: a model that was trained on them looks better than it is.
    """

    category_counts: NDArray[np.int64]
    n_shared_photos: int


def read_evaluated_data(
    data_dir: Path,
    *,
    annotations: Path | None = None,
    train_annotations: Path | None = None,
    images: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[AnnotationSet, TrainingData | None]:
    """Read validation annotations, and training annotations where they are at hand.

    Args:
        data_dir: As for `read_splits`.
        annotations: Validation annotations under another name.
        train_annotations: Training annotations under another name.
        images: The photos' folder.
        on_progress: As for `read_annotations`.

    Returns:
        The annotations to evaluate on, and what those for training hold; None where the folder brings none.

    Raises:
        AnnotationError: There are no validation annotations, or `train_annotations` cannot be read.
    """
    try:
        train, validation = read_splits(
            data_dir,
            annotations=train_annotations,
            val_annotations=annotations,
            images=images,
            on_progress=on_progress,
        )
    except AnnotationError:
        if train_annotations is not None:
            raise
        validation = read_validation(data_dir, annotations=annotations, images=images, on_progress=on_progress)
        return validation, None
    if not train.photos:
        return validation, None
    counts = train.photos.category_counts().sum(axis=0, dtype=np.int64)
    n_shared = len(set(train.photos.files) & set(validation.photos.files))
    return validation, TrainingData(counts, n_shared)
