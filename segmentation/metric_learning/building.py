"""Builds what learns: a trunk with its weights, a projection that already retrieves, losses, an optimizer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from segmentation.device import Device
from segmentation.embedding import CropEmbedder, Embedder, fit_projection
from segmentation.metric_learning.batches import Identities
from segmentation.metric_learning.config import EmbedderRecipe
from segmentation.metric_learning.crop_store import CropStore
from segmentation.metric_learning.engine import Learner, LearningModel, build_optimizer
from segmentation.metric_learning.learning_model import fold_for_training, freeze_children, load_features
from segmentation.metric_learning.losses import Losses
from segmentation.metric_learning.views import plain_view
from segmentation.training.state import AveragedWeights

N_FITTED_ON = 3000
"""Crops whose principal components a fresh projection starts with."""


def build_learner(
    recipe: EmbedderRecipe, store: CropStore, identities: Identities, device: Device, *, resuming: bool
) -> tuple[Learner, list[str]]:
    """Build everything that a step needs.

    Args:
        recipe: Model and training.
        store: Where crops are.
        identities: What is trained on: the number of its labels shapes losses with proxies.
        device: Where to learn.
        resuming: A state will be loaded: initial weights are not.

    Returns:
        The learner, and sentences a person should read.

    Raises:
        ConfigError: The recipe is wrong.
        CheckpointError: The initial weights cannot be read.
    """
    train, config = recipe.train, recipe.model
    torch.manual_seed(train.seed)
    weights, notes = train.initial_weights, list[str]()
    model = CropEmbedder(config, weights="imagenet" if weights == "imagenet" and not resuming else "")
    if not resuming:
        fresh: tuple[str, ...] = ("projection",)
        if weights not in ("", "imagenet"):
            fresh = load_features(model, Path(weights))
        elif not weights:
            notes.append("no initial weights: the whole embedder starts fresh")
        if train.fit_projection and any(name.startswith("projection") for name in fresh):
            _fit_projection(model, recipe, store, identities, device)
    fold_for_training(model.features)
    freeze_children(model, train.frozen_children)
    if config.pooling.startswith("gem"):
        model.power = nn.Parameter(torch.tensor(float(config.pooling_power)))
    n_labels = {"product": len(identities.product_names), "group": len(identities.group_names)}
    learning = LearningModel(model, Losses(train.losses, dim=config.dim, n_labels=n_labels))
    on = torch.device(device.name)
    learning.to(on).to(memory_format=torch.channels_last)
    average = AveragedWeights(learning, train.ema_decay)
    return Learner(learning, build_optimizer(learning, train), average, on, train.bf16 and device.bf16), notes


def _fit_projection(
    model: CropEmbedder, recipe: EmbedderRecipe, store: CropStore, identities: Identities, device: Device
) -> None:
    """Principal components of what the trunk sees in training crops."""
    config = recipe.model
    chosen = np.random.default_rng(recipe.train.seed).permutation(identities.indices)[:N_FITTED_ON].tolist()
    if not isinstance(model.projection, nn.Linear) or len(chosen) <= config.dim:
        return
    embedder = Embedder(model, config, device=device.name)
    pooled = [embedder.pooled([plain_view(store[index], config)]) for index in chosen]
    weight, bias = fit_projection(np.concatenate(pooled), config.dim)
    norm = float(np.linalg.norm(weight, axis=1).mean())  # steps of a fresh layer's size shall fit this one too
    model.projection.weight.data = torch.from_numpy(weight / norm)
    model.projection.bias.data = torch.from_numpy(bias / norm)
