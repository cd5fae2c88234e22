"""What an embedder sees with: torchvision's trunks by name, timm's and open_clip's as optional extras."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.resnet import ResNet

from segmentation.backbones import build_trunk
from segmentation.config import EmbedderConfig
from segmentation.errors import CheckpointError, ConfigError
from segmentation.level_maps import LevelMaps, by_name

TIMM, OPEN_CLIP = "timm/", "open_clip/"
_HEADS = ("avgpool", "fc")
_PACKAGES = {"timm": "timm", "open_clip": "open_clip_torch"}


class TokenMap(nn.Module):
    """A network whose patches come as rows: float (N, prefix + patches, C) to a map (N, C, patches, 1)."""

    def __init__(self, network: nn.Module, n_prefix: int) -> None:
        super().__init__()
        self.network, self.n_prefix = network, n_prefix

    def forward(self, x: Tensor) -> Tensor:
        """Rows of patches become a map of width 1; class tokens and registers are left out."""
        tokens: Tensor = self.network(x)
        return tokens[:, self.n_prefix :].transpose(1, 2).unsqueeze(-1)


def build_features(config: EmbedderConfig, *, weights: str = "") -> nn.Module:
    """Build the trunk of an embedder: float32 (N, 3, side, side), normalized, to maps (N, C, h, w) or vectors (N, C).

    With `levels` it gives maps by name, as `segmentation.level_maps.LevelMaps` does.

    Args:
        config: Names the backbone.
        weights: `imagenet` lets the backbone's own library download what it publishes; else the caller loads them.

    Raises:
        ConfigError: An unknown backbone, one whose library is not installed, or one without such levels.
        CheckpointError: Published weights cannot be downloaded.
    """
    trunk = _trunk(config, weights)
    return LevelMaps(trunk, config.levels) if config.levels else trunk


def _trunk(config: EmbedderConfig, weights: str) -> nn.Module:
    if config.backbone.startswith(TIMM):
        return _timm(config, pretrained=weights == "imagenet")
    if config.backbone.startswith(OPEN_CLIP):
        return _open_clip(config.backbone.removeprefix(OPEN_CLIP), pretrained=weights == "imagenet")
    trunk = build_trunk(config.backbone, tf_same_padding=config.tf_same_padding, weights=weights)
    if isinstance(trunk, ResNet):
        body = nn.Sequential()
        for name, child in trunk.named_children():
            if name not in _HEADS:
                body.add_module(name, child)
        return body
    features: nn.Module = trunk.features  # type: ignore[assignment]
    return features


def map_shapes(features: nn.Module, side_px: int) -> dict[str, tuple[int, ...]]:
    """What leaves a trunk, by name: (C, h, w) of a map, (C,) of a vector."""
    training = features.training
    features.eval()
    with torch.no_grad():
        found = features(torch.zeros(1, 3, side_px, side_px))
    features.train(training)
    return {name: tuple(maps.shape[1:]) for name, maps in by_name(found).items()}


def _timm(config: EmbedderConfig, *, pretrained: bool) -> nn.Module:
    timm = _library("timm", config.backbone)
    name, options = config.backbone.removeprefix(TIMM), dict[str, Any]()
    try:
        network: Any = timm.create_model(name, pretrained=pretrained, num_classes=0, global_pool="", **options)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"backbone {config.backbone!r}: {error}") from error
    except OSError as error:
        raise CheckpointError(f"weights of {config.backbone} cannot be downloaded ({error}); name a file") from error
    with torch.no_grad():
        side = config.input_side_px
        is_map = network.eval()(torch.zeros(1, 3, side, side)).dim() == 4
    return network if is_map else TokenMap(network, int(getattr(network, "num_prefix_tokens", 0)))


def _open_clip(name: str, *, pretrained: bool) -> nn.Module:
    """The visual tower alone; `name` is a model's, a hub's (`hf-hub:OWNER/NAME`) or a local folder's."""
    open_clip = _library("open_clip", OPEN_CLIP + name)
    try:
        model: Any = open_clip.create_model(name, load_weights=pretrained)
    except (RuntimeError, ValueError, TypeError, FileNotFoundError) as error:
        raise ConfigError(f"backbone {OPEN_CLIP + name!r}: {error}") from error
    except OSError as error:
        raise CheckpointError(f"weights of {name} cannot be downloaded ({error}); name a local folder") from error
    visual: nn.Module = model.visual
    return visual


def _library(name: str, backbone: str) -> ModuleType:
    try:
        return importlib.import_module(name)  # an optional extra: most installations have neither
    except ImportError as error:
        raise ConfigError(
            f"backbone {backbone!r} needs an optional library: pip install {_PACKAGES[name]} (pinned in pyproject.toml)"
        ) from error
