"""A trial of a search: one short training run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentation.config import SegmenterConfig, pad_as_weights_expect
from segmentation.data.annotations import Photos
from segmentation.evaluation.coco_ap import APReport
from segmentation.training.listener import Listener
from segmentation.training.run import LAST, STATE, TrainingRun
from segmentation.training.stages import scale_stages
from segmentation.tuning.search import Report


@dataclass(frozen=True)
class TrialTraining:
    """Trains a configuration on the photos of a search; its figure is the best mask AP of any epoch."""

    train: Photos
    val: Photos
    show: Callable[[TrainingRun], AbstractContextManager[Listener]]
    """Who is told how a run goes."""
    weights: str | None = None
    """Initial weights instead of the configuration's."""
    epochs: float | None = None
    """Of all stages together, instead of the configuration's."""
    n_workers: int = 0
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __call__(self, config: SegmenterConfig, folder: Path, report: Report) -> float:
        """Train, going on where the folder was left; see `segmentation.tuning.search.TrainOne`."""
        run = TrainingRun(
            self._short(config),
            self.train,
            self.val,
            folder,
            resume=(folder / STATE).is_file(),
            n_workers=self.n_workers,
            provenance=dict(self.provenance),
        )
        n_epochs = len(run.plan.epochs)
        for entry in run.progress.history:  # of the process that was killed
            report(int(entry["epoch"]), n_epochs, float(entry["mask_ap"]))
        with self.show(run) as shown:

            def on_epoch(epoch: int, measured: APReport) -> None:
                shown.on_epoch(epoch, measured)
                report(epoch, n_epochs, measured.mask_ap)

            return run.train(dataclasses.replace(shown, on_epoch=on_epoch)).best_mask_ap

    def _short(self, config: SegmenterConfig) -> SegmenterConfig:
        train = config.train
        if self.weights is not None:
            train = dataclasses.replace(train, initial_weights=self.weights)
        if self.epochs is not None:
            train = scale_stages(train, self.epochs)
        model, _ = pad_as_weights_expect(config.model, train.initial_weights)
        return dataclasses.replace(config, model=model, train=train)


def tidy(folder: Path) -> None:
    """Remove what only going on would need: a trial's state is several times its weights."""
    for name in (STATE, LAST):
        (folder / name).unlink(missing_ok=True)
