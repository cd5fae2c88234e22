"""COCO average precision of masks and boxes, by pycocotools.

Source: Lin et al., "Microsoft COCO", ECCV 2014; the definitions of cocodataset.org/#detection-eval.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from segmentation.data.annotations import AnnotatedPhoto
from segmentation.errors import AnnotationError
from segmentation.evaluation.detections import predict_all
from segmentation.segmenter import Segmenter
from segmentation.taxonomy import CATEGORIES
from segmentation.types import Detection, MaskRLE

EVALUATED_SCORE = 0.05
"""Detections from this score on are evaluated; AP needs the weak ones too."""


@dataclass(frozen=True)
class APReport:
    """Average precision, all 0..1, over the categories that occur in the annotations.

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
    photos: Sequence[AnnotatedPhoto], detections: list[list[Detection]], *, ms_per_photo: float = 0.0
) -> APReport:
    """COCO AP of detections against annotations, photo by photo."""
    by_category = [category.id for category in CATEGORIES]
    groups = sorted({category.supercategory for category in CATEGORIES})
    by_group = [groups.index(category.supercategory) for category in CATEGORIES]
    truth, found = _ground_truth(photos, by_category), _results(detections, by_category)
    masks, per_class = _evaluate(truth, found, "segm")
    boxes, _ = _evaluate(truth, found, "bbox")
    merged, _ = _evaluate(_ground_truth(photos, by_group), _results(detections, by_group), "segm")
    return APReport(
        mask_ap=masks[0],
        mask_ap50=masks[1],
        mask_ap75=masks[2],
        box_ap=boxes[0],
        box_ap50=boxes[1],
        supercategory_mask_ap=merged[0],
        per_category={CATEGORIES[key].name: value for key, value in per_class.items()},
        n_photos=len(photos),
        n_instances=sum(len(photo.instances) for photo in photos),
        ms_per_photo=ms_per_photo,
    )


def _bytes(mask: MaskRLE) -> dict[str, Any]:
    return {"size": mask["size"], "counts": mask["counts"].encode("ascii")}


def _ground_truth(photos: Sequence[AnnotatedPhoto], classes: list[int]) -> COCO:
    truth = COCO()
    annotations = [
        {
            "image_id": image_id,
            "category_id": classes[instance.category_id],
            "segmentation": _bytes(instance.mask),
            "area": float(coco_mask.area(_bytes(instance.mask))),
            "bbox": coco_mask.toBbox(_bytes(instance.mask)).tolist(),
            "iscrowd": 0,
        }
        for image_id, photo in enumerate(photos)
        for instance in photo.instances
    ]
    truth.dataset = {
        "info": {},
        "images": [{"id": i, "height": p.height_px, "width": p.width_px} for i, p in enumerate(photos)],
        "annotations": [{"id": number + 1, **annotation} for number, annotation in enumerate(annotations)],
        "categories": [{"id": key, "name": str(key)} for key in sorted(set(classes))],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth


def _results(detections: Iterable[list[Detection]], classes: list[int]) -> list[dict[str, Any]]:
    return [
        {
            "image_id": image_id,
            "category_id": classes[detection.category_id],
            "segmentation": _bytes(detection.mask),
            "bbox": [
                detection.box_xyxy_px[0],
                detection.box_xyxy_px[1],
                detection.box_xyxy_px[2] - detection.box_xyxy_px[0],
                detection.box_xyxy_px[3] - detection.box_xyxy_px[1],
            ],
            "score": detection.score,
        }
        for image_id, found in enumerate(detections)
        for detection in found
    ]


def _evaluate(
    truth: COCO, results: list[dict[str, Any]], kind: str
) -> tuple[tuple[float, float, float], dict[int, float]]:
    """AP, AP50, AP75 and AP per class; zero where nothing was found."""
    if not results:
        return (0.0, 0.0, 0.0), {}
    with contextlib.redirect_stdout(io.StringIO()):
        # loadRes fills masks' boxes in; for box evaluation the model's own boxes must stay.
        rows = [{**row, "segmentation": None} if kind == "bbox" else {**row, "bbox": None} for row in results]
        rows = [{key: value for key, value in row.items() if value is not None} for row in rows]
        evaluation = COCOeval(truth, truth.loadRes(rows), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # IoU, recall, class at all areas, 100 detections
    per_class = {}
    for column, key in enumerate(evaluation.params.catIds):
        values = precision[:, :, column]
        if (values > -1).any():
            per_class[int(key)] = float(values[values > -1].mean())
    ap, ap50, ap75 = (max(0.0, float(value)) for value in evaluation.stats[:3])
    return (ap, ap50, ap75), per_class
