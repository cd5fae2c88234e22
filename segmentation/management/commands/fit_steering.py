"""manage.py fit_steering: make an embedder checkpoint steerable (same shape in another color, same pattern)."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.checkpoint import SHIPPED_SEGMENTER
from segmentation.errors import SegmentationError
from segmentation.steering.build import Fitted, Recipe, fit_checkpoint
from segmentation.steering.fit import TooFewSamples
from segmentation.steering.holdout import Trial


class Command(BaseCommand):
    """Parses, calls `fit_checkpoint`, prints what searches among left-out cuts gained."""

    help = (
        "Fit an embedder's color and pattern axes on drawn products (and real catalogs), and write them beside its "
        "weights. The file changes, so searches see a new space: fit before a catalog is indexed."
    )
    requires_system_checks = ()  # needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--embedder", type=Path, required=True, help="the checkpoint to fit axes for")
        parser.add_argument("--out", type=Path, required=True, help="the .safetensors file to write (may be the same)")
        parser.add_argument("--products", type=int, default=1200, help="drawn products (default 1200)")
        parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same products (default 1)")
        parser.add_argument(
            "--catalog",
            type=Path,
            action="append",
            default=[],
            help="folder with feed.csv and photos, some of whose item groups have several colors; may be repeated",
        )
        parser.add_argument(
            "--segmenter", type=Path, default=SHIPPED_SEGMENTER, help="finds the garments of the catalogs' photos"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        recipe = Recipe(options["products"], options["seed"], tuple(options["catalog"]), options["segmenter"])
        bars: dict[str, tqdm[Any]] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = tqdm(desc=stage, total=total, unit="garment", disable=options["verbosity"] == 0)
            bars[stage].update(done - bars[stage].n)

        try:
            fitted = fit_checkpoint(options["embedder"], options["out"], recipe, on_progress=show)
        except (SegmentationError, TooFewSamples, OSError) as error:
            raise CommandError(str(error)) from error
        finally:
            for bar in bars.values():
                bar.close()
        self._print(fitted, options["out"])

    def _print(self, fitted: Fitted, out: Path) -> None:
        self.stdout.write("among cuts that were left out    plain  steered  ratio")
        self._row("another color, precision@1", fitted.choice.color)
        self._row("same pattern, precision@10", fitted.choice.pattern)
        for name, n_photos in fitted.n_of_catalog.items():
            self.stdout.write(f"{name}: {n_photos} photos of products in several colors")
        self.stdout.write(f"{fitted.n_color_axes} color axes and {fitted.n_pattern_axes} pattern axes: {out}")

    def _row(self, name: str, trial: Trial[Any]) -> None:
        ratio = f"{trial.measured / trial.unsteered:>6.2f}" if trial.unsteered > 0 else "     -"
        self.stdout.write(f"{name:<31}{trial.unsteered:>7.3f}{trial.measured:>9.3f} {ratio}")
