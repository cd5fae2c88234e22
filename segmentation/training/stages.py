"""The stages of a run: checked, scaled, laid out in epochs and steps, and what the learning rate is at each step."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass

from segmentation.config import StageConfig, TrainConfig
from segmentation.config_checks import check_train
from segmentation.errors import ConfigError
from segmentation.training.parts import PARTS

SCHEDULES = ("cosine", "milestones", "constant")
OPTIMIZERS = ("adamw", "sgd")
MAX_WARMUP_SHARE = 0.25
"""A warm-up never takes more than this of its stage: a short trial of a long recipe shall still train."""
N_BACKBONE_STAGES = 5


@dataclass(frozen=True)
class PlannedEpoch:
    """One pass over the sampled photos, or the part of one that a stage ends with."""

    stage: int
    """Index into `TrainConfig.stages`."""
    n_batches: int
    first_batch: int
    """How many batches the epochs before it have."""
    first_step: int
    """How many optimizer steps the stage took in the epochs before it."""


@dataclass(frozen=True)
class Plan:
    """All epochs of a run, in their order; every stage begins with a new one."""

    stages: tuple[StageConfig, ...]
    epochs: tuple[PlannedEpoch, ...]
    accumulate: int
    n_batches_full: int
    """Of an epoch that is not cut short."""

    @property
    def n_batches(self) -> int:
        """Of the whole run."""
        return sum(epoch.n_batches for epoch in self.epochs)

    def stage_of(self, epoch: int) -> StageConfig:
        """The stage that an epoch belongs to."""
        return self.stages[self.epochs[epoch].stage]

    def begins_stage(self, epoch: int) -> bool:
        """Whether an epoch is the first of its stage."""
        return epoch == 0 or self.epochs[epoch].stage != self.epochs[epoch - 1].stage

    def ends_step(self, epoch: int, batch: int) -> bool:
        """Whether a step is taken once `batch` batches of an epoch are done."""
        return batch % self.accumulate == 0 or batch == self.epochs[epoch].n_batches

    def step(self, epoch: int, batch: int) -> int:
        """How many steps of the whole run are taken once `batch` batches of an epoch are done."""
        before = sum(-(-each.n_batches // self.accumulate) for each in self.epochs[:epoch])
        return before - (-batch // self.accumulate)

    def n_steps(self, stage: int) -> int:
        """Optimizer steps of a stage."""
        return sum(-(-each.n_batches // self.accumulate) for each in self.epochs if each.stage == stage)

    def title(self, epoch: int) -> str:
        """An epoch as a person counts: its stage, and its number in it.

        >>> plan_run(TrainConfig(stages=(StageConfig("heads", epochs=1.5), StageConfig())), 4).title(1)
        'heads 2/2'
        """
        of_stage = [index for index, each in enumerate(self.epochs) if each.stage == self.epochs[epoch].stage]
        return f"{self.stage_of(epoch).name} {epoch - of_stage[0] + 1}/{len(of_stage)}"

    def learning_rate_factor(self, epoch: int, step: int) -> float:
        """What the peak learning rate is multiplied by at a step of an epoch."""
        planned = self.epochs[epoch]
        full = -(-self.n_batches_full // self.accumulate)
        return schedule_factor(
            self.stages[planned.stage], planned.first_step + step, self.n_steps(planned.stage), steps_per_epoch=full
        )


def plan_run(train: TrainConfig, n_batches: int) -> Plan:
    """Lay out a run.

    Args:
        train: Checked by `check_stages`.
        n_batches: Batches of a full epoch.
    """
    epochs: list[PlannedEpoch] = []
    first_batch = 0
    for index, stage in enumerate(train.stages):
        first_step = 0
        for left in range(math.ceil(stage.epochs)):
            n = min(n_batches, max(left == 0, round((stage.epochs - left) * n_batches)))
            if n == 0:  # 2.0000000001 epochs are two
                break
            epochs.append(PlannedEpoch(index, n, first_batch, first_step))
            first_batch, first_step = first_batch + n, first_step - (-n // train.accumulate)
    return Plan(train.stages, tuple(epochs), train.accumulate, n_batches)


def schedule_factor(stage: StageConfig, step: int, n_steps: int, *, steps_per_epoch: int) -> float:
    """The learning rate's factor at a step of a stage: a linear warm-up, then the stage's schedule.

    >>> schedule_factor(StageConfig(warmup_iterations=10), 4, 100, steps_per_epoch=10)
    0.5
    >>> stage = StageConfig(warmup_iterations=0, schedule="milestones", milestones=(2, 3))
    >>> [round(schedule_factor(stage, step, 40, steps_per_epoch=10), 3) for step in (19, 20, 30)]
    [1.0, 0.1, 0.01]
    """
    warmup = min(stage.warmup_iterations, int(n_steps * MAX_WARMUP_SHARE))
    if step < warmup:
        return (step + 1) / warmup
    if stage.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, n_steps - warmup))))
    if stage.schedule == "milestones":
        passed = sum(step >= round(milestone * steps_per_epoch) for milestone in stage.milestones)
        return float(stage.milestone_factor**passed)
    return 1.0


def scale_stages(train: TrainConfig, epochs: float) -> TrainConfig:
    """Make all stages together take `epochs`, each in its old proportion; milestones move along.

    >>> whole = TrainConfig(stages=(StageConfig("heads", epochs=2), StageConfig("all", epochs=8)))
    >>> [stage.epochs for stage in scale_stages(whole, 5).stages]
    [1.0, 4.0]
    """
    if not 0 < epochs < math.inf:
        raise ConfigError(f"epochs: expected a finite number above 0, got {epochs:g}")
    factor = epochs / sum(stage.epochs for stage in train.stages)
    scaled = (
        dataclasses.replace(
            stage, epochs=stage.epochs * factor, milestones=tuple(each * factor for each in stage.milestones)
        )
        for stage in train.stages
    )
    return dataclasses.replace(train, stages=tuple(scaled))


def check_stages(train: TrainConfig) -> None:
    """Find what no type can: unknown words and numbers out of their range.

    Raises:
        ConfigError: The message names the key, what is wrong, and the nearest right word.
    """
    _check_word(train.optimizer, OPTIMIZERS, "train.optimizer")
    check_train(train)
    if not train.stages:
        raise ConfigError("train.stages: at least one stage is needed")
    for index, stage in enumerate(train.stages):
        _check_stage(stage, f"train.stages[{index}]")


def _check_stage(stage: StageConfig, where: str) -> None:
    _check_word(stage.schedule, SCHEDULES, f"{where}.schedule")
    for part in stage.frozen:
        _check_word(part, PARTS, f"{where}.frozen")
    for name in ("epochs", "learning_rate"):
        if not getattr(stage, name) > 0:
            raise ConfigError(f"{where}.{name}: expected more than 0, got {getattr(stage, name):g}")
    for name in ("backbone_learning_rate_factor", "warmup_iterations", "milestone_factor"):
        if getattr(stage, name) < 0:
            raise ConfigError(f"{where}.{name}: expected 0 or more, got {getattr(stage, name):g}")
    if not 0 <= stage.frozen_backbone_stages <= N_BACKBONE_STAGES:
        raise ConfigError(
            f"{where}.frozen_backbone_stages: expected 0 to {N_BACKBONE_STAGES}, got {stage.frozen_backbone_stages}"
        )
    _check_milestones(stage, where)


def _check_milestones(stage: StageConfig, where: str) -> None:
    if (stage.schedule == "milestones") != bool(stage.milestones):
        raise ConfigError(f"{where}: schedule = 'milestones' and a list of milestones belong together")
    outside = [each for each in stage.milestones if not 0 < each < stage.epochs]
    if outside:
        raise ConfigError(f"{where}.milestones: {outside[0]:g} is not within the stage's {stage.epochs:g} epochs")
    if list(stage.milestones) != sorted(set(stage.milestones)):
        raise ConfigError(f"{where}.milestones: expected each later than the one before")


def _check_word(word: str, known: Iterable[str], where: str) -> None:
    known = tuple(known)
    if word not in known:
        close = difflib.get_close_matches(word, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ConfigError(f"{where}: expected one of {', '.join(known)}, got {word!r}{hint}")
