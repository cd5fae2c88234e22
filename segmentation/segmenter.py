"""The trained Mask R-CNN at work: photos in, detections out, at the photos' own resolution."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.models.detection import MaskRCNN

from segmentation.checkpoint import CheckpointInfo, read_info
from segmentation.config import ModelConfig
from segmentation.config_files import from_mapping
from segmentation.errors import CheckpointError, ConfigError
from segmentation.masks import Mask, paste_probabilities, rle_from_crop
from segmentation.model import build_mask_rcnn
from segmentation.operating_point import is_large_enough, score_thresholds, visible
from segmentation.resizing import check_resizing, fit_photo
from segmentation.taxonomy import CATEGORIES
from segmentation.types import BoxXyxyPx, Detection
from segmentation.weights import load_into


@dataclass(frozen=True, slots=True)
class Found:
    """A garment as the model saw it, before it is put into a photo's pixels.

    `box` is x_min, y_min, x_max, y_max as shares (0..1) of the photo's width and height; `probabilities` are
    float32, shape (28, 28), over the box.
    """

    category_id: int
    score: float
    box: tuple[float, float, float, float]
    probabilities: NDArray[np.float32]

    def box_px(self, size: tuple[int, int]) -> BoxXyxyPx:
        """The box in a photo of `size` (width, height)."""
        width, height = size
        return self.box[0] * width, self.box[1] * height, self.box[2] * width, self.box[3] * height


class Segmenter:
    """Finds garments; its methods may be called from several threads."""

    def __init__(self, model: MaskRCNN, config: ModelConfig, *, device: str = "cpu", bf16: bool = False) -> None:
        self._model = model.eval().to(device).to(memory_format=torch.channels_last)
        self._config = config
        self._device = torch.device(device)
        self._bf16 = bf16

    @classmethod
    def from_file(cls, file: Path, *, device: str = "cpu", bf16: bool = False) -> tuple[Segmenter, CheckpointInfo]:
        """Load a checkpoint.

        Raises:
            CheckpointError: Missing, damaged, of another kind, taxonomy or version.
        """
        info = read_info(file, kind="segmenter")
        if info.categories != tuple(category.name for category in CATEGORIES):
            raise CheckpointError(f"{file.name} was trained on another taxonomy")
        try:
            config = from_mapping(ModelConfig, info.config["model"], where=f"{file.name}: model")
            check_resizing(config)
            score_thresholds(config)
            model = build_mask_rcnn(config)
        except (ConfigError, KeyError) as error:
            raise CheckpointError(f"{file.name} is of another version: {error}") from error
        load_into(model, file)
        return cls(model, config, device=device, bf16=bf16), info

    @property
    def config(self) -> ModelConfig:
        """The model's shape and operating point."""
        return self._config

    def fit(self, image_rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize a photo, uint8 (H, W, 3), to the size this model looks at."""
        return fit_photo(image_rgb, self._config)

    def find(self, images_rgb: list[NDArray[np.uint8]], *, min_score: float | None = None) -> list[list[Found]]:
        """Find garments in a batch of photos.

        Args:
            images_rgb: From `fit`: uint8, (H, W, 3).
            min_score: Weakest detection kept; where None, those that shoppers see at the checkpoint's operating point.

        Returns:
            What was found in each photo, by falling score.
        """
        threshold = float(score_thresholds(self._config).min()) if min_score is None else min_score
        tensors = [self._tensor(image) for image in images_rgb]
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=self._bf16):
            outputs = self._forward(tensors)
        found = [_found(output, image.shape[:2], threshold) for output, image in zip(outputs, images_rgb, strict=True)]
        return found if min_score is not None else [visible(items, self._config) for items in found]

    def mask_window(self, found: Found, size: tuple[int, int]) -> tuple[Mask, int, int]:
        """A garment's mask in a photo of `size` (width, height): its window, left and upper edge in pixels."""
        box = found.box_px(size)
        return paste_probabilities(found.probabilities, box, size[1], size[0], self._config.mask_threshold)

    def detection(self, found: Found, size: tuple[int, int]) -> Detection | None:
        """A garment in the pixels of a photo of `size` (width, height); None where its mask is empty there."""
        window, left, top = self.mask_window(found, size)
        if not window.any():
            return None
        mask = rle_from_crop(window, left, top, size[1], size[0])
        return Detection(found.category_id, found.score, found.box_px(size), mask)

    def detect(
        self, images_rgb: list[NDArray[np.uint8]], sizes: list[tuple[int, int]], *, min_score: float | None = None
    ) -> list[list[Detection]]:
        """`find`, then `detection` at each photo's (width, height); without `min_score`, what shoppers see."""
        pairs = zip(self.find(images_rgb, min_score=min_score), sizes, strict=True)
        found = [[d for item in items if (d := self.detection(item, size)) is not None] for items, size in pairs]
        if min_score is not None:
            return found
        return [[item for item in items if is_large_enough(item, self._config)] for items in found]

    def _tensor(self, image_rgb: NDArray[np.uint8]) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(image_rgb)).to(self._device).permute(2, 0, 1)
        return tensor.float().div_(255.0)

    def _forward(self, tensors: list[Tensor]) -> list[dict[str, Tensor]]:
        """The model's parts one by one, leaving out torchvision's pasting of masks into whole photos."""
        images, _ = self._model.transform(tensors)
        images.tensors = images.tensors.contiguous(memory_format=torch.channels_last)
        features = self._model.backbone(images.tensors)
        proposals, _ = self._model.rpn(images, features)
        outputs: list[dict[str, Tensor]]
        outputs, _ = self._model.roi_heads(features, proposals, images.image_sizes)
        return outputs


def _found(output: dict[str, Tensor], seen: tuple[int, ...], threshold: float) -> list[Found]:
    scores = output["scores"].float().cpu().numpy()
    kept = np.flatnonzero(scores >= threshold)
    boxes = output["boxes"].float().cpu().numpy()[kept] / np.array([seen[1], seen[0]] * 2, dtype=np.float32)
    labels = output["labels"].cpu().numpy()[kept]
    squares = output["masks"].float().cpu().numpy()[kept, 0]
    return [
        Found(int(label) - 1, float(score), (float(box[0]), float(box[1]), float(box[2]), float(box[3])), square)
        for label, score, box, square in zip(labels, scores[kept], boxes, squares, strict=True)
    ]
