"""What no type can say of a recipe: which numbers an embedder's training can have. Words are checked where used."""

from __future__ import annotations

from segmentation.config_checks import (
    BELOW_ONE,
    COUNT,
    NOT_NEGATIVE,
    POSITIVE,
    SHARE,
    Bounds,
    check_numbers,
)
from segmentation.errors import ConfigError
from segmentation.metric_learning.config import EmbedderRecipe

LEAST_SIDE_PX = 32
_MODEL = {
    **dict.fromkeys(("dim",), COUNT),
    **dict.fromkeys(("pooling_power", "image_std"), POSITIVE),
    **dict.fromkeys(("background",), SHARE),
    "input_side_px": Bounds(LEAST_SIDE_PX),
    **dict.fromkeys(("crop_margin", "level_weight"), NOT_NEGATIVE),
}
_TRAIN = {
    **dict.fromkeys(("groups_per_batch", "same_aisle_run", "max_queries"), COUNT),
    **dict.fromkeys(("epochs", "category_power", "warmup_iterations", "weight_decay"), NOT_NEGATIVE),
    **dict.fromkeys(("clip_grad_norm", "frozen_children", "seed", "save_every_s", "n_distractors"), NOT_NEGATIVE),
    **dict.fromkeys(("backbone_learning_rate_factor",), NOT_NEGATIVE),
    "same_product": SHARE,
    "learning_rate": POSITIVE,
    **dict.fromkeys(("ema_decay", "initial_share"), BELOW_ONE),
    "views_per_group": Bounds(2),
    "stored_side_px": Bounds(LEAST_SIDE_PX),
    "validation_percent": Bounds(1, 99),
}
_CHANCES = ("suppressed", "context", "mask_coarse", "mask_grow", "occlusion", "backdrop", "flip", "rotation")
_MORE_CHANCES = ("perspective", "light", "gray", "blur", "small", "jpeg", "noise")
_VIEWS = {
    **dict.fromkeys((*_CHANCES, *_MORE_CHANCES), SHARE),
    **dict.fromkeys(("mask_grow_max_share", "box_jitter", "perspective_max_share", "stretch"), Bounds(0, 0.5)),
    **dict.fromkeys(("gain", "gamma", "white_balance", "saturation", "noise_sigma"), NOT_NEGATIVE),
    **dict.fromkeys(("blur_sigma_px",), POSITIVE),
    **dict.fromkeys(("small_side_px", "jpeg_quality"), COUNT),
    "occlusion_max_share": Bounds(0.1, 1),
    "rotation_max_deg": Bounds(0, 180),
}


def check_recipe(recipe: EmbedderRecipe) -> None:
    """Refuse numbers nothing can be trained with.

    Raises:
        ConfigError: The message names the key and what was expected.
    """
    check_numbers(recipe.model, _MODEL, "model")
    check_numbers(recipe.train, _TRAIN, "train")
    check_numbers(recipe.train.views, _VIEWS, "train.views")
    for name, times in recipe.train.repeats.items():
        if times < 0:
            raise ConfigError(f"train.repeats.{name}: expected 0 or more, got {times:g}")
    for name in ("blur_sigma_px", "small_side_px", "jpeg_quality"):
        low, high = getattr(recipe.train.views, name)
        if low > high:
            raise ConfigError(f"train.views.{name}: expected the smaller first, got {low:g} and {high:g}")
