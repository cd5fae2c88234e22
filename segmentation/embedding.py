"""Garment crops to unit vectors.

A classification trunk, generalized-mean pooling, and a linear projection fitted by PCA whitening.
Source: Radenovic et al., "Fine-tuning CNN image retrieval with no human annotation", TPAMI 2019 (GeM);
Jegou and Chum, "Negative evidences and co-occurrences in image retrieval", ECCV 2012 (whitening).
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import ResNet

from segmentation.backbones import build_trunk
from segmentation.checkpoint import CheckpointInfo, read_info
from segmentation.config import EmbedderConfig
from segmentation.config_files import from_mapping
from segmentation.errors import CheckpointError, ConfigError
from segmentation.serving.graphs import ServingOptions, for_serving
from segmentation.serving.mirroring import without_padding_copies
from segmentation.weights import load_into

_BATCH = 8  # larger batches are slower on a CPU (cache), and crops come a handful a photo


class CropEmbedder(nn.Module):
    """float32 (N, 3, side, side) RGB 0..1 -> float32 (N, dim), unit length."""

    def __init__(self, config: EmbedderConfig, *, weights: str = "") -> None:
        super().__init__()
        trunk = build_trunk(config.backbone, tf_same_padding=config.tf_same_padding, weights=weights)
        if isinstance(trunk, ResNet):
            raise ConfigError(f"embedder backbone {config.backbone!r}: choose mobilenet_v2 or mobilenet_v3_large")
        self.features: nn.Module = trunk.features  # type: ignore[assignment]
        with torch.no_grad():
            n_channels = self.features(torch.zeros(1, 3, 64, 64)).shape[1]
        self.projection = nn.Linear(n_channels, config.dim)
        self.power = config.pooling_power
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(config.image_mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.image_std).view(1, 3, 1, 1), persistent=False)

    def pooled(self, crops: Tensor) -> Tensor:
        """Generalized-mean pooled features, float32 (N, C), unit length."""
        maps = self.features((crops - self.mean) / self.std)
        gem = maps.clamp(min=1e-6).pow(self.power).mean(dim=(2, 3)).pow(1.0 / self.power)
        return F.normalize(gem, dim=1)

    def forward(self, crops: Tensor) -> Tensor:
        """Embed crops."""
        return F.normalize(self.projection(self.pooled(crops)), dim=1)


class Embedder:
    """A loaded crop embedder; its methods may be called from several threads."""

    def __init__(self, model: CropEmbedder, config: EmbedderConfig, *, device: str = "cpu") -> None:
        """Make a copy of the model ready to serve, in float32 on every machine.

        Whitening magnifies what rounding does to the trunk: bfloat16 turned the shipped embedder's vectors by up to
        0.06 of cosine, so that machines with and without it would have described one catalog in two spaces.
        """
        self._device = torch.device(device)
        if self._device.type == "cuda":
            torch.backends.cudnn.allow_tf32 = False  # likewise: it keeps 10 bits of float32's 23
        self._model = copy.deepcopy(model).eval().requires_grad_(False)
        features = without_padding_copies(self._model.features)
        self._model.features = for_serving(features, self._device, ServingOptions())
        self._model.to(self._device)
        self.config = config

    @classmethod
    def from_file(cls, file: Path, *, device: str = "cpu") -> tuple[Embedder, CheckpointInfo]:
        """Load a checkpoint.

        Raises:
            CheckpointError: Missing, damaged, of another kind or version.
        """
        info = read_info(file, kind="embedder")
        try:
            config = from_mapping(EmbedderConfig, info.config, where=file.name)
            model = CropEmbedder(config)
        except ConfigError as error:
            raise CheckpointError(f"{file.name} is of another version: {error}") from error
        load_into(model, file)
        return cls(model, config, device=device), info

    def embed(self, crops_rgb: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Embed crops of `garment_crop`, uint8 (side, side, 3): float32 (N, dim), unit length."""
        return self._run(crops_rgb, self._model)

    def pooled(self, crops_rgb: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """The features before the projection, float32 (N, C), unit length; what a projection is fitted on."""
        return self._run(crops_rgb, self._model.pooled)

    def _run(self, crops_rgb: list[NDArray[np.uint8]], function: nn.Module | object) -> NDArray[np.float32]:
        parts = [self._batch(crops_rgb[start : start + _BATCH], function) for start in range(0, len(crops_rgb), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, self.config.dim), np.float32)

    def _batch(self, crops_rgb: list[NDArray[np.uint8]], function: nn.Module | object) -> NDArray[np.float32]:
        crops = torch.from_numpy(np.stack(crops_rgb)).to(self._device).permute(0, 3, 1, 2).float().div_(255.0)
        with torch.inference_mode():
            vectors: Tensor = function(crops)  # type: ignore[operator]
        found = vectors.float().cpu().numpy()
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found


def fit_projection(
    features: NDArray[np.float32], dim: int, *, shrinkage: float = 0.5
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """PCA whitening, softened.

    Args:
        features: float32, shape (N, C), N > dim.
        dim: Components kept.
        shrinkage: Exponent of the eigenvalues: 0 is plain PCA, 1 whitens fully and amplifies noise.

    Returns:
        Weight (dim, C) and bias (dim,) of the linear projection.

    Raises:
        ConfigError: Fewer features than components.
    """
    if len(features) <= dim:
        raise ConfigError(f"{len(features)} crops cannot fit {dim} components; use more photos or a smaller dim")
    center = features.mean(axis=0, dtype=np.float64)
    covariance = np.cov(features.astype(np.float64), rowvar=False)
    values, vectors = np.linalg.eigh(covariance)
    kept = np.argsort(values)[::-1][:dim]
    scales = np.maximum(values[kept], 1e-12) ** (-0.5 * shrinkage)
    weight = (vectors[:, kept] * scales).T
    weight = weight / np.abs(weight).max()  # only directions matter; half precision wants moderate numbers
    return weight.astype(np.float32), (-weight @ center).astype(np.float32)
