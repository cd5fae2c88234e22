"""From the RPN's maps to proposals: the best cells of each level first, then only those are decoded."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.ops import batched_nms, clip_boxes_to_image, remove_small_boxes


@dataclass(frozen=True, slots=True)
class Maps:
    """What the RPN head says about a batch.

    objectness: float32 (N, A, H, W) a level, logits. deltas: float32 (N, A * 4, H, W) a level, for the box coder.
    """

    objectness: list[Tensor]
    deltas: list[Tensor]


def propose(
    maps: Maps, anchors: list[Tensor], rpn: RegionProposalNetwork, sizes: list[tuple[int, int]]
) -> list[Tensor]:
    """What torchvision's `RegionProposalNetwork` proposes in evaluation mode, at a fraction of its steps.

    Args:
        maps: Of the batch.
        anchors: float32 (H * W * A, 4) a level, xyxy px.
        rpn: Its numbers before and after suppression, its thresholds and its box coder.
        sizes: Height and width of each photo in px, without padding.

    Returns:
        float32 (n, 4) a photo, xyxy px inside it, by falling objectness.
    """
    scores, codes, cells, levels = [], [], [], []
    for number, (objectness, deltas, boxes) in enumerate(zip(maps.objectness, maps.deltas, anchors, strict=True)):
        n_photos, n_anchors = objectness.shape[:2]
        flat = objectness.permute(0, 2, 3, 1).reshape(n_photos, -1)
        best, cell = flat.topk(min(rpn.pre_nms_top_n(), flat.shape[1]), dim=1)
        code = deltas.view(n_photos, n_anchors, 4, *deltas.shape[2:]).permute(0, 3, 4, 1, 2).reshape(n_photos, -1, 4)
        scores.append(best)
        codes.append(code.gather(1, cell[..., None].expand(-1, -1, 4)))
        cells.append(boxes[cell])
        levels.append(torch.full_like(cell, number))
    score, code, anchor, level = (torch.cat(parts, dim=1) for parts in (scores, codes, cells, levels))
    decoded = rpn.box_coder.decode_single(code.reshape(-1, 4), anchor.reshape(-1, 4)).view_as(code)
    probability = score.sigmoid()
    return [
        _suppressed(decoded[photo], probability[photo], level[photo], rpn, size) for photo, size in enumerate(sizes)
    ]


def _suppressed(
    boxes: Tensor, probability: Tensor, level: Tensor, rpn: RegionProposalNetwork, size: tuple[int, int]
) -> Tensor:
    boxes = clip_boxes_to_image(boxes, size)
    large = remove_small_boxes(boxes, rpn.min_size)
    strong = large[probability[large] >= rpn.score_thresh]
    boxes, probability, level = boxes[strong], probability[strong], level[strong]
    kept = batched_nms(boxes, probability, level, rpn.nms_thresh)[: rpn.post_nms_top_n()]
    return boxes[kept]
