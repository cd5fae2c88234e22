"""What a training command shows while it runs."""

from __future__ import annotations

import time
from typing import Any

from tqdm import tqdm

from segmentation.evaluation.coco_ap import APReport
from segmentation.training.run import Listener
from segmentation.training.stages import Plan

SPEED_DECAY = 0.9
"""Photos a second are averaged over about the last ten batches."""


class TrainingBars:
    """One bar for the whole run, so that its ETA is the run's; one for each validation."""

    def __init__(self, plan: Plan, batch_size: int) -> None:
        self._plan, self._batch_size = plan, batch_size
        self._bar: Any = None
        self._validation: Any = None
        self._batch_s: float | None = None
        self._last: tuple[int, float] | None = None

    def listener(self) -> Listener:
        """For `TrainingRun.train`."""
        return Listener(self._on_batch, self._on_epoch, self._on_validation)

    def close(self) -> None:
        """Leave the terminal tidy, also after an error."""
        for bar in (self._validation, self._bar):
            if bar is not None:
                bar.close()

    def _on_batch(self, epoch: int, done: int, total: int, losses: dict[str, float]) -> None:
        at = self._plan.epochs[epoch].first_batch + done
        if self._bar is None:
            # Without smoothing: the mean rate knows of validation too, and the ETA with it.
            self._bar = tqdm(total=self._plan.n_batches, initial=at - 1, unit="batch", smoothing=0, dynamic_ncols=True)
        now = time.monotonic()
        if self._last is not None and self._last[0] == epoch:
            seconds, before = now - self._last[1], self._batch_s
            self._batch_s = seconds if before is None else SPEED_DECAY * before + (1 - SPEED_DECAY) * seconds
        self._last = epoch, now
        figures = {name: f"{value:.3f}" for name, value in losses.items()}
        if self._batch_s is not None:
            figures["img/s"] = f"{self._batch_size / max(self._batch_s, 1e-9):.2f}"
        self._bar.set_description(self._plan.title(epoch), refresh=False)
        self._bar.set_postfix(figures, refresh=False)
        self._bar.update(at - self._bar.n)

    def _on_validation(self, done: int, total: int) -> None:
        if self._validation is None:
            self._validation = tqdm(
                total=total, desc="validate", unit="photo", leave=False, position=1, dynamic_ncols=True
            )
        self._validation.update(done - self._validation.n)
        if done == total:
            self._validation.close()
            self._validation = None

    def _on_epoch(self, epoch: int, report: APReport) -> None:
        tqdm.write(
            f"{self._plan.title(epoch)}: mask AP {report.mask_ap:.4f}, AP50 {report.mask_ap50:.4f}, "
            f"AP75 {report.mask_ap75:.4f}, box AP {report.box_ap:.4f}"
        )
