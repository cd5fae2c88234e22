"""manage.py train_segmenter: train a Mask R-CNN into a run folder; also under torchrun, in several processes."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from segmentation.config import SegmenterConfig, pad_as_weights_expect
from segmentation.config_files import load_config
from segmentation.data.sources import subset
from segmentation.errors import SegmentationError
from segmentation.management.annotated_data import add_data_options, add_skip_option, training_photos
from segmentation.management.training_bars import TrainingBars
from segmentation.management.training_options import add_training_options
from segmentation.training.distributed import World, joined_world
from segmentation.training.initial import check_initial
from segmentation.training.run import BEST, STATE, TrainingRun
from segmentation.training.run_folder import check_begun
from segmentation.training.stages import check_stages, scale_stages


class Command(BaseCommand):
    """Parses, calls `TrainingRun`, shows bars."""

    help = (
        "Train a Mask R-CNN on the iMaterialist layout or on COCO instances. Under 'torchrun --nproc-per-node=N "
        "manage.py train_segmenter ...' N processes share each batch."
    )
    requires_system_checks = ()  # a training machine needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--config", default="street", help="a name in segmentation/configs, or a TOML file")
        add_data_options(parser)
        add_skip_option(parser)
        parser.add_argument("--out", type=Path, required=True, help="run folder")
        add_training_options(parser)
        parser.add_argument(
            "--epochs",
            type=float,
            help="of all stages together, instead of the configuration's; each keeps its proportion",
        )
        parser.add_argument("--resume", action="store_true", help="go on with the run in --out")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            with joined_world() as world, _quiet_unless_main(self, world, options["out"]) as problems:
                run = self._prepared(options, problems, world)
                bars = TrainingBars(run.plan, run.config.train.batch_size)
                with contextlib.closing(bars):
                    run.train(bars.listener())
        except (SegmentationError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            saved = (options["out"] / STATE).is_file()
            after = "the same command with --resume goes on from the last state" if saved else "nothing was trained yet"
            raise CommandError(f"stopped; {after}") from error
        if world.is_main:
            done = run.progress
            self.stdout.write(f"{done.images_seen} photos in {done.wall_s:.0f} s, {done.cpu_s:.0f} s of processors")
            self.stdout.write(f"best mask AP {done.best_mask_ap:.4f}: {options['out'] / BEST}")

    def _prepared(self, options: dict[str, Any], problems: Path, world: World) -> TrainingRun:
        config = self._config(options)
        world.check_batch_size(config.train.batch_size)
        if not check_begun(options["out"], resume=options["resume"]):
            check_initial(config.train.initial_weights)
        train, val = training_photos(self, {**options, "out": problems})
        if options["subset"] is not None:
            train = subset(train, options["subset"], config.train.seed)
            self.stdout.write(f"training on {len(train)} of them, with {train.n_instances} garments")
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
                "subset": options["subset"],
            },
            world=world,
        )
        for note in run.notes:
            self.stdout.write(note)
        return run

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


@contextlib.contextmanager
def _quiet_unless_main(command: BaseCommand, world: World, out: Path) -> Iterator[Path]:
    """Let the main process alone speak of what all of them read and find; gives the folder to write problems to."""
    if world.is_main:
        yield out
        return
    said = command.stdout, command.stderr
    command.stdout = command.stderr = OutputWrapper(io.StringIO())
    try:
        with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stderr(io.StringIO()):
            yield Path(scratch)
    finally:
        command.stdout, command.stderr = said
