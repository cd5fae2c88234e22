"""One epoch of training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.optim import SGD, AdamW, Optimizer
from torchvision.models.detection import MaskRCNN

from segmentation.config import StageConfig, TrainConfig
from segmentation.data.loaders import Batch
from segmentation.errors import TrainingDiverged
from segmentation.model import LOSS_NAMES, total_loss
from segmentation.training.parts import parameter_groups
from segmentation.training.stages import Plan
from segmentation.training.state import AveragedWeights

AfterBatch = Callable[[int, dict[str, float]], None]
"""Called with how many batches of the epoch are done and the losses by Matterport's names."""


def build_optimizer(model: MaskRCNN, train: TrainConfig, stage: StageConfig) -> Optimizer:
    """AdamW or SGD over the parameters that are not frozen."""
    groups = parameter_groups(model, stage)
    if train.optimizer == "adamw":
        return AdamW(groups, weight_decay=train.weight_decay)
    return SGD(groups, lr=stage.learning_rate, momentum=train.momentum, weight_decay=train.weight_decay)


def train_one_epoch(
    model: MaskRCNN,
    batches: Iterable[Batch],
    optimizer: Optimizer,
    average: AveragedWeights,
    config: TrainConfig,
    *,
    plan: Plan,
    epoch: int,
    first_batch: int,
    device: torch.device,
    after_batch: AfterBatch,
) -> None:
    """Train on the batches in turn.

    Args:
        model: In any mode; left in training mode.
        batches: See `segmentation.data.loaders`.
        optimizer: From `build_optimizer`.
        average: Updated after each step.
        config: Clipping, loss weights, accumulation.
        plan: Of the whole run.
        epoch: Which of the plan's.
        first_batch: The number of the first batch in the epoch.
        device: Where the model is.
        after_batch: Called after each batch.

    Raises:
        TrainingDiverged: A loss is not finite; the message names the batch's photos. The step is not taken.
    """
    model.train()
    n_batches = plan.epochs[epoch].n_batches
    optimizer.zero_grad(set_to_none=True)
    for done, (images, targets, image_ids) in enumerate(batches, start=first_batch + 1):
        inputs = [image.to(device).contiguous() for image in images]
        wanted = [{name: value.to(device) for name, value in target.items()} for target in targets]
        with torch.autocast(device.type, torch.bfloat16, enabled=config.bf16):
            losses: dict[str, Tensor] = model(inputs, wanted)
            loss = total_loss(losses, config.loss_weights)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingDiverged(f"the loss is {value} at photos {', '.join(image_ids)}")
        step = (done - 1) // config.accumulate
        in_step = min(config.accumulate, n_batches - step * config.accumulate)
        (loss / in_step).backward()  # type: ignore[no-untyped-call]
        if done % config.accumulate == 0 or done == n_batches:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * plan.learning_rate_factor(epoch, step)
            if config.clip_grad_norm > 0:
                torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_grad_norm)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            average.update(model)
        after_batch(done, {name: float(losses[theirs].detach()) for name, theirs in LOSS_NAMES.items()})
        if done == n_batches:
            break
