"""One garment, one answer: what the model's own, per-category suppression leaves double."""

from __future__ import annotations

from collections.abc import Sequence

from segmentation.boxes import containment, iou
from segmentation.config import ModelConfig
from segmentation.taxonomy import compatible_category_ids
from segmentation.types import BoxXyxyPx


def kept_of(
    category_ids: Sequence[int], scores: Sequence[float], boxes: Sequence[BoxXyxyPx], config: ModelConfig
) -> list[int]:
    """Drop each detection of a photo that a stronger one covers.

    Args:
        category_ids: 0..45, of one photo's detections in any order.
        scores: Theirs.
        boxes: Theirs, xyxy, in pixels or in shares of the photo's sides.
        config: `predictor_nms_iou`, `lookalike_nms_iou` and `nested_share`.

    Returns:
        Indices of the others, by falling score (of equals, the earlier first).
    """
    kept: list[int] = []
    for index in sorted(range(len(scores)), key=lambda one: -scores[one]):
        if not any(
            _is_double(category_ids[index], boxes[index], category_ids[other], boxes[other], config) for other in kept
        ):
            kept.append(index)
    return kept


def _is_double(
    weaker_id: int, weaker_box: BoxXyxyPx, stronger_id: int, stronger_box: BoxXyxyPx, config: ModelConfig
) -> bool:
    overlap = iou(weaker_box, stronger_box)
    if weaker_id == stronger_id and (
        overlap > config.predictor_nms_iou or containment(weaker_box, stronger_box) > config.nested_share
    ):
        return True
    return stronger_id in compatible_category_ids(weaker_id) and overlap > config.lookalike_nms_iou
