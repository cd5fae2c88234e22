"""What a run saw and what it cost, so that recipes can be compared at the same expense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segmentation.training.distributed import World
from segmentation.training.state import RunProgress
from segmentation.training.stopwatch import Stopwatch

BatchRecord = tuple[int, Mapping[str, float]]
"""How many photos a batch had, and its losses by Matterport's names."""


class Ledger:
    """Keeps the accounts in a run's `Progress`."""

    def __init__(self, progress: RunProgress, world: World) -> None:
        self._progress, self._world = progress, world
        self._watch = Stopwatch()
        self._own_cpu_s = 0.0

    def begin_epoch(self) -> None:
        """Whatever was done until now is not counted."""
        self._watch.lap()

    def add_step(self, done: int, batches: Sequence[BatchRecord]) -> float:
        """Count a step.

        Args:
            done: Batches of the epoch that are done.
            batches: Those of the step.

        Returns:
            Photos a second, over all processes.
        """
        progress, n_photos = self._progress, sum(n for n, _ in batches)
        progress.batch, progress.images_seen = done, progress.images_seen + n_photos
        for _, losses in batches:
            for name, value in losses.items():
                progress.epoch_losses[name] = progress.epoch_losses.get(name, 0.0) + value
        return n_photos / max(self._add_training(), 1e-9)

    def end_epoch(self) -> None:
        """Count what the loaders and the other processes spent."""
        self._add_training()
        everyone_s = float(self._world.gather([self._own_cpu_s]).sum())
        self._progress.cpu_s += everyone_s - self._own_cpu_s
        self._own_cpu_s = 0.0

    def add_validation(self) -> None:
        """Count the time since the epoch ended."""
        wall_s, cpu_s = self._watch.lap()
        self._progress.validation_wall_s += wall_s
        self._progress.validation_cpu_s += cpu_s

    def _add_training(self) -> float:
        wall_s, cpu_s = self._watch.lap()
        self._progress.wall_s += wall_s
        self._progress.cpu_s += cpu_s
        self._own_cpu_s += cpu_s
        return wall_s


def cost(progress: RunProgress) -> dict[str, float]:
    """Photos trained on, and the seconds it took: by the clock, and of processors over all threads and processes."""
    return {
        "images": progress.images_seen,
        "wall_s": round(progress.wall_s, 2),
        "cpu_s": round(progress.cpu_s, 2),
        "validation_wall_s": round(progress.validation_wall_s, 2),
        "validation_cpu_s": round(progress.validation_cpu_s, 2),
    }


def epoch_entry(progress: RunProgress, stage: str, learning_rate: float, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The epoch in work as `Progress.history` and events.jsonl keep it: mean losses, cost, figures."""
    total = cost(progress)
    before = progress.history[-1]["total"] if progress.history else dict.fromkeys(total, 0)
    return {
        "epoch": progress.epoch,
        "stage": stage,
        "losses": {name: value / progress.batch for name, value in progress.epoch_losses.items()},
        "learning_rate": learning_rate,
        "cost": {name: round(value - before[name], 2) for name, value in total.items()},
        "total": total,
        **metrics,
    }
