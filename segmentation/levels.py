"""Where a pyramid's levels lie on the photo: anchors and RoI pooling with the strides that were built.

torchvision infers strides from the sizes it meets. It takes the photo's side divided by the level's: 58 instead of 64
where a side of 352 px leaves 6 cells on the pooled level. And `MultiScaleRoIAlign` keeps the scales of its first photo,
so that one narrow photo (40 px wide, padded to 64) would spoil every later one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.poolers import initLevelMapper


class LevelAnchors(AnchorGenerator):  # type: ignore[misc]  # torchvision carries no types
    """Anchors at every cell of levels whose strides are known."""

    def __init__(
        self, sizes_px: tuple[tuple[int, ...], ...], ratios: tuple[float, ...], strides_px: tuple[int, ...]
    ) -> None:
        super().__init__(sizes_px, (ratios,) * len(sizes_px))
        self.strides_px = strides_px

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        """Anchors in xyxy px of the batch, float (n_anchors, 4), the same for each of its photos."""
        self.set_cell_anchors(feature_maps[0].dtype, feature_maps[0].device)
        grid_sizes = [list(level.shape[-2:]) for level in feature_maps]
        strides = [[torch.tensor(stride, device=feature_maps[0].device)] * 2 for stride in self.strides_px]
        anchors = torch.cat(self.grid_anchors(grid_sizes, strides))
        return [anchors for _ in image_list.image_sizes]


def level_roi_align(strides_px: tuple[int, ...], output_size: int, sampling_ratio: int) -> MultiScaleRoIAlign:
    """RoI pooling over the levels that are named 0, 1, ... and have these strides.

    A box goes to the level by its area as in Lin et al., "Feature Pyramid Networks", CVPR 2017, eq. 1: 224x224 px to
    stride 16, and to the finest or coarsest there is where that level was not built.
    """
    pool = MultiScaleRoIAlign([str(level) for level in range(len(strides_px))], output_size, sampling_ratio)
    pool.scales = [1 / stride for stride in strides_px]
    pool.map_levels = initLevelMapper(
        int(math.log2(strides_px[0])),
        int(math.log2(strides_px[-1])),
        canonical_scale=pool.canonical_scale,
        canonical_level=pool.canonical_level,
    )
    return pool
