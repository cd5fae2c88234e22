"""manage.py train_embedder: train the crop embedder by metric learning into a run folder."""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.checkpoint import SHIPPED_SEGMENTER
from segmentation.config import pad_as_weights_expect
from segmentation.errors import SegmentationError
from segmentation.management.embedder_bars import EmbedderBars
from segmentation.management.progress import progress_on
from segmentation.management.training_options import count
from segmentation.metric_learning.config import EmbedderRecipe, load_recipe
from segmentation.metric_learning.crop_store import CropStore, prepare_store
from segmentation.metric_learning.garment_finder import GarmentFinder
from segmentation.metric_learning.run import EmbedderRun
from segmentation.metric_learning.sources import exclude_benchmarks, open_source
from segmentation.training.initial import check_initial
from segmentation.training.run_folder import BEST, STATE, check_begun


class Command(BaseCommand):
    """Parses, prepares crops, calls `EmbedderRun`, shows bars."""

    help = "Train the crop embedder on catalogs, drawn shops and annotated photos."
    requires_system_checks = ()  # a training machine needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--config", default="garment", help="a name in segmentation/configs, or a TOML file")
        parser.add_argument(
            "--data",
            type=Path,
            action="append",
            required=True,
            metavar="FOLDER",
            help="a catalog (feed.csv), a drawn shop, or annotated photos; may be repeated",
        )
        parser.add_argument("--weights", help="backbone weights or an embedder: a file, 'imagenet', or '' for none")
        parser.add_argument("--out", type=Path, required=True, help="run folder")
        parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
        parser.add_argument("--epochs", type=float, help="instead of the configuration's")
        parser.add_argument("--subset", type=count, metavar="N", help="the first N groups of each folder")
        parser.add_argument("--workers", type=count, default=0, help="processes that make views")
        parser.add_argument("--crops", type=Path, help="where prepared crops are kept (default: crops in --out)")
        parser.add_argument(
            "--segmenter",
            default=str(SHIPPED_SEGMENTER),
            help="cuts the garments of packshots as in service (default: the shipped one); '' leaves them whole",
        )
        parser.add_argument(
            "--exclude-benchmark",
            type=Path,
            action="append",
            default=[],
            metavar="FILE.json",
            help="learn nothing from its query photos, nor from products that only they show; may be repeated",
        )
        parser.add_argument(
            "--validate-benchmark",
            type=Path,
            metavar="FILE.json",
            help="measure its queries after each epoch, boxes given; also excluded from training",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            run = self._prepared(options)
            bars = EmbedderBars()
            try:
                done = run.train(bars.listener())
            finally:
                bars.close()
        except (SegmentationError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            saved = (options["out"] / STATE).is_file()
            after = "the same command with --resume goes on from the last state" if saved else "nothing was trained yet"
            raise CommandError(f"stopped; {after}") from error
        self.stdout.write(f"{done.images_seen} views in {done.wall_s:.0f} s, {done.cpu_s:.0f} s of processors")
        self.stdout.write(f"best {run.recipe.train.best_by} {done.best_figure:.4f}: {options['out'] / BEST}")

    def _prepared(self, options: dict[str, Any]) -> EmbedderRun:
        recipe = self._recipe(options)
        if not check_begun(options["out"], resume=options["resume"]):
            check_initial(recipe.train.initial_weights)
        benchmark: Path | None = options["validate_benchmark"]
        store = self._store(recipe, options, benchmark)
        run = EmbedderRun(
            recipe,
            store,
            options["out"],
            resume=options["resume"],
            n_workers=options["workers"],
            benchmark=benchmark,
            provenance={
                "data": [folder.resolve().name for folder in options["data"]],
                "segmenter": Path(options["segmenter"]).name,
                "excluded": [file.name for file in options["exclude_benchmark"]],
                "subset": options["subset"],
            },
        )
        for note in run.notes:
            self.stdout.write(note)
        return run

    def _store(self, recipe: EmbedderRecipe, options: dict[str, Any], benchmark: Path | None) -> CropStore:
        excluded = [*options["exclude_benchmark"], *([benchmark] if benchmark is not None else [])]
        sources = exclude_benchmarks([open_source(folder) for folder in options["data"]], excluded)
        finder = GarmentFinder.from_file(Path(options["segmenter"])) if options["segmenter"] else None
        with tqdm(desc="prepare crops", unit="photo", disable=options["verbosity"] == 0) as bar:
            store = prepare_store(
                sources,
                options["crops"] if options["crops"] is not None else options["out"] / "crops",
                finder=finder,
                stored_side_px=recipe.train.stored_side_px,
                limit=options["subset"],
                on_progress=progress_on(bar),
            )
        groups = len({each.group for each in store.facts})
        self.stdout.write(f"{len(store)} crops of {groups} groups in {len(sources)} folders")
        return store

    def _recipe(self, options: dict[str, Any]) -> EmbedderRecipe:
        recipe = load_recipe(options["config"])
        changes: dict[str, Any] = {}
        if options["weights"] is not None:
            changes["initial_weights"] = options["weights"]
        if options["epochs"] is not None:
            changes["epochs"] = options["epochs"]
        train = dataclasses.replace(recipe.train, **changes)
        model, note = pad_as_weights_expect(recipe.model, train.initial_weights)
        if note:
            self.stdout.write(note)
        return dataclasses.replace(recipe, model=model, train=train)
