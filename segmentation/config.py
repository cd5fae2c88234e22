"""What a model is and how it is trained: TOML files read into frozen dataclasses.

Where a process runs (paths, secrets, time-outs) is the environment's business; what the model is lives here,
and is copied into every checkpoint and run folder.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from segmentation.errors import ConfigError

CONFIGS_DIR = Path(__file__).parent / "configs"
T = TypeVar("T")


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a Mask R-CNN, and its operating point."""

    backbone: str = "mobilenet_v2"
    """resnet18, resnet34, resnet50, mobilenet_v2 or mobilenet_v3_large."""
    finest_stride: int = 8
    """Stride of the finest FPN level, 4 or 8; 8 halves the time and loses the smallest parts."""
    fpn_channels: int = 128
    anchor_sizes_px: tuple[tuple[int, ...], ...] = ((16, 28), (40, 64), (96, 144), (224, 320))
    """One tuple a level, the pooled level last."""
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    box_head_dim: int = 512
    mask_head_channels: tuple[int, ...] = (128, 128, 128, 128)
    roi_sampling_ratio: int = 1
    max_side_px: int = 512
    """The photo's longer side at inference."""
    min_side_px: int = 512
    """The photo's shorter side at inference, unless the longer would pass `max_side_px`."""
    rpn_pre_nms_train: int = 1000
    rpn_post_nms_train: int = 500
    rpn_pre_nms_test: int = 300
    rpn_post_nms_test: int = 100
    score_threshold: float = 0.05
    """Detections below are dropped by the model; `predictor_score_threshold` is what shoppers see."""
    nms_iou: float = 0.5
    max_detections: int = 40
    mask_threshold: float = 0.5
    predictor_score_threshold: float = 0.5
    lookalike_nms_iou: float = 0.6
    """Where two detections of look-alike categories overlap by more, shoppers see the stronger one."""
    nested_share: float = 0.85
    """Likewise where this much of one lies in another of the same category: a toe is no second shoe."""
    tf_same_padding: bool = False
    """Stride-2 convolutions pad right and bottom only, as weights converted from TensorFlow expect."""
    image_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    image_std: tuple[float, float, float] = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class LossWeights:
    """Weights of the five losses by the names Matterport's Mask R-CNN gave them."""

    rpn_class: float = 1.0
    rpn_bbox: float = 1.0
    mrcnn_class: float = 1.0
    mrcnn_bbox: float = 1.0
    mrcnn_mask: float = 1.0


@dataclass(frozen=True)
class TrainConfig:
    """How the model is trained."""

    epochs: int = 10
    batch_size: int = 4
    optimizer: str = "adamw"
    """adamw or sgd."""
    learning_rate: float = 4e-4
    backbone_learning_rate_factor: float = 0.25
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warmup_iterations: int = 200
    schedule: str = "cosine"
    """cosine (to zero) or constant."""
    clip_grad_norm: float = 5.0
    frozen_stages: int = 2
    """How many of the backbone's first stages keep their initial weights."""
    ema_decay: float = 0.998
    """Weight averaging; 0 switches it off."""
    bf16: bool = True
    train_sides_px: tuple[int, ...] = (384, 448, 512)
    """The longer side of a training photo is one of these, drawn anew for each batch."""
    horizontal_flip: float = 0.5
    color_jitter: float = 0.2
    rois_per_image: int = 128
    min_area_px: int = 16
    """Instances smaller than this after resizing are not trained on."""
    seed: int = 17
    save_every_s: float = 300.0
    """Seconds between resumable states within an epoch."""
    initial_weights: str = ""
    """A file of backbone weights (.pth, .safetensors) or a segmenter to go on from, `imagenet` for torchvision's own
    backbone, or empty for none."""
    loss_weights: LossWeights = field(default_factory=LossWeights)


@dataclass(frozen=True)
class SegmenterConfig:
    """One TOML file of `segmentation/configs`."""

    name: str
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)


@dataclass(frozen=True)
class EmbedderConfig:
    """The crop embedder: what it looks at, and what comes out."""

    name: str
    backbone: str = "mobilenet_v2"
    dim: int = 256
    input_side_px: int = 192
    crop_margin: float = 0.05
    """Added around the box, as a share of its longer side."""
    background: float = 0.0
    """How much of the background stays visible: 0 none, 1 all."""
    pooling_power: float = 3.0
    """Generalized-mean pooling: 1 is the average, infinity the maximum."""
    tf_same_padding: bool = False
    image_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    image_std: tuple[float, float, float] = (0.229, 0.224, 0.225)


Padded = TypeVar("Padded", ModelConfig, EmbedderConfig)


def pad_as_weights_expect(config: Padded, weights: str) -> tuple[Padded, str]:
    """The padding initial weights were made with: torchvision's own know only the symmetric one.

    Args:
        config: A model's or an embedder's configuration.
        weights: `imagenet`, a file, or empty for none.

    Returns:
        The configuration to use, and a sentence about what was changed; empty where nothing was.
    """
    if weights != "imagenet" or not config.tf_same_padding:
        return config, ""
    return (
        dataclasses.replace(config, tf_same_padding=False),
        "imagenet weights expect symmetric padding: tf_same_padding is taken as false.",
    )


def load_config(name_or_path: str, kind: type[T]) -> T:
    """Read a configuration by its name in `segmentation/configs`, or from a TOML file.

    Raises:
        ConfigError: No such file, not TOML, an unknown key ("did you mean"), or a value of the wrong type.
    """
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = CONFIGS_DIR / f"{name_or_path}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in CONFIGS_DIR.glob("*.toml")))
        raise ConfigError(f"no configuration {name_or_path!r}: give a TOML file or one of {known}")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return from_mapping(kind, {"name": path.stem, **values}, where=path.name)


def from_mapping(kind: type[T], values: dict[str, Any], *, where: str) -> T:
    """Build a configuration dataclass from plain values, checking every key and type.

    Raises:
        ConfigError: An unknown or missing key, or a value of the wrong type; the message names it under `where`.
    """
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in hints:
            close = difflib.get_close_matches(key, hints, n=1)
            raise ConfigError(f"{where}.{key}: unknown key" + (f"; did you mean {close[0]!r}?" if close else ""))
    for each in dataclasses.fields(kind):  # type: ignore[arg-type]  # every kind here is a dataclass
        if each.name not in values and each.default is MISSING and each.default_factory is MISSING:
            raise ConfigError(f"{where}.{each.name}: missing")
    return kind(**{key: _converted(hints[key], value, f"{where}.{key}") for key, value in values.items()})


def to_mapping(config: Any) -> dict[str, Any]:
    """The reverse of `from_mapping`, fit for JSON."""
    return dataclasses.asdict(config)


def _converted(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: expected a table")
        return from_mapping(hint, value, where=where)
    if typing.get_origin(hint) is tuple:
        return _converted_tuple(hint, value, where)
    if isinstance(hint, types.UnionType):
        hint = typing.get_args(hint)[0]
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise ConfigError(f"{where}: expected {hint.__name__}, got {value!r}")
    return value


def _converted_tuple(hint: Any, value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where}: expected a list, got {value!r}")
    items = typing.get_args(hint)
    if Ellipsis not in items and len(items) != len(value):
        raise ConfigError(f"{where}: expected {len(items)} values, got {len(value)}")
    return tuple(_converted(items[0], item, f"{where}[{index}]") for index, item in enumerate(value))
