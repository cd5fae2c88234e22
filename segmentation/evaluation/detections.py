"""Runs a segmenter over annotated photos once, so that every measure can look at the same detections."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.data.annotations import AnnotatedPhoto
from segmentation.errors import AnnotationError, PhotoRejected
from segmentation.images import decode_rgb
from segmentation.segmenter import Segmenter
from segmentation.types import Detection

STAGES = ("decode", "resize", "model", "masks")
"""What happens to a photo, in order: JPEG to pixels, to the model's size, the network, masks at the photo's size."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a segmenter found in a sequence of photos, and how long it took.

    `detections` has one list a photo, by falling score. `stage_ms` is float64, shape (n_photos, len(STAGES)).
    """

    detections: list[list[Detection]]
    stage_ms: NDArray[np.float64]

    @property
    def photo_ms(self) -> NDArray[np.float64]:
        """Milliseconds each photo took, all stages together: float64, shape (n_photos,)."""
        return np.asarray(self.stage_ms.sum(axis=1), dtype=np.float64)


def detect_all(
    segmenter: Segmenter,
    photos: Sequence[AnnotatedPhoto],
    *,
    min_score: float,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[list[Detection]]:
    """Detections of every photo, masks at the annotated size, photo by photo.

    Args:
        segmenter: The model.
        photos: Annotated photos.
        min_score: Weakest detection kept, 0..1; the model itself drops those below `config.score_threshold`.
        on_progress: Called with (photos done, photos in all).

    Raises:
        AnnotationError: A photo cannot be decoded; the message names it.
    """
    return predict_all(segmenter, photos, min_score=min_score, on_progress=on_progress).detections


def predict_all(
    segmenter: Segmenter,
    photos: Sequence[AnnotatedPhoto],
    *,
    min_score: float,
    on_progress: Callable[[int, int], None] | None = None,
) -> Predictions:
    """`detect_all`, with the time of every stage.

    Raises:
        AnnotationError: As `detect_all`.
    """
    detections: list[list[Detection]] = []
    stage_ms = np.zeros((len(photos), len(STAGES)))
    for index, photo in enumerate(photos):
        ticks = [time.perf_counter()]
        image = photo_rgb(photo)
        ticks.append(time.perf_counter())
        fitted = segmenter.fit(image)
        ticks.append(time.perf_counter())
        [found] = segmenter.find([fitted], min_score=min_score)
        ticks.append(time.perf_counter())
        size = (photo.width_px, photo.height_px)
        detections.append([one for item in found if (one := segmenter.detection(item, size)) is not None])
        ticks.append(time.perf_counter())
        stage_ms[index] = np.diff(ticks) * 1e3
        if on_progress is not None:
            on_progress(index + 1, len(photos))
    return Predictions(detections, stage_ms)


def photo_rgb(photo: AnnotatedPhoto) -> NDArray[np.uint8]:
    """Decode an annotated photo as its masks lie on it (no EXIF turn): uint8, shape (H, W, 3), RGB.

    Raises:
        AnnotationError: It is missing or cannot be decoded; the message names it.
    """
    try:
        return decode_rgb(photo.file.read_bytes(), turn=False)
    except (OSError, PhotoRejected) as error:
        raise AnnotationError(f"{photo.image_id}: {error}") from error
