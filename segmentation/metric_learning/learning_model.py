"""The embedder while it learns: batch norms folded into convolutions, a pooling power that trains, losses beside it."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

from segmentation.config import EmbedderConfig
from segmentation.embedding import CropEmbedder
from segmentation.errors import CheckpointError
from segmentation.weights import read_initial_weights

POWER = "power"
_PREFIXES = ("", "features.", "features.network.")
"""Which of our names a file's lack: of this project or torchvision's MobileNets, of ResNets and CLIP, of timm."""


def load_features(model: CropEmbedder, file: Path) -> tuple[str, ...]:
    """Load a trunk's weights, or all of an embedder's where they fit.

    Args:
        model: Not folded yet.
        file: In torchvision's names, or a checkpoint of this project.

    Returns:
        The tensors that start fresh.

    Raises:
        CheckpointError: The file cannot be read, or does not hold the trunk.
    """
    given, own = read_initial_weights(file), model.state_dict()
    found = max((_renamed(given, prefix) for prefix in _PREFIXES), key=lambda each: len(each.keys() & own.keys()))
    fitting = {name: value.float() for name, value in found.items() if name in own and own[name].shape == value.shape}
    missing = tuple(name for name in own if name not in fitting)
    if any(name.startswith("features.") for name in missing):
        lacking = [name for name in missing if name.startswith("features.")]
        raise CheckpointError(f"{file.name} lacks {len(lacking)} of the trunk's tensors, {lacking[0]} for one")
    model.load_state_dict(fitting, strict=False)
    return missing


def _renamed(given: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """A file's tensors by our names; of a CLIP, what sees is kept under `visual.`."""
    return {prefix + name.removeprefix("visual."): value for name, value in given.items()}


def fold_for_training(module: nn.Module) -> None:
    """Make every convolution with a frozen batch norm after it one convolution with a bias, in place.

    A frozen norm apart reads and writes every map once more, and keeps its shift from learning.
    """
    for child in module.modules():
        if not isinstance(child, nn.Sequential):
            continue
        names = list(child._modules)
        for name, following in itertools.pairwise(names):
            convolution, norm = child._modules[name], child._modules[following]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, FrozenBatchNorm2d):
                _fold(convolution, norm)
                child._modules[following] = _Folded(norm.eps)


def served_state(model: CropEmbedder, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A folded model's tensors as `CropEmbedder` has them: shifts back in batch norms that are otherwise identities.

    Args:
        model: The folded model.
        tensors: Of that model, or an average of them.
    """
    state = {name: value for name, value in tensors.items() if name != POWER}
    for path, child in model.named_modules():
        if isinstance(child, nn.Sequential):
            names = list(child._modules)
            for name, following in itertools.pairwise(names):
                if isinstance(folded := child._modules[following], _Folded):
                    _unfold(state, f"{path}.{name}", f"{path}.{following}", folded.eps)
    return state


def served_config(config: EmbedderConfig, tensors: Mapping[str, Tensor]) -> EmbedderConfig:
    """The configuration that belongs to `served_state`: it has the pooling power that was learned."""
    if POWER not in tensors:
        return config
    return dataclasses.replace(config, pooling_power=round(float(tensors[POWER]), 4))


def freeze_children(model: CropEmbedder, n_children: int) -> None:
    """Keep the weights of the trunk's first children."""
    for child in list(model.features.children())[:n_children]:
        child.requires_grad_(False)


class _Folded(nn.Identity):
    """Where a norm was."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps


@torch.no_grad()
def _fold(convolution: nn.Conv2d, norm: FrozenBatchNorm2d) -> None:
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    shift = norm.bias - norm.running_mean * scale
    if convolution.bias is not None:
        shift = shift + convolution.bias * scale
    convolution.weight = nn.Parameter(convolution.weight * scale.reshape(-1, 1, 1, 1))
    convolution.bias = nn.Parameter(shift.clone())


def _unfold(state: dict[str, Tensor], convolution: str, norm: str, eps: float) -> None:
    shift = state.pop(f"{convolution}.bias")
    state[f"{convolution}.weight"] = state[f"{convolution}.weight"] * math.sqrt(1 + eps)
    state[f"{norm}.weight"], state[f"{norm}.bias"] = torch.ones_like(shift), shift
    state[f"{norm}.running_mean"], state[f"{norm}.running_var"] = torch.zeros_like(shift), torch.ones_like(shift)
