"""What learns, and one step of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from segmentation.embedding import CropEmbedder
from segmentation.errors import TrainingDiverged
from segmentation.metric_learning.batches import Batch
from segmentation.metric_learning.config import EmbedderTrainConfig
from segmentation.metric_learning.losses import Losses
from segmentation.training.state import AveragedWeights

MAX_WARMUP_SHARE = 0.25


class LearningModel(nn.Module):
    """The embedder and its losses, so that one state holds both."""

    def __init__(self, embedder: CropEmbedder, losses: Losses) -> None:
        super().__init__()
        self.embedder, self.losses = embedder, losses


@dataclass
class Learner:
    """What learns."""

    model: LearningModel
    optimizer: Optimizer
    average: AveragedWeights
    device: torch.device
    bf16: bool

    @property
    def learning_rate(self) -> float:
        """Of the last step; the backbone's is lower."""
        return max(float(group["lr"]) for group in self.optimizer.param_groups)


def build_optimizer(model: LearningModel, train: EmbedderTrainConfig) -> Optimizer:
    """AdamW over what is not frozen; biases, scales and the pooling power do not decay."""
    embedder = model.embedder
    backbone = [each for each in embedder.features.parameters() if each.requires_grad]
    inside = {id(each) for each in backbone}
    fresh = [each for each in model.parameters() if each.requires_grad and id(each) not in inside]
    groups = []
    for parameters, factor in ((backbone, train.backbone_learning_rate_factor), (fresh, 1.0)):
        for decays in (True, False):
            members = [each for each in parameters if (each.dim() > 1) == decays]
            if members:
                peak = train.learning_rate * factor
                decay = train.weight_decay if decays else 0.0
                groups.append({"params": members, "lr": peak, "peak": peak, "weight_decay": decay})
    return AdamW(groups)


def rate_factor(step: int, n_steps: int, warmup: int) -> float:
    """What peak learning rates are multiplied by: a linear warm-up, then a cosine down to zero.

    >>> rate_factor(4, 100, 10), round(rate_factor(99, 100, 10), 3)
    (0.5, 0.0)
    """
    warmup = min(warmup, int(n_steps * MAX_WARMUP_SHARE))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, n_steps - warmup))))


def take_step(
    learner: Learner, batch: Batch, config: EmbedderTrainConfig, factor: float, where: str
) -> dict[str, float]:
    """Learn from a batch.

    Args:
        learner: Its model is left in training mode.
        batch: Views with labels.
        config: Clipping.
        factor: See `rate_factor`.
        where: The batch, in an error's words.

    Returns:
        Each term's loss.

    Raises:
        TrainingDiverged: A loss or gradient is not finite; the step is not taken.
    """
    learner.model.train()
    embedder = learner.model.embedder
    embedder.features.eval()  # what batch norms know of a million photos is worth more than what a batch says
    crops = batch.crops.to(learner.device).permute(0, 3, 1, 2).float().div_(255.0)
    with torch.autocast(learner.device.type, torch.bfloat16, enabled=learner.bf16):
        maps = embedder.features(((crops - embedder.mean) / embedder.std).contiguous(memory_format=torch.channels_last))
    embeddings = embedder.project(embedder.pool(maps))
    found: dict[str, Tensor] = learner.model.losses(embeddings, batch)
    values = {name: float(value.detach()) for name, value in found.items()}
    if not all(map(math.isfinite, values.values())):
        words = ", ".join(f"{name} {value:g}" for name, value in values.items())
        raise TrainingDiverged(f"a loss is not finite ({words}) at {where}")
    for group in learner.optimizer.param_groups:
        group["lr"] = group["peak"] * factor
    parameters: list[nn.Parameter] = [each for group in learner.optimizer.param_groups for each in group["params"]]
    learner.optimizer.zero_grad(set_to_none=True)
    learner.model.losses.total(found).backward()  # type: ignore[no-untyped-call]
    _clip(parameters, config.clip_grad_norm, where)
    learner.optimizer.step()
    learner.average.update(learner.model)
    return values


def _clip(parameters: Sequence[nn.Parameter], clip_norm: float, where: str) -> None:
    gradients = [each.grad for each in parameters if each.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    if not math.isfinite(float(norm)):
        raise TrainingDiverged(f"the gradient's norm is {float(norm)} at {where}")
    if clip_norm > 0:
        torch.nn.utils.clip_grads_with_norm_(parameters, clip_norm, norm)
