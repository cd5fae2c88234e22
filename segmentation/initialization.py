"""Weights for layers that nothing was loaded into, where batch norm does not normalize.

A frozen batch norm of a fresh layer has identity statistics. With torchvision's initialization, made for batch norm
that does normalize, a signal then grows about twofold a bottleneck (and dies out in depthwise convolutions).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import nn
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.models.mobilenetv3 import InvertedResidual as InvertedResidualV3
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import FrozenBatchNorm2d


@torch.no_grad()
def initialize_unnormalized(trunk: nn.Module) -> None:
    """Draw convolutions so that a fresh trunk keeps the scale of what enters it, at any depth.

    Each convolution keeps the mean square of its input (He initialization by fan-in; without the factor of two where
    no ReLU follows), and the last scale of a residual branch is 1 / sqrt(number of branches), so that all of them
    together add about one unit of variance to the stream.
    Source: He et al., "Delving deep into rectifiers", ICCV 2015; De and Smith, "Batch normalization biases residual
    blocks towards the identity function in deep networks", NeurIPS 2020.

    Args:
        trunk: A ResNet or MobileNet of torchvision with frozen batch norm; changed in place.
    """
    ends = [end for module in trunk.modules() if (end := _branch_end(module)) is not None]
    linear = {id(convolution) for convolution, _, _ in ends}
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            follows: Literal["linear", "relu"] = "linear" if id(module) in linear else "relu"
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity=follows)
    scale = 1 / math.sqrt(max(1, sum(is_residual for _, _, is_residual in ends)))
    for _, norm, is_residual in ends:
        if is_residual:
            nn.init.constant_(norm.weight, scale)


def _branch_end(block: nn.Module) -> tuple[nn.Conv2d, FrozenBatchNorm2d, bool] | None:
    """The last convolution and norm of a block without an activation of its own, and whether they are added."""
    if isinstance(block, Bottleneck):
        return block.conv3, block.bn3, True
    if isinstance(block, BasicBlock):
        return block.conv2, block.bn2, True
    if isinstance(block, InvertedResidual):
        return block.conv[-2], block.conv[-1], bool(block.use_res_connect)
    if isinstance(block, InvertedResidualV3):
        return block.block[-1][0], block.block[-1][1], bool(block.use_res_connect)
    return None
