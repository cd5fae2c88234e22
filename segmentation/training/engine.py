"""One epoch of training: batches to gradients, gradients to steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer
from torchvision.models.detection import MaskRCNN

from segmentation.config import StageConfig, TrainConfig
from segmentation.data.loaders import Batch
from segmentation.errors import TrainingDiverged
from segmentation.model import LOSS_NAMES
from segmentation.training.distributed import World
from segmentation.training.parts import parameter_groups
from segmentation.training.roi_sampling import SeededSampling
from segmentation.training.stages import Plan
from segmentation.training.state import AveragedWeights

AfterBatch = Callable[[int, int, dict[str, float]], None]
"""Called with how many batches of the epoch are done, how many photos the last one had, and its losses by Matterport's
names; over all processes."""


def build_optimizer(model: MaskRCNN, train: TrainConfig, stage: StageConfig) -> Optimizer:
    """AdamW or SGD over the parameters that are not frozen."""
    groups = parameter_groups(model, stage)
    if train.optimizer == "adamw":
        return AdamW(groups, weight_decay=train.weight_decay)
    return SGD(groups, lr=stage.learning_rate, momentum=train.momentum, weight_decay=train.weight_decay)


@dataclass
class Learner:
    """What learns, in one process."""

    model: MaskRCNN
    sampling: SeededSampling
    optimizer: Optimizer
    average: AveragedWeights
    world: World
    bf16: bool

    @property
    def learning_rate(self) -> float:
        """Of the last step; where the backbone has its own, the larger one."""
        return max(float(group["lr"]) for group in self.optimizer.param_groups)


@dataclass(frozen=True)
class _Shares:
    """What all processes found on their shares of a batch."""

    n_photos: int
    losses: dict[str, float]
    scales: dict[str, float]
    """What this process's losses count for: torchvision takes means over a share, wanted is the mean over all."""


def train_one_epoch(
    learner: Learner,
    batches: Iterable[Batch],
    config: TrainConfig,
    *,
    plan: Plan,
    epoch: int,
    first_batch: int,
    after_batch: AfterBatch,
) -> None:
    """Train on the batches in turn, `accumulate` of them a step; photos weigh the same in whichever batch they are.

    Args:
        learner: Its model may be in any mode, and is left in training mode.
        batches: This process's shares, see `segmentation.data.loaders`.
        config: Clipping, loss weights, accumulation.
        plan: Of the whole run.
        epoch: Which of the plan's.
        first_batch: The number of the first batch in the epoch.
        after_batch: Called after each batch.

    Raises:
        TrainingDiverged: A loss or gradient is not finite; the message names the photos. The step is not taken.
    """
    learner.model.train()
    learner.optimizer.zero_grad(set_to_none=True)
    n_photos, seen = 0, list[str]()
    for done, (images, targets, image_ids) in enumerate(batches, start=first_batch + 1):
        learner.sampling.seed(image_ids, seed=config.seed, epoch=epoch, batch=done - 1)
        losses = _losses(learner, images, targets)
        shares = _compare(learner, losses, image_ids)
        if losses:
            weight = shares.n_photos / config.batch_size
            terms = [getattr(config.loss_weights, name) * shares.scales[name] * loss for name, loss in losses.items()]
            (weight * torch.stack(terms).sum()).backward()  # type: ignore[no-untyped-call]
        n_photos, seen = n_photos + shares.n_photos, [*seen, *image_ids]
        if plan.ends_step(epoch, done):
            factor = plan.learning_rate_factor(epoch, (done - 1) // config.accumulate)
            _take_step(learner, config.clip_grad_norm, factor, config.batch_size / n_photos, seen)
            n_photos, seen = 0, []
        after_batch(done, shares.n_photos, shares.losses)
        if done == plan.epochs[epoch].n_batches:
            break


def _losses(learner: Learner, images: list[Tensor], targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The five losses by Matterport's names; none where this process has no photo of the batch."""
    if not images:
        return {}
    device = learner.world.device
    inputs = [image.to(device, non_blocking=True) for image in images]
    wanted = [{name: value.to(device, non_blocking=True) for name, value in target.items()} for target in targets]
    with torch.autocast(device.type, torch.bfloat16, enabled=learner.bf16):
        found: dict[str, Tensor] = learner.model(inputs, wanted)
    return {name: found[theirs].float() for name, theirs in LOSS_NAMES.items()}


def _compare(learner: Learner, losses: dict[str, Tensor], image_ids: list[str]) -> _Shares:
    n = len(LOSS_NAMES)
    counts = list(learner.sampling.loss_counts().values()) if losses else [0] * n
    values = torch.stack(list(losses.values())).tolist() if losses else [0.0] * n
    table = learner.world.gather([float(len(image_ids)), *map(float, counts), *values])
    by_count, by_loss = table[:, 1 : 1 + n], table[:, 1 + n :]
    if not bool(by_loss.isfinite().all()):
        words = ", ".join(
            f"{name} {value:g}" for name, value in zip(LOSS_NAMES, by_loss.sum(dim=0).tolist(), strict=True)
        )
        at = ", ".join(learner.world.gather_words(image_ids))
        raise TrainingDiverged(f"a loss is not finite ({words}) at photos {at}")
    shares = by_count / by_count.sum(dim=0).clamp(min=1)
    means = (shares * by_loss).sum(dim=0).tolist()
    own = shares[learner.world.rank].tolist()
    return _Shares(
        int(table[:, 0].sum()), dict(zip(LOSS_NAMES, means, strict=True)), dict(zip(LOSS_NAMES, own, strict=True))
    )


def _take_step(learner: Learner, clip_norm: float, rate_factor: float, scale: float, image_ids: list[str]) -> None:
    for group in learner.optimizer.param_groups:
        group["lr"] = group["peak"] * rate_factor
    parameters: list[nn.Parameter] = [each for group in learner.optimizer.param_groups for each in group["params"]]
    learner.world.add_gradients(parameters)
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if scale != 1:
        torch._foreach_mul_(gradients, scale)
    norm = torch.nn.utils.get_total_norm(gradients)
    if not math.isfinite(float(norm)):
        at = ", ".join(learner.world.gather_words(image_ids))
        raise TrainingDiverged(f"the gradient's norm is {float(norm)} after photos {at}")
    if clip_norm > 0:
        torch.nn.utils.clip_grads_with_norm_(parameters, clip_norm, norm)
    learner.optimizer.step()
    learner.optimizer.zero_grad(set_to_none=True)
    learner.average.update(learner.model)
