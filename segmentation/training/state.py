"""A training run that can be killed at any moment and goes on where it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from segmentation.errors import CheckpointError


@dataclass
class Progress:
    """Where a run is: `batch` batches of `epoch` (from 0) are done; `history` has one entry a finished epoch."""

    epoch: int = 0
    batch: int = 0
    best_mask_ap: float = -1.0
    history: list[dict[str, Any]] = field(default_factory=list)


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
                self.tensors[name].lerp_(value, 1 - decay) if value.is_floating_point() else self.tensors[name].copy_(
                    value
                )

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {"tensors": self.tensors, "n_updates": self._n_updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over from `state_dict`."""
        self.tensors, self._n_updates = state["tensors"], state["n_updates"]


def save_state(
    file: Path, model: nn.Module, optimizer: Optimizer, average: AveragedWeights, progress: Progress
) -> None:
    """Write everything that a run needs to continue, atomically."""
    partial = file.with_suffix(".partial")
    torch.save(
        {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "average": average.state_dict(),
            "progress": vars(progress),
            "random": torch.get_rng_state(),
        },
        partial,
    )
    partial.replace(file)


def load_state(
    file: Path, model: nn.Module, optimizer_of: Callable[[int], Optimizer], average: AveragedWeights
) -> Progress:
    """Put a run back where `save_state` left it.

    Args:
        file: From `save_state`.
        model: Of the same shape.
        optimizer_of: Makes the optimizer of an epoch's stage.
        average: Likewise.

    Raises:
        CheckpointError: The file is damaged or belongs to another configuration.
    """
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        progress = Progress(**state["progress"])
        optimizer_of(progress.epoch).load_state_dict(state["optimizer"])
        average.load_state_dict(state["average"])
        random: Tensor = state["random"]
        torch.set_rng_state(random)
        return progress
    except Exception as error:  # torch raises many kinds on a damaged file
        raise CheckpointError(f"{file}: this run cannot be resumed: {error}") from error
