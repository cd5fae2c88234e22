"""How good a model is, in a few figures: what training chooses its best epoch by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from segmentation.data.annotations import AnnotatedPhoto
from segmentation.errors import AnnotationError
from segmentation.evaluation.coco_figures import CocoFigures, coco_figures
from segmentation.evaluation.detections import predict_all
from segmentation.segmenter import Segmenter
from segmentation.taxonomy import CATEGORIES
from segmentation.types import Detection

EVALUATED_SCORE = 0.05
"""Detections from this score on are evaluated; AP needs the weak ones too."""
NAMES = tuple(category.name for category in CATEGORIES)
SUPERCATEGORIES = tuple(category.supercategory for category in CATEGORIES)


@dataclass(frozen=True)
class APReport:
    """Average precision, all 0..1, over the categories that occur in the annotations; 0 where none does.

    Super-category figures merge the categories of each super-category into one class before matching.
    """

    mask_ap: float
    mask_ap50: float
    mask_ap75: float
    box_ap: float
    box_ap50: float
    supercategory_mask_ap: float
    per_category: dict[str, float] = field(default_factory=dict)
    """Mask AP by category name."""
    n_photos: int = 0
    n_instances: int = 0
    ms_per_photo: float = 0.0
    """Median, decoding and pasting included."""


def evaluate_segmenter(
    segmenter: Segmenter,
    photos: Sequence[AnnotatedPhoto],
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> APReport:
    """Run the model over photos one by one and measure it.

    Args:
        segmenter: The model.
        photos: Annotated photos; nothing of them may have been trained on.
        on_progress: Called with (photos done, photos in all).

    Raises:
        AnnotationError: There is no photo, or one cannot be decoded; the message names it.
    """
    if not photos:
        raise AnnotationError("no annotated photo to evaluate on")
    found = predict_all(segmenter, photos, min_score=EVALUATED_SCORE, on_progress=on_progress)
    return average_precision(photos, found.detections, ms_per_photo=float(np.median(found.photo_ms)))


def average_precision(
    photos: Sequence[AnnotatedPhoto], detections: Sequence[Sequence[Detection]], *, ms_per_photo: float = 0.0
) -> APReport:
    """COCO AP of detections against annotations, photo by photo."""
    masks = coco_figures(photos, detections, "segm", NAMES)
    boxes = coco_figures(photos, detections, "bbox", NAMES)
    merged = coco_figures(photos, detections, "segm", SUPERCATEGORIES)
    n_instances = sum(len(photo.instances) for photo in photos)
    return ap_report(masks, boxes, merged, n_photos=len(photos), n_instances=n_instances, ms_per_photo=ms_per_photo)


def ap_report(
    masks: CocoFigures,
    boxes: CocoFigures,
    merged: CocoFigures,
    *,
    n_photos: int,
    n_instances: int,
    ms_per_photo: float,
) -> APReport:
    """The few figures, out of COCO's for masks, boxes, and masks by super-category."""
    return APReport(
        mask_ap=_or_zero(masks.ap),
        mask_ap50=_or_zero(masks.ap50),
        mask_ap75=_or_zero(masks.ap75),
        box_ap=_or_zero(boxes.ap),
        box_ap50=_or_zero(boxes.ap50),
        supercategory_mask_ap=_or_zero(merged.ap),
        per_category=masks.per_class,
        n_photos=n_photos,
        n_instances=n_instances,
        ms_per_photo=ms_per_photo,
    )


def _or_zero(value: float | None) -> float:
    return 0.0 if value is None else value
