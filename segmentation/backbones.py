"""Backbones with a feature pyramid, by name."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import get_model_weights, mobilenet, resnet
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.ops import FrozenBatchNorm2d

from segmentation.config import ModelConfig
from segmentation.errors import ConfigError

# The child of torchvision's `features` where each stride ends.
_MOBILENET_TAPS: dict[str, dict[int, int]] = {
    "mobilenet_v2": {4: 3, 8: 6, 16: 13, 32: 18},
    "mobilenet_v3_large": {4: 3, 8: 6, 16: 12, 32: 16},
}
_RESNETS: dict[str, Callable[..., resnet.ResNet]] = {
    "resnet18": resnet.resnet18,
    "resnet34": resnet.resnet34,
    "resnet50": resnet.resnet50,
}
_MOBILENETS: dict[str, Callable[..., nn.Module]] = {
    "mobilenet_v2": mobilenet.mobilenet_v2,
    "mobilenet_v3_large": mobilenet.mobilenet_v3_large,
}
BACKBONES: tuple[str, ...] = (*_RESNETS, *_MOBILENETS)
_STRIDES = (4, 8, 16, 32)


class SamePaddedConv2d(nn.Conv2d):
    """A strided convolution that pads as TensorFlow's SAME does: what is odd goes right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve float (N, C, H, W) to (N, C', ceil(H / stride), ceil(W / stride))."""
        pads: list[int] = []
        for axis in (1, 0):
            size, kernel, stride = x.shape[2 + axis], self.kernel_size[axis], self.stride[axis]
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def pad_like_tensorflow(module: nn.Module) -> None:
    """Swap every stride-2 convolution wider than 1x1 for `SamePaddedConv2d`, keeping its parameters."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d) and child.stride[0] == 2 and child.kernel_size[0] > 1:
            swapped = SamePaddedConv2d(
                child.in_channels,
                child.out_channels,
                (child.kernel_size[0], child.kernel_size[1]),
                stride=2,
                groups=child.groups,
                bias=child.bias is not None,
            )
            swapped.weight, swapped.bias = child.weight, child.bias
            setattr(module, name, swapped)
        else:
            pad_like_tensorflow(child)


def build_trunk(name: str, *, tf_same_padding: bool = False, weights: str = "") -> nn.Module:
    """Build a classification trunk with frozen batch norm.

    Args:
        name: One of `BACKBONES`.
        tf_same_padding: See `ModelConfig.tf_same_padding`.
        weights: `imagenet` lets torchvision download its own; anything else is loaded by the caller.

    Raises:
        ConfigError: An unknown name.
    """
    factory = _RESNETS.get(name) or _MOBILENETS.get(name)
    if factory is None:
        raise ConfigError(f"backbone {name!r} is unknown; choose one of {', '.join(BACKBONES)}")
    trunk = factory(weights=None, norm_layer=FrozenBatchNorm2d)
    if weights == "imagenet":
        # Not by the factory's own argument: it unpickles what it downloads.
        published = get_model_weights(name).DEFAULT
        trunk.load_state_dict(published.get_state_dict(progress=True, check_hash=True, weights_only=True))
    if tf_same_padding:
        pad_like_tensorflow(trunk)
    return trunk


def build_fpn(config: ModelConfig, *, weights: str = "") -> BackboneWithFPN:
    """Build the pyramid: levels from `finest_stride` to 32, and one pooled level at 64.

    Raises:
        ConfigError: An unknown backbone or stride.
    """
    if config.finest_stride not in (4, 8):
        raise ConfigError(f"model.finest_stride: expected 4 or 8, got {config.finest_stride}")
    trunk = build_trunk(config.backbone, tf_same_padding=config.tf_same_padding, weights=weights)
    strides = [stride for stride in _STRIDES if stride >= config.finest_stride]
    if isinstance(trunk, resnet.ResNet):
        taps = {f"layer{_STRIDES.index(stride) + 1}": str(level) for level, stride in enumerate(strides)}
        body: nn.Module = trunk
    else:
        ends = _MOBILENET_TAPS[config.backbone]
        taps = {str(ends[stride]): str(level) for level, stride in enumerate(strides)}
        body = trunk.features  # type: ignore[assignment]
    return BackboneWithFPN(body, taps, _channels(body, taps), config.fpn_channels)


def _channels(body: nn.Module, taps: dict[str, str]) -> list[int]:
    """Measure how many channels leave each tap, with a small picture instead of a table per backbone."""
    channels, x = [], torch.zeros(1, 3, 64, 64)
    with torch.no_grad():
        for name, child in body.named_children():
            if name in ("avgpool", "fc"):
                break
            x = child(x)
            if name in taps:
                channels.append(x.shape[1])
    return channels
