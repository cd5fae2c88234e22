"""COCO average precision and recall of masks and boxes, by pycocotools.

Source: Lin et al., "Microsoft COCO", ECCV 2014; the definitions of cocodataset.org/#detection-eval.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from segmentation.data.annotations import AnnotatedPhoto
from segmentation.types import Detection, MaskRLE

Kind = Literal["segm", "bbox"]


@dataclass(frozen=True, slots=True)
class CocoFigures:
    """COCO's figures, all 0..1, at most 100 detections a photo; None where no garment of that size is annotated.

    Small is below 32², medium below 96², large from 96² pixels of mask, at the annotated size.
    """

    ap: float | None
    ap50: float | None
    ap75: float | None
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    ar: float | None
    """Average recall over the IoU thresholds."""
    ar_small: float | None
    ar_medium: float | None
    ar_large: float | None
    per_class: dict[str, float]
    """AP of every class that is annotated."""
    per_class50: dict[str, float]
    """Likewise at IoU 0.5."""


def coco_figures(
    photos: Sequence[AnnotatedPhoto], detections: Sequence[Sequence[Detection]], kind: Kind, classes: Sequence[str]
) -> CocoFigures:
    """Measure detections against annotations.

    Args:
        photos: Annotated photos.
        detections: Of each photo; weak ones too, AP needs them.
        kind: `segm` compares masks, `bbox` boxes.
        classes: The class of every category id. Categories of one class are one before anything is matched.
    """
    names = sorted(set(classes), key=list(classes).index)
    numbers = [names.index(name) for name in classes]
    truth = _indexed(photos, names, _true_rows(photos, numbers))
    found = _indexed(photos, names, _found_rows(detections, numbers, kind))
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth, found, kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # IoU, recall, class; all areas, 100 detections
    ap, ap50, ap75, small, medium, large, _, _, ar, ar_small, ar_medium, ar_large = map(_known, evaluation.stats)
    return CocoFigures(
        *(ap, ap50, ap75, small, medium, large, ar, ar_small, ar_medium, ar_large),
        per_class=_per_class(precision, names),
        per_class50=_per_class(precision[:1], names),
    )


def _known(value: float) -> float | None:
    return float(value) if value > -1 else None


def _per_class(precision: NDArray[np.float64], names: Sequence[str]) -> dict[str, float]:
    means = {name: precision[:, :, column] for column, name in enumerate(names)}
    return {name: float(values.mean()) for name, values in means.items() if (values > -1).all()}


def _bytes(mask: MaskRLE) -> dict[str, Any]:
    return {"size": mask["size"], "counts": mask["counts"].encode("ascii")}


def _true_rows(photos: Sequence[AnnotatedPhoto], numbers: Sequence[int]) -> list[dict[str, Any]]:
    rows = []
    for image_id, photo in enumerate(photos):
        for instance in photo.instances:
            mask = _bytes(instance.mask)
            box = coco_mask.toBbox(mask).tolist()
            row = {"image_id": image_id, "category_id": numbers[instance.category_id], "segmentation": mask}
            rows.append({**row, "area": float(coco_mask.area(mask)), "bbox": box, "iscrowd": 0})
    return rows


def _found_rows(detections: Sequence[Sequence[Detection]], numbers: Sequence[int], kind: Kind) -> list[dict[str, Any]]:
    rows = []
    for image_id, found in enumerate(detections):
        for detection in found:
            mask, box = _bytes(detection.mask), detection.box_xyxy_px
            sides = (box[2] - box[0], box[3] - box[1])
            area = float(coco_mask.area(mask)) if kind == "segm" else sides[0] * sides[1]
            row = {"image_id": image_id, "category_id": numbers[detection.category_id], "score": detection.score}
            rows.append({**row, "segmentation": mask, "bbox": [box[0], box[1], *sides], "area": area, "iscrowd": 0})
    return rows


def _indexed(photos: Sequence[AnnotatedPhoto], names: Sequence[str], rows: list[dict[str, Any]]) -> COCO:
    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": index, "height": p.height_px, "width": p.width_px} for index, p in enumerate(photos)],
        "annotations": [{"id": number + 1, **row} for number, row in enumerate(rows)],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names)],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco
