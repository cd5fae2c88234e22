"""manage.py fit_embedder: make an embedder checkpoint from a trunk and annotated photos."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.config import EmbedderConfig, pad_as_weights_expect
from segmentation.config_files import load_config, to_mapping
from segmentation.data.sources import read_annotations
from segmentation.errors import SegmentationError
from segmentation.management.annotated_data import tell_problems
from segmentation.management.progress import progress_on
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
        parser.add_argument("--weights", required=True, help="trunk weights: a file, or 'imagenet'")
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
            with tqdm(total=len(photos), desc="describe garments", unit="photo") as bar:
                model, n_crops = fit_embedder(
                    config,
                    photos,
                    options["weights"],
                    shrinkage=options["shrinkage"],
                    on_progress=progress_on(bar),
                )
        except SegmentationError as error:
            raise CommandError(str(error)) from error
        provenance = {
            "data": options["data"].resolve().name,
            "initial_weights": Path(options["weights"]).name,
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
