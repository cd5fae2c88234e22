"""manage.py tune_thresholds: search a checkpoint's operating point on validation data."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from segmentation.checkpoint import read_info
from segmentation.checkpoint_header import rewrite_header
from segmentation.data.annotations import AnnotatedPhoto
from segmentation.data.sources import read_validation, subset
from segmentation.device import best_device
from segmentation.errors import SegmentationError
from segmentation.evaluation.thresholding.cached_detections import cache_photo
from segmentation.evaluation.thresholding.objectives import OBJECTIVES
from segmentation.evaluation.thresholding.threshold_report import summary, write_threshold_report
from segmentation.evaluation.thresholding.thresholds import ThresholdSearch, search_thresholds, tried_values
from segmentation.management.annotated_data import tell_problems
from segmentation.management.progress import progress_on
from segmentation.management.training_options import count
from segmentation.segmenter import Segmenter


class Command(BaseCommand):
    """Parses, runs the model once, calls `search_thresholds`, writes a checkpoint with the point found."""

    help = "Search score, NMS, mask and area thresholds on validation photos, and write them into a new checkpoint."
    requires_system_checks = ()  # needs neither routes nor a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--checkpoint", type=Path, required=True)
        parser.add_argument("--data", type=Path, required=True, help="folder with val.csv or instances_val.json")
        parser.add_argument("--annotations", type=Path, help="annotations under another name")
        parser.add_argument("--images", type=Path, help="folder of the photos, where it is not DATA/images")
        parser.add_argument(
            "--out", type=Path, help="the new checkpoint; NAME.tuned.safetensors beside the old one where not given"
        )
        parser.add_argument("--report", type=Path, metavar="DIR", help="write thresholds.md, .json and .png here")
        parser.add_argument(
            "--objective",
            choices=tuple(OBJECTIVES),
            default="kaggle",
            help="kaggle (exact masks; the default) or f1 (the right garments, at IoU 0.5)",
        )
        parser.add_argument("--folds", type=int, default=5, help="parts of the photos for cross-validation")
        parser.add_argument(
            "--subset", type=int, metavar="N", help="only N photos drawn at random; each takes about 1 MB"
        )
        parser.add_argument("--seed", type=count, default=0, help="of the subset and the parts")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        checkpoint, out = options["checkpoint"], options["out"]
        if out is None:
            out = checkpoint.with_name(f"{checkpoint.stem}.tuned.safetensors")
        if options["folds"] < 2:
            raise CommandError("--folds: at least 2, or nothing is left to fit to")
        try:
            annotated = read_validation(options["data"], annotations=options["annotations"], images=options["images"])
            tell_problems(self, [annotated], None)
            photos = annotated.photos
            if options["subset"] is not None:
                photos = subset(photos, options["subset"], options["seed"])
            search = _search(checkpoint, photos, options)
            if options["report"] is not None:
                write_threshold_report(search, options["report"])
            measured = {
                "objective": search.objective,
                "before": round(search.before, 4),
                "fitted": round(search.fitted, 4),
                "cross_validated": round(search.cross_validated, 4),
                "gain_standard_error": round(search.gain_standard_error, 4),
                "n_photos": search.n_photos,
                "data": options["data"].resolve().name,
                "searched_at": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            rewrite_header(checkpoint, out, model=search.changes(), metrics={"operating_point": measured})
            version = read_info(out).version
        except (SegmentationError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("\n".join(summary(search)))
        if not search.is_better:
            self.stderr.write("the gain on unseen photos is within chance: more validation photos would tell")
        self.stdout.write(f"\n{out}: {version}; another version, so catalogs are indexed anew with it")


def _search(checkpoint: Path, photos: Sequence[AnnotatedPhoto], options: dict[str, Any]) -> ThresholdSearch:
    device = best_device()
    segmenter, _ = Segmenter.from_file(checkpoint, device=device.name, bf16=device.bf16)
    mask_thresholds = tried_values(segmenter.config)["mask_threshold"]
    cached = [cache_photo(segmenter, photo, mask_thresholds) for photo in tqdm(photos, desc="detect", unit="photo")]
    with tqdm(desc="search", unit="fold") as bar:
        return search_thresholds(
            cached,
            segmenter.config,
            objective=options["objective"],
            n_folds=options["folds"],
            seed=options["seed"],
            on_progress=progress_on(bar),
        )
