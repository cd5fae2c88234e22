"""manage.py train_segmenter: train a Mask R-CNN into a run folder."""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.config import SegmenterConfig, pad_as_weights_expect
from segmentation.config_files import load_config
from segmentation.errors import SegmentationError
from segmentation.evaluation.coco_ap import APReport
from segmentation.management.annotated_data import add_data_options, add_skip_option, training_photos
from segmentation.training.run import BEST, Listener, TrainingRun
from segmentation.training.stages import check_stages, scale_stages


class Command(BaseCommand):
    """Parses, calls `TrainingRun`, shows bars."""

    help = "Train a Mask R-CNN on the iMaterialist layout or on COCO instances."
    requires_system_checks = ()  # a training machine needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--config", default="street", help="a name in segmentation/configs, or a TOML file")
        add_data_options(parser)
        add_skip_option(parser)
        parser.add_argument("--out", type=Path, required=True, help="run folder")
        parser.add_argument("--weights", help="backbone weights or a segmenter checkpoint: a file, or 'imagenet'")
        parser.add_argument(
            "--epochs",
            type=float,
            help="of all stages together, instead of the configuration's; each keeps its proportion",
        )
        parser.add_argument("--workers", type=int, default=0, help="processes that load photos")
        parser.add_argument("--resume", action="store_true", help="go on with the run in --out")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            config = self._config(options)
            train, val = training_photos(self, options)
            run = TrainingRun(
                config,
                train,
                val,
                options["out"],
                resume=options["resume"],
                n_workers=options["workers"],
                provenance={
                    "data": options["data"].resolve().name,
                    "also": [f"{file.resolve().parent.name}/{file.name}" for file in options["also"]],
                },
            )
            for note in run.notes:
                self.stdout.write(note)
            bars = _Bars(len(run.plan.epochs))
            run.train(Listener(bars.on_batch, bars.on_epoch, bars.on_validation))
        except SegmentationError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"best mask AP {run.progress.best_mask_ap:.4f}: {options['out'] / BEST}")

    def _config(self, options: dict[str, Any]) -> SegmenterConfig:
        config = load_config(options["config"], SegmenterConfig)
        changes: dict[str, Any] = {}
        if options["weights"] is not None:
            changes["initial_weights"] = options["weights"]
        train = dataclasses.replace(config.train, **changes)
        check_stages(train)
        if options["epochs"] is not None:
            train = scale_stages(train, options["epochs"])
        model, note = pad_as_weights_expect(config.model, train.initial_weights)
        if note:
            self.stdout.write(note)
        return dataclasses.replace(config, model=model, train=train)


class _Bars:
    """A progress bar an epoch, with its ETA and losses."""

    def __init__(self, n_epochs: int) -> None:
        self._n_epochs = n_epochs
        self._bar: Any = None

    def on_batch(self, epoch: int, done: int, total: int, losses: dict[str, float]) -> None:
        if self._bar is None:
            self._bar = tqdm(total=total, initial=done - 1, desc=f"epoch {epoch + 1}/{self._n_epochs}", unit="batch")
        self._bar.set_postfix({name: f"{value:.3f}" for name, value in losses.items()}, refresh=False)
        self._bar.update(done - self._bar.n)
        if done == total:
            self._bar.close()
            self._bar = None

    def on_validation(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = tqdm(total=total, desc="validate", unit="photo")
        self._bar.update(done - self._bar.n)
        if done == total:
            self._bar.close()
            self._bar = None

    def on_epoch(self, epoch: int, report: APReport) -> None:
        tqdm.write(
            f"epoch {epoch + 1}: mask AP {report.mask_ap:.4f}, AP50 {report.mask_ap50:.4f}, "
            f"AP75 {report.mask_ap75:.4f}, box AP {report.box_ap:.4f}"
        )
