"""How the crop embedder is trained: the `train` part of a recipe such as `segmentation/configs/garment.toml`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from segmentation.config import EmbedderConfig
from segmentation.config_files import load_config

LABELS = ("product", "group")


@dataclass(frozen=True)
class LossConfig:
    """One term of the loss, a class of pytorch-metric-learning."""

    name: str = "MultiSimilarityLoss"
    """Of `pytorch_metric_learning.losses`."""
    label: str = "group"
    """What counts as the same: product (one color) or group (a product in all its colors)."""
    weight: float = 1.0
    miner: str = ""
    """Of `pytorch_metric_learning.miners`, or empty: all pairs."""
    spare_group: bool = False
    """With label = "product": its other colors are no negatives either. For losses of pairs and triplets alone."""
    parameters: dict[str, float] = field(default_factory=dict)
    """Of the loss; those left out are the library's."""
    miner_parameters: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ViewConfig:
    """What may happen to a crop before it is learned from; probabilities are 0..1, and 0 switches a change off."""

    suppressed: float = 0.6
    """A garment with a mask is seen on the mean color, as after segmentation; otherwise in its box."""
    context: float = 0.3
    """A garment in its box is seen with more of the photo around it."""
    mask_coarse: float = 0.5
    """The mask is rastered to 28x28 and back, as Mask R-CNN's are."""
    mask_grow: float = 0.5
    """The mask grows or shrinks by up to `mask_grow_max_share` of the garment's longer side."""
    mask_grow_max_share: float = 0.03
    box_jitter: float = 0.06
    """Each side of the box moves by up to this share of the box."""
    occlusion: float = 0.3
    """Another garment lies over a part."""
    occlusion_max_share: float = 0.4
    """Each side of what lies over, as a share of the box."""
    backdrop: float = 0.5
    """What is around a garment with a mask is swapped for another photo."""
    flip: float = 0.5
    rotation: float = 0.5
    rotation_max_deg: float = 15.0
    perspective: float = 0.4
    perspective_max_share: float = 0.12
    """Each corner moves by up to this share of the side."""
    stretch: float = 0.15
    """Width and height are scaled apart by 1 - this .. 1 + this."""
    light: float = 0.7
    """Gain, gamma and white balance change."""
    gain: float = 0.3
    gamma: float = 0.25
    white_balance: float = 0.1
    saturation: float = 0.25
    gray: float = 0.0
    """Probability that the crop loses its color."""
    blur: float = 0.2
    blur_sigma_px: tuple[float, float] = (0.4, 1.8)
    small: float = 0.2
    """Probability that the crop is shrunk to `small_side_px` and enlarged again."""
    small_side_px: tuple[int, int] = (48, 120)
    jpeg: float = 0.2
    jpeg_quality: tuple[int, int] = (25, 80)
    noise: float = 0.1
    noise_sigma: float = 8.0


@dataclass(frozen=True)
class EmbedderTrainConfig:
    """How the embedder is trained."""

    epochs: float = 20.0
    """Passes over the identities; the last may be a part of one."""
    groups_per_batch: int = 32
    views_per_group: int = 4
    """Views of different products and photos of the group, where there are so many."""
    same_product: float = 0.5
    """Probability that all views of a group in a batch are of one of its products."""
    same_aisle_run: int = 8
    """So many groups of a batch in turn are of one kind of garment: hard negatives."""
    repeats: dict[str, float] = field(default_factory=dict)
    """How often an identity of a source is seen in an epoch, by the source's kind (feed, street, drawn) or folder
    name; 1 where nothing is said, 0 leaves it out."""
    category_power: float = 1.0
    """A category with n groups is seen as often as one of n to this power: 1 leaves it, 0 makes all alike."""
    learning_rate: float = 5e-4
    """Of what starts fresh: projection, pooling, proxies."""
    backbone_learning_rate_factor: float = 0.3
    warmup_iterations: int = 100
    """At most a quarter of all."""
    weight_decay: float = 1e-4
    clip_grad_norm: float = 5.0
    """0 leaves gradients as they are."""
    ema_decay: float = 0.995
    """Weight averaging; 0 switches it off."""
    initial_share: float = 0.0
    """Share of the weights the run began with in those that are validated and served. What was learned from few data
    costs less of what was known. Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022."""
    frozen_children: int = 0
    """How many of the backbone's first children keep their weights."""
    bf16: bool = True
    """The backbone computes in bfloat16 where the machine does so in hardware; weights and losses stay in float32."""
    fit_projection: bool = True
    """The projection starts as principal components of the untrained features, instead of at random."""
    losses: tuple[LossConfig, ...] = (LossConfig(),)
    views: ViewConfig = field(default_factory=ViewConfig)
    stored_side_px: int = 288
    """Prepared crops are kept with at most this longer side."""
    validation_percent: int = 6
    """Of the groups of each source, held out."""
    max_queries: int = 800
    """Of validation."""
    n_distractors: int = 1500
    """Crops of training identities in the validation gallery."""
    best_by: str = "recall_at_1"
    """The figure whose best epoch is kept: see history.csv for names."""
    seed: int = 17
    save_every_s: float = 300.0
    """Seconds between resumable states within an epoch."""
    initial_weights: str = ""
    """A file of backbone weights or an embedder to go on from, `imagenet`, or empty for none."""


@dataclass(frozen=True)
class EmbedderRecipe:
    """One TOML file: the embedder and its training."""

    name: str
    model: EmbedderConfig = field(default_factory=EmbedderConfig)
    train: EmbedderTrainConfig = field(default_factory=EmbedderTrainConfig)


def load_recipe(name_or_path: str) -> EmbedderRecipe:
    """Read a recipe; the model takes its name.

    Raises:
        ConfigError: As `segmentation.config_files.load_config`.
    """
    recipe = load_config(name_or_path, EmbedderRecipe)
    return dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, name=recipe.name))


def without_paths(recipe: EmbedderRecipe) -> EmbedderRecipe:
    """Fit to be written into a checkpoint: no path of this machine."""
    train = dataclasses.replace(recipe.train, initial_weights=Path(recipe.train.initial_weights).name)
    return dataclasses.replace(recipe, train=train)
