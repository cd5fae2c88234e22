"""One garment, one answer: what the model's own, per-category suppression leaves double."""

from __future__ import annotations

from segmentation.boxes import containment, iou
from segmentation.config import ModelConfig
from segmentation.segmenter import Found
from segmentation.taxonomy import compatible_category_ids


def without_doubles(found: list[Found], config: ModelConfig) -> list[Found]:
    """Drop each detection that a stronger one covers.

    Args:
        found: Of one photo, in any order.
        config: `lookalike_nms_iou` and `nested_share`.

    Returns:
        The others, by falling score.
    """
    kept: list[Found] = []
    for item in sorted(found, key=lambda one: -one.score):
        if not any(_is_double(item, other, config) for other in kept):
            kept.append(item)
    return kept


def _is_double(weaker: Found, stronger: Found, config: ModelConfig) -> bool:
    if weaker.category_id == stronger.category_id and containment(weaker.box, stronger.box) > config.nested_share:
        return True
    alike = stronger.category_id in compatible_category_ids(weaker.category_id)
    return alike and iou(weaker.box, stronger.box) > config.lookalike_nms_iou
