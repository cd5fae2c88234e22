"""The trained Mask R-CNN at work: photos in, detections out, at the photos' own resolution."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torchvision.models.detection import MaskRCNN

from segmentation.checkpoint import CheckpointInfo, read_info
from segmentation.config import ModelConfig
from segmentation.config_files import from_mapping
from segmentation.errors import CheckpointError, ConfigError
from segmentation.masks import Mask, paste_probabilities, rle_from_crop
from segmentation.model import build_mask_rcnn
from segmentation.operating_point import is_large_enough, score_thresholds, visible
from segmentation.resizing import check_resizing, fit_photo
from segmentation.serving.boxes import Boxes
from segmentation.serving.detector import ServingDetector
from segmentation.serving.graphs import ServingOptions
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


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A garment before its mask is computed; `row` is its place among the detections of its photo."""

    row: int
    category_id: int
    score: float
    box: BoxXyxyPx


class Segmenter:
    """Finds garments; its methods may be called from several threads."""

    def __init__(self, model: MaskRCNN, config: ModelConfig, *, device: str = "cpu", bf16: bool = False) -> None:
        """Make a copy of the model ready to serve; the model itself may go on training."""
        self._detector = ServingDetector(model, device=device, options=ServingOptions(bf16=bf16))
        self._config = config

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
        found: list[list[Found]] = [[] for _ in images_rgb]
        for group in self._detector.groups(images_rgb):
            look = self._detector.look([images_rgb[index] for index in group], min_score=threshold)
            kept = [_candidates(boxes, size) for boxes, size in zip(look.boxes, look.sizes, strict=True)]
            if min_score is None:
                kept = [visible(candidates, self._config) for candidates in kept]
            masks = self._detector.masks(look, [[candidate.row for candidate in candidates] for candidates in kept])
            for index, candidates, squares in zip(group, kept, masks, strict=True):
                found[index] = [
                    Found(candidate.category_id, candidate.score, candidate.box, square)
                    for candidate, square in zip(candidates, squares, strict=True)
                ]
        return found

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


def _candidates(boxes: Boxes, seen: tuple[int, int]) -> list[_Candidate]:
    """Detections of a photo of which the model saw `seen` (height, width) pixels."""
    shares = boxes.boxes_xyxy_px.cpu().numpy() / np.array([seen[1], seen[0]] * 2, dtype=np.float32)
    rows = zip(boxes.category_ids.tolist(), boxes.scores.tolist(), shares.tolist(), strict=True)
    return [_Candidate(row, category_id, score, tuple(box)) for row, (category_id, score, box) in enumerate(rows)]
