"""Backbones with a feature pyramid, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torchvision.models import convnext, get_model_weights, mobilenet, resnet
from torchvision.models.convnext import LayerNorm2d
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.ops import FrozenBatchNorm2d

from segmentation.config import ModelConfig
from segmentation.errors import CheckpointError, ConfigError
from segmentation.initialization import initialize_unnormalized
from segmentation.trunk_variants import pad_like_tensorflow, stride_in_first_convolution

# The child of torchvision's `features` where each stride ends.
_TAPS: dict[str, dict[int, int]] = {
    "mobilenet_v2": {4: 3, 8: 6, 16: 13, 32: 18},
    "mobilenet_v3_large": {4: 3, 8: 6, 16: 12, 32: 16},
    "convnext_tiny": {4: 1, 8: 3, 16: 5, 32: 7},
}
_RESNETS: dict[str, Callable[..., resnet.ResNet]] = {
    "resnet18": resnet.resnet18,
    "resnet34": resnet.resnet34,
    "resnet50": resnet.resnet50,
    "resnet101": resnet.resnet101,
    # Fewer operations than 32x8d, better on ImageNet, and the trunk of the winner of iMaterialist 2019.
    "resnext101_64x4d": resnet.resnext101_64x4d,
}
_MOBILENETS: dict[str, Callable[..., nn.Module]] = {
    "mobilenet_v2": mobilenet.mobilenet_v2,
    "mobilenet_v3_large": mobilenet.mobilenet_v3_large,
}
_CONVNEXTS: dict[str, Callable[..., nn.Module]] = {"convnext_tiny": convnext.convnext_tiny}
BACKBONES: tuple[str, ...] = (*_RESNETS, *_MOBILENETS, *_CONVNEXTS)
_NORM_EPS = {"mobilenet_v3_large": 1e-3}  # what torchvision's weights were trained with, where it is not 1e-5
_STRIDES = (4, 8, 16, 32)


def build_trunk(
    name: str, *, tf_same_padding: bool = False, stride_in_1x1: bool = False, weights: str = ""
) -> nn.Module:
    """Build a classification trunk, with frozen batch norm where it has batch norm.

    ConvNeXt comes without its stochastic depth: it draws from the global random state, and a run that is resumed
    or split over processes would no longer agree with one that is not.

    Args:
        name: One of `BACKBONES`.
        tf_same_padding: See `ModelConfig.tf_same_padding`.
        stride_in_1x1: See `ModelConfig.stride_in_1x1`.
        weights: `imagenet` lets torchvision download its own; anything else is loaded by the caller.

    Raises:
        ConfigError: An unknown name, or `stride_in_1x1` with a trunk that cannot have it.
        CheckpointError: The weights cannot be downloaded.
    """
    if name in _CONVNEXTS:
        trunk = _CONVNEXTS[name](weights=None, stochastic_depth_prob=0.0)
    elif name in BACKBONES:
        factory: Callable[..., nn.Module] = _RESNETS[name] if name in _RESNETS else _MOBILENETS[name]
        trunk = factory(weights=None, norm_layer=partial(FrozenBatchNorm2d, eps=_NORM_EPS.get(name, 1e-5)))
        initialize_unnormalized(trunk)
    else:
        raise ConfigError(f"backbone {name!r} is unknown; choose one of {', '.join(BACKBONES)}")
    if weights == "imagenet":
        _load_published(trunk, name)
    if tf_same_padding:
        pad_like_tensorflow(trunk)
    if stride_in_1x1:
        stride_in_first_convolution(trunk)
    return trunk


def _load_published(trunk: nn.Module, name: str) -> None:
    """Download torchvision's ImageNet weights; not by the factory's own argument, which unpickles what it downloads."""
    published = get_model_weights(name).DEFAULT
    try:
        state = published.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:  # no network, or not the file whose hash is known
        raise CheckpointError(f"imagenet weights of {name} cannot be downloaded ({error}); name a file") from error
    trunk.load_state_dict(state)


def build_fpn(config: ModelConfig, *, weights: str = "") -> BackboneWithFPN:
    """Build the pyramid: levels from `finest_stride` to 32, and one pooled level at 64.

    Raises:
        ConfigError: An unknown backbone or stride.
    """
    strides = level_strides_px(config.finest_stride)[:-1]
    trunk = build_trunk(
        config.backbone,
        tf_same_padding=config.tf_same_padding,
        stride_in_1x1=config.stride_in_1x1,
        weights=weights,
    )
    if isinstance(trunk, resnet.ResNet):
        taps = {f"layer{_STRIDES.index(stride) + 1}": str(level) for level, stride in enumerate(strides)}
        body: nn.Module = trunk
    else:
        ends = _TAPS[config.backbone]
        taps = {str(ends[stride]): str(level) for level, stride in enumerate(strides)}
        body = trunk.features  # type: ignore[assignment]
    channels = _channels(body, taps)
    pyramid = BackboneWithFPN(body, taps, channels, config.fpn_channels)
    if config.backbone in _CONVNEXTS:
        _normalize_taps(pyramid, channels)
    return pyramid


def level_strides_px(finest_stride: int) -> tuple[int, ...]:
    """Strides of a pyramid's levels, the pooled one last.

    Raises:
        ConfigError: Neither 4 nor 8.

    >>> level_strides_px(8)
    (8, 16, 32, 64)
    """
    if finest_stride not in (4, 8):
        raise ConfigError(f"model.finest_stride: expected 4 or 8, got {finest_stride}")
    return tuple(stride for stride in (*_STRIDES, 2 * _STRIDES[-1]) if stride >= finest_stride)


def _normalize_taps(pyramid: BackboneWithFPN, channels: list[int]) -> None:
    """Put a layer norm before each lateral convolution.

    ConvNeXt adds to a stream that it normalizes only inside its blocks and between its stages, so what leaves a
    stage has no scale of its own. Source: Liu et al., "A ConvNet for the 2020s", CVPR 2022, the detection code.
    """
    for lateral, n_channels in zip(pyramid.fpn.inner_blocks, channels, strict=True):
        lateral.insert(0, LayerNorm2d(n_channels, eps=1e-6))


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
