"""manage.py fit_embedder: make an embedder checkpoint from a trunk and photos without labels of identity."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.checkpoint import SHIPPED_SEGMENTER, read_info
from segmentation.config import EmbedderConfig, pad_as_weights_expect
from segmentation.config_files import load_config, to_mapping
from segmentation.data.sources import read_annotations
from segmentation.errors import CheckpointError, SegmentationError
from segmentation.management.annotated_data import tell_problems
from segmentation.management.progress import progress_on
from segmentation.metric_learning.config import EmbedderTrainConfig
from segmentation.metric_learning.crop_store import CropStore, prepare_store
from segmentation.metric_learning.garment_finder import GarmentFinder
from segmentation.metric_learning.sources import exclude_benchmarks, open_source
from segmentation.training.projection import fit_embedder
from segmentation.weights import save_checkpoint


class Command(BaseCommand):
    """Parses, calls `fit_embedder`, writes the checkpoint."""

    help = "Fit the crop embedder's projection on annotated garments and write its checkpoint."
    requires_system_checks = ()  # needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--config", default="crop", help="a name in segmentation/configs, or a TOML file")
        parser.add_argument("--data", type=Path, required=True, help="folder with train.csv or instances_train.json")
        parser.add_argument(
            "--also",
            type=Path,
            action="append",
            default=[],
            metavar="FOLDER",
            help="a catalog, a drawn shop, other photos: fitted on too, cut as train_embedder does; repeatable",
        )
        parser.add_argument("--crops", type=Path, help="where --also's crops are kept (default: beside --out)")
        parser.add_argument("--segmenter", type=Path, default=SHIPPED_SEGMENTER, help="finds the garments of --also")
        parser.add_argument(
            "--exclude-benchmark",
            type=Path,
            action="append",
            default=[],
            metavar="FILE.json",
            help="of --also, leave out its query photos and the products that only they show; repeatable",
        )
        parser.add_argument("--weights", required=True, help="trunk weights: a file, an embedder, or 'imagenet'")
        parser.add_argument("--shrinkage", type=float, default=0.5, help="0 plain PCA .. 1 full whitening")
        parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            config, note = pad_as_weights_expect(load_config(options["config"], EmbedderConfig), options["weights"])
            if note:
                self.stdout.write(note)
            annotated = read_annotations(options["data"], split="train")
            tell_problems(self, [annotated], None)
            photos = annotated.photos
            store = self._prepared(options)
            n_steps = len(photos) + (0 if store is None else len(store))
            with tqdm(total=n_steps, desc="describe garments", unit="step") as bar:
                model, n_crops = fit_embedder(
                    config,
                    photos,
                    options["weights"],
                    shrinkage=options["shrinkage"],
                    also=store,
                    on_progress=progress_on(bar),
                )
        except SegmentationError as error:
            raise CommandError(str(error)) from error
        provenance = {
            "data": [folder.resolve().name for folder in (options["data"], *options["also"])],
            **_trunk(options["weights"]),
            "shrinkage": options["shrinkage"],
            "n_crops": n_crops,
            "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "torch": torch.__version__,
        }
        save_checkpoint(
            options["out"],
            model.state_dict(),
            kind="embedder",
            config=to_mapping(config),
            metrics={},
            provenance=provenance,
        )
        self.stdout.write(f"fitted on {n_crops} garments: {options['out']}")

    def _prepared(self, options: dict[str, Any]) -> CropStore | None:
        if not options["also"]:
            return None
        sources = exclude_benchmarks([open_source(folder) for folder in options["also"]], options["exclude_benchmark"])
        with tqdm(desc="prepare crops", unit="photo") as bar:
            return prepare_store(
                sources,
                options["crops"] if options["crops"] is not None else options["out"].parent / "crops",
                finder=GarmentFinder.from_file(options["segmenter"]),
                stored_side_px=EmbedderTrainConfig().stored_side_px,
                on_progress=progress_on(bar),
            )


def _trunk(weights: str) -> dict[str, Any]:
    """Where the trunk is from; of an embedder also what is known of its training."""
    try:
        info = read_info(Path(weights), kind="embedder")
    except CheckpointError:  # weights of a trunk alone
        return {"initial_weights": Path(weights).name}
    return {"initial_weights": info.version, "trunk": info.provenance}
