"""Everything that is measured of a segmenter on annotated photos, as plain values that a file can hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from segmentation.config import ModelConfig
from segmentation.data.annotations import AnnotatedPhoto
from segmentation.errors import AnnotationError
from segmentation.evaluation.categories import CategoryRow, category_rows, mean_over_common, share
from segmentation.evaluation.coco_ap import EVALUATED_SCORE, NAMES, SUPERCATEGORIES, APReport, ap_report
from segmentation.evaluation.coco_figures import CocoFigures, coco_figures
from segmentation.evaluation.confusion import confusion_matrix, error_counts
from segmentation.evaluation.curves import Calibration, calibration
from segmentation.evaluation.detections import Predictions, predict_all
from segmentation.evaluation.disjoint import disjoint
from segmentation.evaluation.evaluated_data import TrainingData
from segmentation.evaluation.intervals import bootstrap_interval
from segmentation.evaluation.kaggle_ap import kaggle_scores
from segmentation.evaluation.matching import Overlaps, all_overlaps
from segmentation.evaluation.speed import Speed, speed_of
from segmentation.operating_point import visible_detections
from segmentation.segmenter import Segmenter
from segmentation.types import Detection

REPORT_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Subject:
    """What is evaluated, and where it runs."""

    checkpoint: str
    """`name@sha8`."""
    about: dict[str, Any]
    """The checkpoint's own words: its model table and provenance."""
    device: str


@dataclass(frozen=True)
class Report:
    """What report.json holds; figures are 0..1, None where there is nothing they could be of."""

    format: int
    checkpoint: str
    """`name@sha8`."""
    about: dict[str, Any]
    """The checkpoint's own words: its model table and provenance."""
    n_photos: int
    n_garments: int
    n_train_garments: int | None
    n_shared_photos: int
    """How many of the photos are in the training annotations too; anything but 0 makes the figures worthless."""
    mask: CocoFigures
    box: CocoFigures
    supercategory_mask: CocoFigures
    mask_ap_common: float | None
    """Mean mask AP over categories with at least `categories.FEW_GARMENTS` garments."""
    kaggle: float
    """The competition's score, at the operating point, overlaps resolved."""
    kaggle_interval: tuple[float, float]
    """95 %, bootstrapped over photos."""
    kaggle_by_class: float
    kaggle_per_photo: dict[str, float]
    sensitivity: float | None
    """Share of all garments found at the operating point, IoU 0.5."""
    precision: float | None
    """Share of visible detections that are right, likewise."""
    categories: tuple[CategoryRow, ...]
    confusion: list[list[int]]
    """See `confusion.confusion_matrix`."""
    errors: dict[str, int]
    """See `confusion.error_counts`."""
    calibration: Calibration
    speed: Speed


@dataclass(frozen=True)
class Evaluation:
    """A report, and what its charts and pictures are drawn from.

    `found` holds every photo's detections, weak ones included, `visible` those at the operating point; `overlaps` and
    `visible_overlaps` are theirs.
    """

    report: Report
    photos: Sequence[AnnotatedPhoto]
    visible: list[list[Detection]]
    overlaps: list[Overlaps]
    visible_overlaps: list[Overlaps]

    @property
    def figures(self) -> APReport:
        """The few figures that training looks at."""
        report, median_ms = self.report, self.report.speed.median_ms
        sizes = {"n_photos": report.n_photos, "n_instances": report.n_garments}
        return ap_report(report.mask, report.box, report.supercategory_mask, **sizes, ms_per_photo=median_ms)


def evaluate(
    segmenter: Segmenter,
    photos: Sequence[AnnotatedPhoto],
    *,
    subject: Subject,
    training: TrainingData | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Run the model over photos one by one and measure everything.

    Args:
        segmenter: The model.
        photos: Annotated photos; nothing of them may have been trained on.
        subject: What the report is to say of it.
        training: What the model was trained on, where known.
        on_progress: Called with (photos done, photos in all).

    Raises:
        AnnotationError: There is no photo, or one cannot be decoded; the message names it.
    """
    if not photos:
        raise AnnotationError("no annotated photo to evaluate on")
    found = predict_all(segmenter, photos, min_score=EVALUATED_SCORE, on_progress=on_progress)
    return measured(photos, found, segmenter.config, subject, training=training)


def measured(
    photos: Sequence[AnnotatedPhoto],
    found: Predictions,
    config: ModelConfig,
    subject: Subject,
    *,
    training: TrainingData | None = None,
) -> Evaluation:
    """Measure what was found, as `evaluate` does after running the model."""
    visible = [visible_detections(detections, config) for detections in found.detections]
    overlaps, visible_overlaps = all_overlaps(photos, found.detections), all_overlaps(photos, visible)
    masks, boxes = (coco_figures(photos, found.detections, kind, NAMES) for kind in ("segm", "bbox"))
    kaggle = kaggle_scores(photos, [disjoint(detections) for detections in visible])
    counts = None if training is None else training.category_counts
    rows = category_rows(masks, boxes, visible_overlaps, kaggle.per_category, counts)
    n_garments, n_right = sum(row.n_val for row in rows), sum(row.n_right for row in rows)
    report = Report(
        format=REPORT_FORMAT,
        checkpoint=subject.checkpoint,
        about=subject.about,
        n_photos=len(photos),
        n_garments=n_garments,
        n_train_garments=None if counts is None else int(counts.sum()),
        n_shared_photos=0 if training is None else training.n_shared_photos,
        mask=masks,
        box=boxes,
        supercategory_mask=coco_figures(photos, found.detections, "segm", SUPERCATEGORIES),
        mask_ap_common=mean_over_common(rows),
        kaggle=kaggle.score,
        kaggle_interval=bootstrap_interval(kaggle.per_photo),
        kaggle_by_class=kaggle.by_class,
        kaggle_per_photo={photo.image_id: float(s) for photo, s in zip(photos, kaggle.per_photo, strict=True)},
        sensitivity=share(n_right, n_garments),
        precision=share(n_right, sum(row.n_found for row in rows)),
        categories=rows,
        confusion=confusion_matrix(visible_overlaps).tolist(),
        errors={str(kind): count for kind, count in error_counts(visible_overlaps).items()},
        calibration=calibration(overlaps),
        speed=speed_of(found, subject.device),
    )
    return Evaluation(report, photos, visible, overlaps, visible_overlaps)
