"""One epoch of training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.optim import SGD, AdamW, Optimizer
from torchvision.models.detection import MaskRCNN

from segmentation.config import TrainConfig
from segmentation.data.loaders import Batch
from segmentation.errors import ConfigError, TrainingDiverged
from segmentation.model import LOSS_NAMES, parameter_groups, total_loss
from segmentation.training.state import AveragedWeights

AfterBatch = Callable[[int, dict[str, float]], None]
"""Called with how many batches of the epoch are done and the losses by Matterport's names."""


def build_optimizer(model: MaskRCNN, config: TrainConfig) -> Optimizer:
    """AdamW or SGD over the parameters that are not frozen.

    Raises:
        ConfigError: Another optimizer was asked for.
    """
    groups = parameter_groups(model, config)
    if config.optimizer == "adamw":
        return AdamW(groups, weight_decay=config.weight_decay)
    if config.optimizer == "sgd":
        return SGD(groups, momentum=config.momentum, weight_decay=config.weight_decay)
    raise ConfigError(f"train.optimizer: expected adamw or sgd, got {config.optimizer!r}")


def schedule_factor(config: TrainConfig, iteration: int, n_iterations: int) -> float:
    """The learning rate's factor at an iteration: linear warm-up, then cosine to zero or constant.

    >>> schedule_factor(TrainConfig(warmup_iterations=10), 4, 100)
    0.5
    """
    if iteration < config.warmup_iterations:
        return (iteration + 1) / config.warmup_iterations
    if config.schedule == "constant":
        return 1.0
    if config.schedule == "cosine":
        done = (iteration - config.warmup_iterations) / max(1, n_iterations - config.warmup_iterations)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    raise ConfigError(f"train.schedule: expected cosine or constant, got {config.schedule!r}")


def train_one_epoch(
    model: MaskRCNN,
    batches: Iterable[Batch],
    optimizer: Optimizer,
    average: AveragedWeights,
    config: TrainConfig,
    *,
    first_iteration: int,
    n_iterations: int,
    device: torch.device,
    after_batch: AfterBatch,
) -> None:
    """Train on the batches in turn.

    Args:
        model: In any mode; left in training mode.
        batches: See `segmentation.data.loaders`.
        optimizer: From `build_optimizer`.
        average: Updated after each step.
        config: Learning rate, clipping, loss weights.
        first_iteration: The number of the first batch in the whole run.
        n_iterations: Of the whole run.
        device: Where the model is.
        after_batch: Called after each step.

    Raises:
        TrainingDiverged: A loss is not finite; the message names the batch's photos. The step is not taken.
    """
    model.train()
    for offset, (images, targets, image_ids) in enumerate(batches):
        factor = schedule_factor(config, first_iteration + offset, n_iterations)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        inputs = [image.to(device).contiguous() for image in images]
        wanted = [{name: value.to(device) for name, value in target.items()} for target in targets]
        with torch.autocast(device.type, torch.bfloat16, enabled=config.bf16):
            losses: dict[str, Tensor] = model(inputs, wanted)
            loss = total_loss(losses, config.loss_weights)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingDiverged(f"the loss is {value} at photos {', '.join(image_ids)}")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if config.clip_grad_norm > 0:
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_grad_norm)
        optimizer.step()
        average.update(model)
        after_batch(offset + 1, {name: float(losses[theirs].detach()) for name, theirs in LOSS_NAMES.items()})
