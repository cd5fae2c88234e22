"""What no type can say of a configuration: which numbers a model and its training can have.

Words (an optimizer, a schedule, a part of the model) are checked where they are used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from segmentation.config import ModelConfig, TrainConfig
from segmentation.errors import ConfigError
from segmentation.taxonomy import N_CATEGORIES


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where to where a number may be."""

    low: float
    high: float = math.inf
    open_below: bool = False
    open_above: bool = False

    def hold(self, number: float) -> bool:
        """Whether a number is within."""
        above = number > self.low if self.open_below else number >= self.low
        return above and (number < self.high if self.open_above else number <= self.high)

    def __str__(self) -> str:
        lowest = f"more than {self.low:g}" if self.open_below else f"{self.low:g} or more"
        if math.isinf(self.high):
            return lowest
        return f"{lowest} and {'less than' if self.open_above else 'at most'} {self.high:g}"


COUNT, NOT_NEGATIVE, POSITIVE, SHARE = Bounds(1), Bounds(0), Bounds(0, open_below=True), Bounds(0, 1)
BELOW_ONE = Bounds(0, 1, open_above=True)
_MODEL = {
    **dict.fromkeys(("fpn_channels", "anchor_sizes_px", "box_head_dim", "mask_head_channels"), COUNT),
    **dict.fromkeys(("max_side_px", "min_side_px", "max_detections"), COUNT),
    **dict.fromkeys((f"rpn_{when}_nms_{stage}" for when in ("pre", "post") for stage in ("train", "test")), COUNT),
    **dict.fromkeys(("anchor_ratios", "image_std"), POSITIVE),
    **dict.fromkeys(("score_threshold", "nms_iou", "mask_threshold", "min_area_share", "nested_share"), SHARE),
    **dict.fromkeys(("predictor_score_threshold", "predictor_nms_iou", "lookalike_nms_iou"), SHARE),
    "roi_sampling_ratio": NOT_NEGATIVE,  # 0 lets torchvision choose
}
_TRAIN = {
    **dict.fromkeys(("batch_size", "accumulate", "rois_per_image", "train_sides_px"), COUNT),
    **dict.fromkeys(("weight_decay", "clip_grad_norm", "min_area_px", "seed", "save_every_s"), NOT_NEGATIVE),
    **dict.fromkeys(("momentum", "ema_decay"), BELOW_ONE),
}


def check_model(model: ModelConfig) -> None:
    """Refuse numbers no model can have.

    Raises:
        ConfigError: The message names the key and what was expected.
    """
    check_numbers(model, _MODEL, "model")
    if model.category_score_thresholds:
        check_numbers(model, {"category_score_thresholds": SHARE}, "model")
        if len(model.category_score_thresholds) != N_CATEGORIES:
            raise ConfigError(
                f"model.category_score_thresholds: expected {N_CATEGORIES} values or none, "
                f"got {len(model.category_score_thresholds)}"
            )


def check_train(train: TrainConfig) -> None:
    """Refuse numbers nothing can be trained with; stages are checked in `segmentation.training.stages`.

    Raises:
        ConfigError: As `check_model`.
    """
    check_numbers(train, _TRAIN, "train")
    check_numbers(train.loss_weights, dict.fromkeys(vars(train.loss_weights), NOT_NEGATIVE), "train.loss_weights")


def check_numbers(table: Any, bounds: dict[str, Bounds], where: str) -> None:
    """Refuse numbers out of bounds.

    Args:
        table: A configuration.
        bounds: By the names of its entries; of a list, every number is checked.
        where: What the table is called in its file.

    Raises:
        ConfigError: The message names the key and what was expected.
    """
    for name, each in bounds.items():
        numbers = list(_numbers(getattr(table, name)))
        if not numbers:
            raise ConfigError(f"{where}.{name}: at least one value is needed")
        wrong = [number for number in numbers if not each.hold(number)]
        if wrong:
            raise ConfigError(f"{where}.{name}: expected {each}, got {wrong[0]:g}")


def _numbers(value: float | Iterable[Any]) -> Iterator[float]:
    """A number, or all those of a list of lists; an empty inner list gives none, and fails elsewhere."""
    if isinstance(value, int | float):
        yield value
        return
    for each in value:
        yield from _numbers(each)
