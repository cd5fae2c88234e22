"""manage.py tune_segmenter: search settings of training on a part of the photos."""

from __future__ import annotations

import contextlib
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.config import SegmenterConfig
from segmentation.config_files import load_config
from segmentation.data.annotations import Photos
from segmentation.data.sources import subset
from segmentation.errors import SegmentationError
from segmentation.management.annotated_data import add_data_options, add_skip_option, training_photos
from segmentation.management.training_bars import TrainingBars
from segmentation.management.training_options import add_training_options, count
from segmentation.training.initial import check_initial
from segmentation.training.listener import Listener
from segmentation.training.run import TrainingRun
from segmentation.training.stages import scale_stages
from segmentation.training.story import describe_data
from segmentation.tuning.leaderboard import WINNER, leaderboard, write_findings
from segmentation.tuning.ranges import read_ranges
from segmentation.tuning.results import TrialResult
from segmentation.tuning.search import PRUNERS, TRIALS, Search, check_searched
from segmentation.tuning.trials import TrialTraining, tidy


class Command(BaseCommand):
    """Parses, calls `Search`, prints the leaderboard and how to train the winner."""

    help = "Search settings of training within ranges: short runs on few photos, bad ones ended early; resumable."
    requires_system_checks = ()  # a training machine needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--config", default="street", help="what the ranges change: a name, or a TOML file")
        parser.add_argument("--search", type=Path, required=True, help="TOML file of ranges (see configs/search)")
        add_data_options(parser)
        add_skip_option(parser)
        parser.add_argument("--out", type=Path, required=True, help="folder of the search")
        parser.add_argument("--trials", type=int, default=30, help="in all, those before --resume included")
        add_training_options(parser)
        parser.add_argument("--val-subset", type=int, metavar="N", help="validate on N random photos")
        parser.add_argument("--epochs", type=float, help="of a trial, instead of the configuration's")
        parser.add_argument("--pruner", choices=tuple(PRUNERS), default="median", help="what ends bad trials early")
        parser.add_argument("--seed", type=count, default=0, help="of the search, not of the training")
        parser.add_argument("--resume", action="store_true", help="go on with the search in --out")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            base = load_config(options["config"], SegmenterConfig)
            ranges = read_ranges(options["search"], base)
            training = self._training(base, options)
            facts = {
                "epochs": training.epochs,
                "weights": training.weights,
                "train photos": describe_data(training.train)["sha8"],
                "val photos": describe_data(training.val)["sha8"],
            }
            given = {name: options[name] for name in ("resume", "seed", "pruner")}
            with contextlib.closing(Search(base, ranges, options["out"], facts=facts, **given)) as search:

                def on_result(result: TrialResult) -> None:
                    tidy(search.out / TRIALS / result.folder)
                    write_findings(search)
                    tqdm.write(_told(result))

                search.run(options["trials"], training, on_result)
                write_findings(search)
                self._conclude(search, options)
        except (SegmentationError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("stopped; the same command with --resume goes on within the trial") from error

    def _training(self, base: SegmenterConfig, options: dict[str, Any]) -> TrialTraining:
        weights = options["weights"]
        check_initial(base.train.initial_weights if weights is None else weights)
        check_searched(options["out"], resume=options["resume"])
        if options["epochs"] is not None:
            scale_stages(base.train, options["epochs"])  # refuses what cannot be
        train, val = training_photos(self, options)
        train = _drawn(train, options["subset"], base.train.seed)
        val = _drawn(val, options["val_subset"], base.train.seed)
        self.stdout.write(f"a trial trains on {len(train)} photos and validates on {len(val)}")
        return TrialTraining(
            train,
            val,
            _bars,
            weights=weights,
            epochs=options["epochs"],
            n_workers=options["workers"],
            provenance={"data": options["data"].resolve().name, "subset": options["subset"]},
        )

    def _conclude(self, search: Search, options: dict[str, Any]) -> None:
        winner = search.winner()
        self.stdout.write("\n".join(leaderboard(search.results())))
        if winner is None:
            raise CommandError("no trial finished, so there is no winner")
        command = ["python", "manage.py", "train_segmenter", "--config", str(search.out / WINNER)]
        for name in ("data", "annotations", "also", "val_annotations", "images", "weights", "workers"):
            given = options[name] if isinstance(options[name], list) else [options[name]]
            command += [part for each in given if each for part in (f"--{name.replace('_', '-')}", str(each))]
        command += ["--skip-bad"] if options["skip_bad"] else []
        command += ["--out", str(search.out / "winner")]
        self.stdout.write(f"\ntrial {winner.number} wins; to train it on everything:\n{shlex.join(command)}")


def _drawn(photos: Photos, n: int | None, seed: int) -> Photos:
    return photos if n is None else subset(photos, n, seed)


def _told(result: TrialResult) -> str:
    figure = "" if result.value is None else f", mask AP {result.value:.4f}"
    return f"trial {result.number} {result.outcome} after {result.n_epochs} epochs{figure} {result.reason}".rstrip()


@contextlib.contextmanager
def _bars(run: TrainingRun) -> Iterator[Listener]:
    with contextlib.closing(TrainingBars(run.plan, run.config.train.batch_size)) as bars:
        yield bars.listener()
