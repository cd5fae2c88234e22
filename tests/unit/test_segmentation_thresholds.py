"""The threshold search finds known optima, agrees with the metrics it claims, and never flatters itself."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from PIL import Image

from segmentation.checkpoint import SHIPPED_SEGMENTER, read_info
from segmentation.config import ModelConfig
from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.drawn import draw_catalog
from segmentation.errors import AnnotationError
from segmentation.evaluation.disjoint import disjoint
from segmentation.evaluation.kaggle_ap import kaggle_scores
from segmentation.evaluation.matching import pairs_by_overlap, photo_overlaps
from segmentation.evaluation.thresholding import thresholds
from segmentation.evaluation.thresholding.cached_detections import CachedPhoto, Window, cache_photo
from segmentation.evaluation.thresholding.objectives import OBJECTIVES
from segmentation.evaluation.thresholding.thresholds import (
    Rehearsal,
    fit_by_category,
    fit_common,
    search_thresholds,
    tried_values,
)
from segmentation.masks import paste_probabilities, rle_from_crop
from segmentation.operating_point import visible_detections
from segmentation.segmenter import Found, Segmenter
from segmentation.taxonomy import N_CATEGORIES
from segmentation.types import Detection

SHIRT, JACKET, SHOE, TIE = 0, 4, 23, 16
CONFIG = ModelConfig()
MASK_THRESHOLDS = tried_values(CONFIG)["mask_threshold"]


class Finder(Segmenter):
    """Finds what it is told to, on every photo."""

    def __init__(self, found: list[Found]) -> None:
        self._config = CONFIG
        self._told = found

    def find(self, images_rgb: list[np.ndarray], *, min_score: float | None = None) -> list[list[Found]]:
        return [self._told for _ in images_rgb]


def random_photo(rng: np.random.Generator, folder: Path) -> tuple[AnnotatedPhoto, list[Found]]:
    width, height = (int(side) for side in rng.integers(40, 70, size=2))
    file = folder / f"{rng.integers(1 << 40)}.png"
    Image.new("RGB", (width, height)).save(file)
    categories, found, instances = [SHIRT, JACKET, SHOE], [], []
    for _ in range(int(rng.integers(0, 9))):
        category_id = int(rng.choice(categories))
        left, top = rng.uniform(0, 0.5, size=2)
        box = (left, top, left + rng.uniform(0.2, 0.5), top + rng.uniform(0.2, 0.5))
        probabilities = np.clip(rng.normal(0.6, 0.15, (28, 28)), 0, 1).astype(np.float32)
        item = Found(category_id, float(rng.uniform(0.05, 1)), box, probabilities)
        found.append(item)
        if rng.random() < 0.6:
            mask, x, y = paste_probabilities(probabilities, item.box_px((width, height)), height, width, 0.5)
            instances.append(Instance(category_id, rle_from_crop(mask, x, y, height, width)))
    return AnnotatedPhoto(file.name, file, height, width, tuple(instances)), found


def as_detections(photo: AnnotatedPhoto, found: list[Found], config: ModelConfig) -> list[Detection]:
    size = (photo.width_px, photo.height_px)
    detections = []
    for item in found:
        mask, x, y = paste_probabilities(item.probabilities, item.box_px(size), size[1], size[0], config.mask_threshold)
        rle = rle_from_crop(mask, x, y, size[1], size[0])
        detections.append(Detection(item.category_id, item.score, item.box_px(size), rle))
    return detections


def test_a_rehearsed_point_scores_what_its_detections_score(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    pairs = [random_photo(rng, tmp_path) for _ in range(25)]
    photos = [photo for photo, _ in pairs]
    cached = [cache_photo(Finder(found), photo, MASK_THRESHOLDS) for photo, found in pairs]
    every = np.arange(len(photos))
    rehearsals = {name: Rehearsal(cached, objective) for name, objective in OBJECTIVES.items()}
    values = tried_values(CONFIG)
    for _ in range(12):
        config = replace(CONFIG, **{knob: float(rng.choice(tried)) for knob, tried in values.items()})
        if rng.random() < 0.5:
            config = replace(config, category_score_thresholds=tuple(rng.uniform(0, 1, N_CATEGORIES)))
        visible = [visible_detections(as_detections(*pair, config), config) for pair in pairs]
        expected = kaggle_scores(photos, [disjoint(detections) for detections in visible]).score
        assert rehearsals["kaggle"].score(config, every) == pytest.approx(expected, abs=1e-12)
        n_right = n_all = 0
        for photo, detections in zip(photos, visible, strict=True):
            overlaps = photo_overlaps(photo, detections)
            iou = np.where(overlaps.alike & (overlaps.iou >= 0.5), overlaps.iou, 0.0)
            n_right += len(pairs_by_overlap(iou))
            n_all += len(detections) + len(photo.instances)
        assert rehearsals["f1"].score(config, every) == pytest.approx(2 * n_right / max(1, n_all), abs=1e-12)


def test_masks_of_a_large_photo_are_compared_at_a_smaller_size(tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    Image.new("RGB", (2048, 600)).save(file)
    garment = Instance(SHOE, rle_from_crop(np.ones((300, 1000), np.uint8), 500, 100, 600, 2048))
    whole = Found(SHOE, 0.9, (500 / 2048, 100 / 600, 1500 / 2048, 400 / 600), np.ones((28, 28), np.float32))
    photo = AnnotatedPhoto("large", file, 600, 2048, (garment,))
    cached = cache_photo(Finder([whole]), photo, MASK_THRESHOLDS)
    assert cached.size == (1024, 300)
    assert cached.matched_ious(cached.masks(CONFIG)) == pytest.approx([1.0], abs=0.02)


def scored(*garments: tuple[int, float, bool], missed: tuple[int, ...] = (), level: int = 99) -> CachedPhoto:
    """A photo of (category, score, right or wrong), each in a place of its own; wrong ones lie beside a garment."""
    ranked = sorted(garments, key=lambda one: -one[1])
    n = len(ranked)
    windows = tuple(Window(np.full((4, 4), level, np.uint8), 5 * place, 0) for place in range(n))
    truth = [(each[0], Window(np.ones((4, 4), np.uint8), 5 * place, 0)) for place, each in enumerate(ranked) if each[2]]
    truth += [(each, Window(np.ones((4, 4), np.uint8), 5 * (n + place), 0)) for place, each in enumerate(missed)]
    return CachedPhoto(
        (400, 10),
        np.array([each[0] for each in ranked], dtype=np.int64),
        np.array([each[1] for each in ranked], dtype=np.float64),
        np.eye(n),
        np.eye(n),
        MASK_THRESHOLDS,
        windows,
        np.array([category_id for category_id, _ in truth], dtype=np.int64),
        tuple(window for _, window in truth),
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_score_that_parts_right_from_wrong_is_found(objective: str) -> None:
    photos = [scored((SHOE, 0.31 + step / 100, True), (SHOE, 0.29 - step / 100, False)) for step in range(20)]
    search = search_thresholds(photos, CONFIG, objective=objective)
    assert search.config.predictor_score_threshold == 0.3
    assert search.fitted == search.cross_validated == 1.0
    assert search.before < 1.0
    assert search.is_better
    assert dict(search.curves["predictor_score_threshold"])[0.3] == 1.0


def test_the_mask_threshold_that_gives_the_true_masks_is_found() -> None:
    level = MASK_THRESHOLDS.index(0.35) + 1  # the garment's pixels reach 0.35, but not 0.4
    photos = [scored((SHOE, 0.9, True), level=level), scored((SHOE, 0.8, True), level=level)]
    search = search_thresholds(photos, CONFIG)
    assert (search.before, search.fitted) == (0.0, 1.0)
    assert search.config.mask_threshold <= 0.35


def test_categories_that_differ_get_thresholds_of_their_own_and_rare_ones_the_common_one() -> None:
    photos = []
    for step in range(40):
        shoes = ((SHOE, 0.8, True), (SHOE, 0.31 + step / 400, False))
        shirts = ((SHIRT, 0.3, True),) * 4 + ((SHIRT, 0.1, False),)
        ties = ((TIE, 0.2, True),) if step in (3, 13, 23) else ()
        photos.append(scored(*shoes, *shirts, *ties))
    search = search_thresholds(photos, CONFIG)
    own = search.config.category_score_thresholds
    assert search.cross_validated_by_category > search.cross_validated_common
    assert own[SHIRT] < own[SHOE]
    assert own[TIE] == search.config.predictor_score_threshold, "three instances do not decide"
    assert own[JACKET] == search.config.predictor_score_threshold
    assert search.cross_validated > search.before


def test_a_categorys_threshold_stays_the_nearer_to_the_common_one_the_rarer_it_is() -> None:
    def own(n_shirts: int) -> float:
        photos = [scored((SHIRT, 0.2 + 0.4 * n / n_shirts, True)) for n in range(n_shirts)]
        rehearsal = Rehearsal(photos, OBJECTIVES["f1"])
        point = fit_by_category(rehearsal, replace(CONFIG, predictor_score_threshold=0.6), np.arange(n_shirts))
        return point.category_score_thresholds[SHIRT]

    assert own(9) == 0.6
    assert own(20) == pytest.approx(0.325, abs=0.02)  # half of the way to the lowest value tried, 0.05
    assert own(180) == pytest.approx(0.2, abs=0.02), "enough to show the weakest shirt"


def test_equal_values_leave_a_knob_alone() -> None:
    search = search_thresholds([scored((SHOE, 0.99, True)) for _ in range(4)], CONFIG)
    assert search.config == CONFIG
    assert not search.is_better


def noise(rng: np.random.Generator, n_photos: int) -> list[CachedPhoto]:
    """Scores say nothing about what is right."""
    return [
        scored(*((int(rng.choice([SHIRT, SHOE])), rng.uniform(0.05, 1), bool(rng.random() < 0.5)) for _ in range(3)))
        for _ in range(n_photos)
    ]


def test_what_is_fitted_to_noise_is_not_sold_as_a_gain() -> None:
    start = replace(CONFIG, predictor_score_threshold=0.05)
    fitted, unseen = [], []
    for seed in range(100, 104):
        search = search_thresholds(noise(np.random.default_rng(seed), 40), start)
        assert search.cross_validated <= search.fitted
        assert not search.is_better
        fitted.append(search.fitted - search.before)
        unseen.append(search.cross_validated - search.before)
    assert np.mean(fitted) > 0, "there is always something to find on the very photos that are measured on"
    assert np.mean(unseen) < 0, "and it is worth nothing on others"


def test_a_held_out_photo_has_no_say_in_the_thresholds_it_is_measured_with() -> None:
    rng = np.random.default_rng(8)
    photos, others = noise(rng, 30), noise(rng, 30)
    held_out, seen = np.arange(0, 30, 3), np.setdiff1d(np.arange(30), np.arange(0, 30, 3))
    points = []
    for unseen in (photos, others):
        mixed = [unseen[row] if row in held_out else photos[row] for row in range(30)]
        rehearsal = Rehearsal(mixed, OBJECTIVES["kaggle"])
        common = fit_common(rehearsal, CONFIG, seen)
        points.append((common, fit_by_category(rehearsal, common, seen)))
    assert points[0] == points[1]


def test_whether_categories_get_their_own_thresholds_is_decided_without_the_photos_it_is_measured_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shoeless = tuple(1.0 if category_id == SHOE else 0.05 for category_id in range(N_CATEGORIES))
    monkeypatch.setattr(thresholds, "fit_common", lambda rehearsal, config, rows: config)
    monkeypatch.setattr(
        thresholds,
        "fit_by_category",
        lambda rehearsal, point, rows: replace(point, category_score_thresholds=shoeless),
    )
    gains = scored((SHIRT, 0.9, True), (SHOE, 0.9, False))  # 1/2, or 1 without shoes
    loses = scored(*[(SHIRT, 0.9, True)] * 3, (SHOE, 0.9, True))  # 1, or 3/4
    search = search_thresholds([gains, loses], CONFIG)
    assert search.config.category_score_thresholds == shoeless, "better on both together"
    assert (search.cross_validated_common, search.cross_validated_by_category) == (0.75, 0.875)
    assert search.cross_validated == 0.625, "each photo got what looked better on the other one"


@pytest.mark.parametrize("photos", [[], [scored((SHOE, 0.9, True))], [scored((SHOE, 0.9, False))] * 3])
def test_too_little_to_search_on_is_said(photos: list[CachedPhoto]) -> None:
    with pytest.raises(AnnotationError, match="at least two photos, with garments"):
        search_thresholds(photos, CONFIG)


def test_the_command_writes_a_tuned_checkpoint_and_a_report_beside_an_untouched_one(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    draw_catalog(scenes, products=8, scenes=3, seed=5)
    checkpoint = tmp_path / "mine.safetensors"
    checkpoint.write_bytes(SHIPPED_SEGMENTER.read_bytes())
    given = ["--checkpoint", str(checkpoint), "--data", str(scenes), "--images", str(scenes), "--folds", "2"]
    given += ["--annotations", str(scenes / "scenes_instances.json")]
    out, err = io.StringIO(), io.StringIO()
    call_command("tune_thresholds", *given, "--report", str(tmp_path / "report"), stdout=out, stderr=err)
    assert checkpoint.read_bytes() == SHIPPED_SEGMENTER.read_bytes()
    tuned = read_info(tmp_path / "mine.tuned.safetensors")
    report = json.loads((tmp_path / "report" / "thresholds.json").read_text())
    assert tuned.metrics["operating_point"]["n_photos"] == report["n_photos"] == 3
    assert tuned.metrics["operating_point"]["objective"] == "kaggle"
    for knob, value in report["config"].items():
        assert tuned.config["model"][knob] == value
    assert tuned.version in out.getvalue()
    assert "cross-validated" in out.getvalue()
    assert "cross-validated" in (tmp_path / "report" / "thresholds.md").read_text()
    assert (tmp_path / "report" / "thresholds.png").stat().st_size > 10_000
    with pytest.raises(CommandError, match="--seed: expected 0 or more"):
        call_command("tune_thresholds", *given, "--seed", "-1")
    with pytest.raises(CommandError, match="--folds"):
        call_command("tune_thresholds", *given[:-4], "--folds", "1")
