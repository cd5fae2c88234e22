"""What a model is and how it is trained: frozen dataclasses, read from TOML by `segmentation.config_files`.

Where a process runs (paths, secrets, time-outs) is the environment's business; what the model is lives here,
and is copied into every checkpoint and run folder.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, TypeVar


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a Mask R-CNN, and its operating point."""

    backbone: str = "mobilenet_v2"
    """One of `segmentation.backbones.BACKBONES`."""
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
    resize: str = "aspect"
    """aspect keeps the photo's proportions; squash makes every photo `max_side_px` wide and high, as Matterport's
    512x512 did."""
    interpolation: str = "area"
    """How photos shrink: plain (bilinear, aliasing), antialias (bilinear over the whole footprint), area (mean of the
    footprint), average_pool or max_pool (mean or maximum of a window as wide as the factor rounded up). See
    `segmentation.resizing`."""
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
    predictor_nms_iou: float = 1.0
    """Where two detections of one category overlap by more, shoppers see the stronger one; `nms_iou`, which is the
    model's own and which AP is measured with, comes first, so only a smaller value changes anything."""
    lookalike_nms_iou: float = 0.6
    """Where two detections of look-alike categories overlap by more, shoppers see the stronger one."""
    nested_share: float = 0.85
    """Likewise where this much of one lies in another of the same category: a toe is no second shoe."""
    category_score_thresholds: tuple[float, ...] = ()
    """`predictor_score_threshold` for each category id in turn, where validation data allowed to find one; or empty."""
    min_area_share: float = 0.0
    """Shoppers see no garment whose mask covers a smaller share of the photo."""
    tf_same_padding: bool = False
    """Stride-2 convolutions pad right and bottom only, as weights converted from TensorFlow expect."""
    stride_in_1x1: bool = False
    """A ResNet's down-sampling sits on the first 1x1 convolution of a block, as in the original (MSRA) weights."""
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
class StageConfig:
    """One stage of training, such as heads only, all layers, or fine-tuning."""

    name: str = "all"
    epochs: float = 10.0
    """Passes over the sampled photos; the last may be a part of one."""
    learning_rate: float = 4e-4
    backbone_learning_rate_factor: float = 0.25
    warmup_iterations: int = 200
    """Optimizer steps over which the learning rate rises from near zero, at the start of the stage; at most a quarter
    of it."""
    schedule: str = "cosine"
    """cosine (to zero at the stage's end), milestones or constant."""
    milestones: tuple[float, ...] = ()
    """Epochs of the stage after which the learning rate is multiplied by `milestone_factor`."""
    milestone_factor: float = 0.1
    frozen: tuple[str, ...] = ()
    """Parts that keep their weights in this stage: backbone, fpn, rpn, box_head, mask_head."""
    frozen_backbone_stages: int = 2
    """How many of the backbone's first stages keep their weights."""


@dataclass(frozen=True)
class AugmentConfig:
    """What may happen to a training photo; probabilities are 0..1, and 0 switches a change off."""

    horizontal_flip: float = 0.5
    crop: float = 0.0
    """Probability that a random part of the photo, with a garment in it, is shown at the photo's size."""
    crop_min_share: float = 0.5
    """A crop keeps at least this share of each side."""
    scale_jitter: tuple[float, float] = (1.0, 1.0)
    """The photo is scaled by a factor from this range, then cropped or padded to its former size."""
    rotation: float = 0.0
    """Probability of a rotation; corners that come into view get the mean color."""
    rotation_max_deg: float = 10.0
    sharpen: float = 0.0
    """Probability of unsharp masking."""
    blur: float = 0.0
    """Probability of a Gaussian blur."""
    blur_sigma_px: tuple[float, float] = (0.3, 1.5)
    color_jitter: float = 0.2
    """Brightness, contrast and saturation are each scaled by 1 - this .. 1 + this."""
    copy_paste: float = 0.0
    """Probability that garments of another photo are pasted in; photos that `sampling` repeats give more often.
    Source: Ghiasi et al., "Simple Copy-Paste", CVPR 2021."""
    copy_paste_max: int = 4
    """At most so many garments are pasted, and the parts that lie on them."""


@dataclass(frozen=True)
class SamplingConfig:
    """How often a photo is seen in an epoch; with everything at its default, once."""

    repeat_factor_threshold: float = 0.0
    """Photos with a category that occurs in a smaller share f of all photos are repeated sqrt(threshold / f) times.
    Source: Gupta et al., "LVIS", CVPR 2019."""
    oversample_categories: tuple[str, ...] = ()
    """Names of categories whose photos are seen `oversample_factor` times."""
    oversample_factor: float = 1.0


@dataclass(frozen=True)
class TrainConfig:
    """How the model is trained."""

    batch_size: int = 4
    """Photos in a forward pass; several processes share each batch."""
    optimizer: str = "adamw"
    """adamw or sgd."""
    momentum: float = 0.9
    weight_decay: float = 1e-4
    """Of convolutions and linear layers; scales and shifts of norms are never decayed."""
    clip_grad_norm: float = 5.0
    """Gradients whose norm is larger are scaled down to it; 0 leaves them."""
    ema_decay: float = 0.998
    """Weight averaging; 0 switches it off."""
    norm_affine: bool = False
    """The scale and shift of the backbone's batch norm train too, as Matterport's did; its statistics never do. Worth
    it where layers start fresh."""
    bf16: bool = True
    """Layers compute in bfloat16 (weights and losses stay in float32)."""
    train_sides_px: tuple[int, ...] = (384, 448, 512)
    """The longer side of a training photo is one of these, drawn anew for each batch."""
    rois_per_image: int = 128
    min_area_px: int = 16
    """Instances smaller than this after resizing are not trained on."""
    seed: int = 17
    save_every_s: float = 300.0
    """Seconds between resumable states within an epoch."""
    initial_weights: str = ""
    """A file of backbone weights (.pth, .safetensors) or a segmenter to go on from, `imagenet` for torchvision's own
    backbone, or empty for none."""
    accumulate: int = 1
    """An optimizer step sees this many batches; at an epoch's end what is left."""
    loss_weights: LossWeights = field(default_factory=LossWeights)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    stages: tuple[StageConfig, ...] = (StageConfig(),)
    """Trained one after the other; each begins with a fresh optimizer and a new epoch."""


@dataclass(frozen=True)
class SegmenterConfig:
    """One TOML file of `segmentation/configs`."""

    name: str
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)


@dataclass(frozen=True)
class EmbedderConfig:
    """The crop embedder: what it looks at, and what comes out."""

    name: str = ""
    backbone: str = "mobilenet_v2"
    """One of `segmentation.backbones.BACKBONES`, `timm/NAME`, or `open_clip/NAME` with a hub's name or a local file."""
    dim: int = 256
    input_side_px: int = 192
    crop_margin: float = 0.05
    """Added around the box, as a share of its longer side."""
    background: float = 0.0
    """How much of the background stays visible: 0 none, 1 all."""
    box_weight: float = 0.0
    """A garment is also looked at in its box, background and all, and that vector added with this weight; 0 saves the
    second crop. See `segmentation.mixing`."""
    context_weight: float = 0.0
    """The whole photo's vector is added to a garment's with this weight."""
    pooling: str = "gem"
    """gem (generalized mean), avg, max, or gem_avg (both, side by side)."""
    pooling_power: float = 3.0
    """Generalized-mean pooling: 1 is the average, infinity the maximum."""
    levels: tuple[int, ...] = ()
    """Children of the trunk, counted from 0, whose maps are described beside the last one's: what is color, texture and
    weave is seen early, and forgotten by the end. See `segmentation.level_maps`."""
    level_weight: float = 1.0
    """What a level counts beside the last maps, before the projection."""
    projection: str = "linear"
    """linear, or none: what is pooled is the embedding, and `dim` its length."""
    tf_same_padding: bool = False
    image_mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    image_std: tuple[float, float, float] = (0.229, 0.224, 0.225)


Padded = TypeVar("Padded", ModelConfig, EmbedderConfig)


def pad_as_weights_expect(config: Padded, weights: str) -> tuple[Padded, str]:
    """The padding and strides initial weights were made with: torchvision's own are its own.

    Args:
        config: A model's or an embedder's configuration.
        weights: `imagenet`, a file, or empty for none.

    Returns:
        The configuration to use, and a sentence about what was changed; empty where nothing was.
    """
    expected = {
        "tf_same_padding": "imagenet weights expect symmetric padding: tf_same_padding is taken as false.",
        "stride_in_1x1": "imagenet weights expect strides in 3x3 convolutions: stride_in_1x1 is taken as false.",
    }
    changed = [name for name in expected if weights == "imagenet" and getattr(config, name, False)]
    changes: dict[str, Any] = dict.fromkeys(changed, False)
    return dataclasses.replace(config, **changes), " ".join(expected[name] for name in changed)
