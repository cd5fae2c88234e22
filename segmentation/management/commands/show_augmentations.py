"""manage.py show_augmentations: a contact sheet of training samples with masks, boxes and names."""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.config import SegmenterConfig
from segmentation.config_checks import check_train
from segmentation.config_files import load_config
from segmentation.data.annotations import Photos
from segmentation.data.coco import read_coco
from segmentation.data.contact_sheet import draw_contact_sheet
from segmentation.data.problems import counts_by_kind
from segmentation.data.sources import read_splits
from segmentation.errors import SegmentationError
from segmentation.management.progress import progress_on


class Command(BaseCommand):
    """Parses, calls `draw_contact_sheet`, writes the picture."""

    help = "Draw what a configuration's augmentations make of training photos, one row a photo, the plain one first."
    requires_system_checks = ()  # a training machine needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--config", default="street", help="a name in segmentation/configs, or a TOML file")
        parser.add_argument("--data", type=Path, required=True, help="folder with train.csv or instances_train.json")
        parser.add_argument("--annotations", type=Path, help="training annotations under another name")
        parser.add_argument("--images", type=Path, help="folder of the photos, where it is not DATA/images")
        parser.add_argument(
            "--also", type=Path, action="append", default=[], metavar="FILE", help="more annotations (COCO)"
        )
        parser.add_argument("--out", type=Path, required=True, help="the picture to write (.jpg or .png)")
        parser.add_argument("--photos", type=int, default=6, help="rows (default 6)")
        parser.add_argument("--variants", type=int, default=5, help="augmented samples in a row (default 5)")
        parser.add_argument("--seed", type=int, help="draws other photos and variants; the configuration's if absent")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        if options["photos"] < 1 or options["variants"] < 0:
            raise CommandError("expected --photos of at least 1 and --variants of at least 0")
        if options["out"].suffix.lower() not in (".jpg", ".jpeg", ".png"):
            raise CommandError(f"--out {options['out']}: expected a name that ends in .jpg or .png")
        try:
            config = load_config(options["config"], SegmenterConfig)
            if options["seed"] is not None:
                config = dataclasses.replace(config, train=dataclasses.replace(config.train, seed=options["seed"]))
            check_train(config.train)
            photos = self._photos(options)
            with tqdm(total=min(len(photos), options["photos"]), unit="photo") as bar:
                sheet = draw_contact_sheet(
                    photos,
                    config,
                    n_photos=options["photos"],
                    n_variants=options["variants"],
                    on_progress=progress_on(bar),
                )
            options["out"].parent.mkdir(parents=True, exist_ok=True)
            sheet.save(options["out"], quality=92)
        except (SegmentationError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['out']}: {sheet.width}x{sheet.height}")

    def _photos(self, options: dict[str, Any]) -> Photos:
        train, _ = read_splits(options["data"], annotations=options["annotations"], images=options["images"])
        more = [read_coco(file, file.parent) for file in options["also"]]
        problems = [problem for found in (train, *more) for problem in found.problems]
        if problems:
            counted = f"{len(problems)} annotations that cannot be used: {counts_by_kind(problems)}"
            self.stderr.write(f"drawing without {counted}; check_annotations lists them")
        photos = Photos.concatenated([found.photos for found in (train, *more)]).with_instances()
        if not len(photos):
            raise CommandError(f"{options['data']}: no photo with garments")
        return photos
