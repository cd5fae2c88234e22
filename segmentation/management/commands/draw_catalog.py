"""`manage.py draw_catalog`: draw a demo shop with its street scenes."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.drawn import CatalogExists, draw_catalog
from segmentation.management.progress import progress_on


class Command(BaseCommand):
    """Draws products, packshots and street scenes with exact masks and a retrieval benchmark."""

    help = "Draw a catalog of products and street scenes (no photos needed)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The folder, the counts and the seed."""
        parser.add_argument("--out", type=Path, required=True, help="folder to make")
        parser.add_argument("--products", type=int, default=240, help="items in the feed (default 240)")
        parser.add_argument("--scenes", type=int, default=24, help="street scenes (default 24)")
        parser.add_argument("--seed", type=int, default=7, help="the same seed draws the same catalog (default 7)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Draw, with a progress bar."""
        with tqdm(desc="drawing", unit="image", disable=options["verbosity"] == 0) as bar:
            try:
                catalog = draw_catalog(
                    options["out"],
                    products=options["products"],
                    scenes=options["scenes"],
                    seed=options["seed"],
                    on_progress=progress_on(bar),
                )
            except (CatalogExists, ValueError) as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"{catalog.products} products and {catalog.scenes} street scenes in {catalog.root}")
