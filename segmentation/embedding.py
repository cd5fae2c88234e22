"""Garment crops to unit vectors.

A classification trunk, generalized-mean pooling of its last maps, perhaps statistics of earlier ones
(`segmentation.level_maps`), and a linear projection fitted by PCA whitening.
Source: Radenovic et al., "Fine-tuning CNN image retrieval with no human annotation", TPAMI 2019 (GeM);
Jegou and Chum, "Negative evidences and co-occurrences in image retrieval", ECCV 2012 (whitening).
"""

from __future__ import annotations

import copy
import difflib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from segmentation.checkpoint import CheckpointInfo, read_info
from segmentation.config import EmbedderConfig
from segmentation.config_files import from_mapping
from segmentation.embedder_trunks import build_features, map_shapes
from segmentation.errors import CheckpointError, ConfigError
from segmentation.level_maps import LAST, by_name, map_statistics
from segmentation.serving.graphs import ServingOptions, for_serving
from segmentation.serving.mirroring import without_padding_copies
from segmentation.weights import load_into

_BATCH = 4  # larger batches are no faster on a CPU, and their maps are fresh memory from the kernel every time


POOLINGS = ("gem", "avg", "max", "gem_avg")
PROJECTIONS = ("linear", "none")


class CropEmbedder(nn.Module):
    """float32 (N, 3, side, side) RGB 0..1 -> float32 (N, dim), unit length.

    `power` may be made a parameter while it is trained; a checkpoint has it in its configuration.
    """

    power: Tensor | float

    def __init__(self, config: EmbedderConfig, *, weights: str = "") -> None:
        """Build it, with fresh weights unless they are `imagenet`.

        Raises:
            ConfigError: An unknown or missing backbone, pooling or projection.
            CheckpointError: Published weights cannot be downloaded.
        """
        super().__init__()
        check_word(config.pooling, POOLINGS, "pooling")
        check_word(config.projection, PROJECTIONS, "projection")
        self.features = build_features(config, weights=weights)
        shapes = map_shapes(self.features, config.input_side_px)
        (n_channels, *sides) = shapes.pop(LAST)
        self._is_map = bool(sides)
        n_pooled = 2 * n_channels if config.pooling == "gem_avg" and self._is_map else n_channels
        n_pooled += sum(2 * shape[0] for shape in shapes.values())
        if config.projection == "none" and n_pooled != config.dim:
            raise ConfigError(f"dim: {config.backbone} gives {n_pooled} numbers without a projection, not {config.dim}")
        linear = config.projection == "linear"
        self.projection = nn.Linear(n_pooled, config.dim) if linear else nn.Identity()
        self.power = config.pooling_power
        self._pooling = config.pooling
        self._level_weight = config.level_weight
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(config.image_mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.image_std).view(1, 3, 1, 1), persistent=False)

    def pooled(self, crops: Tensor) -> Tensor:
        """Pooled features, float32 (N, C), unit length."""
        return self.pool(self.features((crops - self.mean) / self.std))

    def pool(self, maps: Tensor | dict[str, Tensor]) -> Tensor:
        """A trunk's maps (N, C, h, w), of one depth or of several by name, to float32 (N, C), unit length.

        A trunk that pools itself gives (N, C).
        """
        named = by_name(maps)
        parts = [self._pool_last(named[LAST].float())]
        parts += [self._level_weight * map_statistics(level) for name, level in named.items() if name != LAST]
        return F.normalize(torch.cat(parts, dim=1), dim=1)

    def _pool_last(self, maps: Tensor) -> Tensor:
        if not self._is_map:
            return F.normalize(maps, dim=1)
        pooled = [self._gem(maps)] if self._pooling.startswith("gem") else []
        if self._pooling.endswith("avg"):
            pooled.append(maps.mean(dim=(2, 3)))
        if self._pooling == "max":
            pooled.append(maps.amax(dim=(2, 3)))
        return F.normalize(torch.cat([F.normalize(part, dim=1) for part in pooled], dim=1), dim=1)

    def project(self, pooled: Tensor) -> Tensor:
        """Pooled features to the embedding, float32 (N, dim), unit length."""
        return F.normalize(self.projection(pooled), dim=1)

    def forward(self, crops: Tensor) -> Tensor:
        """Embed crops."""
        return self.project(self.pooled(crops))

    def _gem(self, maps: Tensor) -> Tensor:
        return maps.clamp(min=1e-6).pow(self.power).mean(dim=(2, 3)).pow(1.0 / self.power)


def check_word(word: str, known: tuple[str, ...], where: str) -> None:
    """Refuse a word of a configuration that means nothing.

    Raises:
        ConfigError: The message names the nearest right one.
    """
    if word not in known:
        close = difflib.get_close_matches(word, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ConfigError(f"{where}: expected one of {', '.join(known)}, got {word!r}{hint}")


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
        if "/" not in config.backbone:  # other libraries' networks cannot all be followed as a graph
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
