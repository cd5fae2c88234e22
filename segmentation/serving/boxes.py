"""From proposals to detections: only what reaches the asked score is decoded and suppressed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import batched_nms, clip_boxes_to_image, remove_small_boxes

_MIN_SIDE_PX = 1e-2
"""torchvision's, in `RoIHeads.postprocess_detections`."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Detections of one photo by falling score.

    boxes_xyxy_px: float32 (n, 4), of the photo as the model saw it. scores: float32 (n,), 0..1.
    category_ids: int64 (n,), 0..45.
    """

    boxes_xyxy_px: Tensor
    scores: Tensor
    category_ids: Tensor


def classified(
    logits: Tensor,
    deltas: Tensor,
    proposals: list[Tensor],
    sizes: list[tuple[int, int]],
    heads: RoIHeads,
    min_score: float,
) -> list[Boxes]:
    """What torchvision's `RoIHeads.postprocess_detections` keeps, without what is weaker than `min_score`.

    Suppression goes by falling score and by category, so dropping the weak first changes nothing about the strong.

    Args:
        logits: float32 (n, 47), background first, for all proposals of the batch.
        deltas: float32 (n, 47 * 4), for the box coder.
        proposals: float32 (n_i, 4) a photo, xyxy px.
        sizes: Height and width of each photo in px, without padding.
        heads: Its box coder, thresholds and number of detections.
        min_score: Weakest score kept; the model's own `score_thresh` holds besides.
    """
    counts = [len(boxes) for boxes in proposals]
    scores = torch.split(logits.softmax(dim=1)[:, 1:], counts)
    codes = torch.split(deltas.view(*logits.shape, 4)[:, 1:], counts)
    return [_kept(*each, heads, min_score) for each in zip(scores, codes, proposals, sizes, strict=True)]


def _kept(
    scores: Tensor, codes: Tensor, proposals: Tensor, size: tuple[int, int], heads: RoIHeads, min_score: float
) -> Boxes:
    row, category = torch.where((scores > heads.score_thresh) & (scores >= min_score))
    boxes = clip_boxes_to_image(heads.box_coder.decode_single(codes[row, category], proposals[row]), size)
    large = remove_small_boxes(boxes, _MIN_SIDE_PX)
    boxes, category, score = boxes[large], category[large], scores[row[large], category[large]]
    kept = batched_nms(boxes, score, category, heads.nms_thresh)[: heads.detections_per_img]
    return Boxes(boxes[kept], score[kept], category[kept])
