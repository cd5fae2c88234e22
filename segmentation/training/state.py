"""A training run that can be killed at any moment and goes on where it was."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn
from torch.optim import Optimizer

from segmentation.errors import CheckpointError


@dataclass
class RunProgress:
    """Where a run is, and what it cost so far.

    Everything in it is what the weights of the same state came from: work that a kill undid is not counted.
    """

    epoch: int = 0
    """The plan's epoch in work, from 0."""
    batch: int = 0
    """Batches of it that steps were taken on; all of them where only its validation is missing."""
    history: list[dict[str, Any]] = field(default_factory=list)
    """One entry a finished epoch, as in events.jsonl."""
    epoch_losses: dict[str, float] = field(default_factory=dict)
    """Sums over the epoch's batches so far."""
    images_seen: int = 0
    wall_s: float = 0.0
    """Of training; validation is counted apart."""
    cpu_s: float = 0.0
    """Of training, over all threads, data loaders and processes."""
    validation_wall_s: float = 0.0
    validation_cpu_s: float = 0.0
    events_bytes: int = 0
    """How long events.jsonl was: what a killed run wrote later is written again."""


@dataclass
class Progress(RunProgress):
    """Where a segmenter's run is."""

    best_mask_ap: float = -1.0


P = TypeVar("P", bound=RunProgress)


class AveragedWeights:
    """Exponential moving average of a model's tensors.

    Source: Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self._n_updates = 0
        self.tensors = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def update(self, model: nn.Module) -> None:
        """Take one step towards the model; early steps are larger, so that the start is soon forgotten."""
        self._n_updates += 1
        decay = min(self._decay, (1 + self._n_updates) / (10 + self._n_updates)) if self._decay > 0 else 0.0
        with torch.no_grad():
            for name, value in model.state_dict().items():
                if value.is_floating_point():
                    self.tensors[name].lerp_(value, 1 - decay)
                else:
                    self.tensors[name].copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {"tensors": self.tensors, "n_updates": self._n_updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over from `state_dict`, wherever its tensors are."""
        for name, value in self.tensors.items():
            value.copy_(state["tensors"][name])
        self._n_updates = state["n_updates"]


def save_state(
    file: Path, model: nn.Module, optimizer: Optimizer, average: AveragedWeights, progress: RunProgress
) -> None:
    """Write everything that a run needs to continue, atomically.

    Raises:
        OSError: It cannot be written; what `file` held before is still there.
    """
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "average": average.state_dict(),
        "progress": vars(progress),
        "random": torch.get_rng_state(),
    }
    partial = file.with_suffix(".partial")
    try:
        with partial.open("wb") as stream:
            torch.save(state, stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)  # half a state helps nobody, and a full disk needs the room
        # torch closes its archive with words of its own, whatever the disk said before.
        reason = error.__context__ if isinstance(error.__context__, OSError) else error
        raise OSError(f"{file.name} cannot be written: {reason}") from error


def load_state(
    file: Path, model: nn.Module, optimizer_of: Callable[[int], Optimizer], average: AveragedWeights, kind: type[P]
) -> P:
    """Put a run back where `save_state` left it.

    Args:
        file: From `save_state`.
        model: Of the same shape.
        optimizer_of: Makes the optimizer of an epoch's stage.
        average: Likewise.
        kind: Of progress.

    Raises:
        CheckpointError: The file is damaged or belongs to another configuration.
    """
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        progress = kind(**state["progress"])
        optimizer_of(progress.epoch).load_state_dict(state["optimizer"])
        average.load_state_dict(state["average"])
        torch.set_rng_state(state["random"])
        return progress
    except Exception as error:  # torch raises many kinds on a damaged file
        raise CheckpointError(
            f"{file} is damaged or of another version ({type(error).__name__}: {error}): this run cannot be resumed; "
            "start a new one, with --weights and this folder's last.safetensors if it shall go on from there"
        ) from error
