"""A Mask R-CNN's forward pass for serving: no resizing, no pasting, and masks only for what is kept."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.image_list import ImageList

from segmentation.serving.boxes import Boxes, classified
from segmentation.serving.graphs import ServingOptions, for_serving
from segmentation.serving.mirroring import without_padding_copies
from segmentation.serving.proposals import Maps, propose

_SIZE_DIVISOR = 32
"""Photos are padded right and below to a multiple of this, as torchvision's transform does in training."""


@dataclass(frozen=True, slots=True)
class Look:
    """A batch whose boxes are found: what the mask head goes on from."""

    features: dict[str, Tensor]
    """float32 (N, C, H, W), by the names the RoI pooling knows."""
    sizes: list[tuple[int, int]]
    """Height and width of each photo in px, without padding."""
    boxes: list[Boxes]


class _Convolutions(nn.Module):
    """Backbone, pyramid and RPN head as one function of the batch, so that they become one graph."""

    def __init__(self, model: MaskRCNN) -> None:
        super().__init__()
        head = model.rpn.head
        self.backbone = model.backbone
        self.conv, self.objectness, self.deltas = head.conv, head.cls_logits, head.bbox_pred

    def forward(self, batch: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Features, objectness and deltas, each level by level."""
        features = list(self.backbone(batch).values())
        hidden = [self.conv(level) for level in features]
        return features, [self.objectness(level) for level in hidden], [self.deltas(level) for level in hidden]


class _MaskTrunk(nn.Module):
    """The mask head without its last layer, of which a detection needs one channel of 47."""

    def __init__(self, model: MaskRCNN) -> None:
        super().__init__()
        predictor = model.roi_heads.mask_predictor
        self.head, self.upsample, self.relu = model.roi_heads.mask_head, predictor.conv5_mask, predictor.relu

    def forward(self, pooled: Tensor) -> Tensor:
        """(n, C, 14, 14) -> (n, C', 28, 28)."""
        upsampled: Tensor = self.relu(self.upsample(self.head(pooled)))
        return upsampled


class ServingDetector:
    """Finds boxes, then masks. Made from a copy of the model; its methods may be called from several threads.

    In bfloat16 run the convolutions and the box head; RoI pooling, box coordinates, scores and mask probabilities stay
    in float32.
    """

    def __init__(self, model: MaskRCNN, *, device: str = "cpu", options: ServingOptions | None = None) -> None:
        options = ServingOptions() if options is None else options
        self._device = torch.device(device)
        self._dtype, self._memory_format = options.dtype, options.memory_format
        own = copy.deepcopy(model).eval().requires_grad_(False).float().to(self._device)
        if options.mirror:
            own.backbone.body = without_padding_copies(own.backbone.body)
        self._convolutions = for_serving(_Convolutions(own), self._device, options)
        self._mask_trunk = for_serving(_MaskTrunk(own), self._device, options)
        self._rpn, self._heads = own.rpn, own.roi_heads
        self._box_head = self._heads.box_head.to(self._dtype)
        self._box_predictor = self._heads.box_predictor
        last = self._heads.mask_predictor.mask_fcn_logits
        self._mask_weight, self._mask_bias = last.weight.flatten(1), last.bias
        self._mean = 255.0 * torch.tensor(own.transform.image_mean, device=self._device)
        self._scale = 1.0 / (255.0 * torch.tensor(own.transform.image_std, device=self._device))
        self._anchors = lru_cache(maxsize=32)(self._make_anchors)
        # Of these only settings are still read; their weights live on in the graphs.
        self._rpn.head = self._heads.mask_head = self._heads.mask_predictor = None

    def groups(self, images_rgb: Sequence[NDArray[np.uint8]]) -> list[list[int]]:
        """Indices of the photos that are looked at together.

        Only photos of the same padded size: more padding would change what is found near a photo's edge, so a photo
        would depend on its neighbours. On a CPU each goes alone: together they are no faster, and leave the cache.
        """
        if self._device.type == "cpu":
            return [[index] for index in range(len(images_rgb))]
        by_size: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, image in enumerate(images_rgb):
            by_size[_padded(image.shape)].append(index)
        return list(by_size.values())

    @torch.inference_mode()
    def look(self, images_rgb: Sequence[NDArray[np.uint8]], *, min_score: float) -> Look:
        """Find the boxes of photos, uint8 (H, W, 3), of one padded size (see `groups`), at their own size."""
        sizes = [(image.shape[0], image.shape[1]) for image in images_rgb]
        batch = self._batch(images_rgb)
        features, objectness, deltas = self._convolutions(batch)
        # In bfloat16 a corner at 500 px could only move in steps of 2 px; and RoI pooling knows float32 only.
        maps = Maps([level.float() for level in objectness], [level.float() for level in deltas])
        grids = tuple((level.shape[2], level.shape[3]) for level in features)
        anchors = self._anchors((batch.shape[2], batch.shape[3]), grids)
        proposals = propose(maps, anchors, self._rpn, sizes)
        pooled = {str(index): level.float().contiguous() for index, level in enumerate(features)}
        rois = self._heads.box_roi_pool(pooled, proposals, sizes)
        hidden = self._box_head(rois.to(self._dtype)).float()
        logits, codes = self._box_predictor.cls_score(hidden), self._box_predictor.bbox_pred(hidden)
        return Look(pooled, sizes, classified(logits, codes, proposals, sizes, self._heads, min_score))

    @torch.inference_mode()
    def masks(self, look: Look, rows: Sequence[Sequence[int]]) -> list[NDArray[np.float32]]:
        """Probabilities over the boxes of the named detections of each photo: float32 (n, 28, 28), 0..1."""
        kept = [torch.tensor(list(each), dtype=torch.int64, device=self._device) for each in rows]
        counts = [len(each) for each in kept]
        boxes = [found.boxes_xyxy_px[each] for found, each in zip(look.boxes, kept, strict=True)]
        category = torch.cat([found.category_ids[each] for found, each in zip(look.boxes, kept, strict=True)])
        if not len(category):
            return [np.zeros((0, 28, 28), np.float32) for _ in counts]
        rois = self._heads.mask_roi_pool(look.features, boxes, look.sizes)
        trunk = self._mask_trunk(rois.to(self._dtype).contiguous(memory_format=self._memory_format)).float()
        weight, bias = self._mask_weight[category + 1], self._mask_bias[category + 1]
        logits = torch.einsum("nchw,nc->nhw", trunk, weight) + bias[:, None, None]
        return [part.cpu().numpy() for part in torch.split(logits.sigmoid(), counts)]

    def _batch(self, images_rgb: Sequence[NDArray[np.uint8]]) -> Tensor:
        """Normalized and padded with zeros: (N, 3, H, W)."""
        height, width = _padded(images_rgb[0].shape)
        batch = torch.zeros((len(images_rgb), height, width, 3), dtype=torch.float32, device=self._device)
        for row, image in enumerate(images_rgb):
            pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self._device)
            part = batch[row, : image.shape[0], : image.shape[1]]
            torch.mul(pixels - self._mean, self._scale, out=part)
        return batch.to(self._dtype).permute(0, 3, 1, 2).contiguous(memory_format=self._memory_format)

    def _make_anchors(self, padded: tuple[int, int], grids: tuple[tuple[int, int], ...]) -> list[Tensor]:
        levels = [torch.empty((1, 1, *grid), device=self._device) for grid in grids]
        images = ImageList(torch.empty((1, 3, *padded), device="meta"), [padded])
        anchors = self._rpn.anchor_generator(images, levels)[0]
        n_sizes = self._rpn.anchor_generator.num_anchors_per_location()
        return list(anchors.split([grid[0] * grid[1] * n for grid, n in zip(grids, n_sizes, strict=True)]))


def _padded(shape: tuple[int, ...]) -> tuple[int, int]:
    return -(-shape[0] // _SIZE_DIVISOR) * _SIZE_DIVISOR, -(-shape[1] // _SIZE_DIVISOR) * _SIZE_DIVISOR
