"""The evaluation report: from a checkpoint and photos to files a person reads, and two reports side by side."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.management import call_command
from django.core.management.base import CommandError
from PIL import Image

from segmentation.config import ModelConfig
from segmentation.config_files import to_mapping
from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.errors import AnnotationError, ReportError
from segmentation.evaluation.detections import STAGES, Predictions
from segmentation.evaluation.evaluated_data import TrainingData, read_evaluated_data
from segmentation.evaluation.reporting.chart_labels import label_points
from segmentation.evaluation.reporting.charts import new_figure
from segmentation.evaluation.reporting.comparison import compare
from segmentation.evaluation.reporting.comparison_text import comparison_section
from segmentation.evaluation.reporting.markdown import table
from segmentation.evaluation.reporting.report import Evaluation, Subject, evaluate, measured
from segmentation.evaluation.reporting.report_file import read_report, write_report
from segmentation.evaluation.reporting.report_folder import write_report_folder
from segmentation.evaluation.reporting.report_text import report_text
from segmentation.masks import rle_from_mask
from segmentation.model import build_mask_rcnn
from segmentation.taxonomy import CATEGORIES
from segmentation.types import Detection
from segmentation.weights import save_checkpoint

TINY = ModelConfig(
    fpn_channels=16, box_head_dim=16, mask_head_channels=(16,), max_side_px=64, min_side_px=64, max_detections=5
)
SUBJECT = Subject("tiny@00000000", {"model": {"backbone": "mobilenet_v2"}, "provenance": {}}, "cpu, 1 threads, fp32")
SHIRT, JACKET, SHOE = 0, 4, 23


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two validation photos and three for training, in COCO's layout."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    for split, names in (("val", ("a", "b")), ("train", ("c", "d", "e"))):
        for name in names:
            Image.new("RGB", (60, 80), (200, 40, 40)).save(folder / "images" / f"{name}.jpg")
        content = {
            "images": [
                {"id": n, "file_name": f"{name}.jpg", "width": 60, "height": 80} for n, name in enumerate(names)
            ],
            "categories": [{"id": each.id, "name": each.name} for each in CATEGORIES],
            "annotations": [
                {"id": n, "image_id": n // 2, "category_id": (JACKET, SHOE)[n % 2], "segmentation": [corners]}
                for n, corners in enumerate([[5, 5, 45, 5, 45, 60, 5, 60], [10, 62, 30, 62, 30, 76, 10, 76]] * 2)
            ],
        }
        (folder / f"instances_{split}.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model that takes everything for a jacket."""
    torch.manual_seed(0)
    model = build_mask_rcnn(TINY)
    with torch.no_grad():
        model.roi_heads.box_predictor.cls_score.bias[JACKET + 1] = 20.0
    file = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    config = {"name": "tiny", "model": to_mapping(TINY)}
    save_checkpoint(file, model.state_dict(), kind="segmenter", config=config, metrics={}, provenance={"data": "drawn"})
    return file


def run(*arguments: Any) -> str:
    out = io.StringIO()
    call_command("evaluate_segmenter", *map(str, arguments), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def mentioned(text: str) -> set[str]:
    return set(re.findall(r"!\[[^]]*\]\(([^)]+)\)", text))


def test_a_checkpoint_and_photos_give_a_report_that_stands_on_its_own(
    data: Path, checkpoint: Path, tmp_path: Path
) -> None:
    out, figures = tmp_path / "report", tmp_path / "figures.json"
    printed = run("--checkpoint", checkpoint, "--data", data, "--out", out, "--json", figures)
    assert "2 photos, 4 garments" in printed
    assert str(out / "report.md") in printed
    text = (out / "report.md").read_text()
    pictures = {file.name for file in out.iterdir()} - {"report.md", "report.json"}
    assert mentioned(text) == pictures, "every picture is shown, and none is missing"
    for name in pictures:
        with Image.open(out / name) as image:
            assert min(image.size) > 100
    assert f"evaluate_segmenter --checkpoint {checkpoint} --data {data} --out {out}" in text
    assert str(tmp_path) not in text.partition("## The checkpoint")[0], "figures and pictures hold no path of a machine"
    report = read_report(out / "report.json")
    assert report.checkpoint.startswith("tiny@")
    assert {row.name: (row.n_train, row.n_val) for row in report.categories} == {"jacket": (2, 2), "shoe": (2, 2)}
    assert report.n_shared_photos == 0
    assert list(report.kaggle_per_photo.values()) == pytest.approx([report.kaggle] * 2, abs=1)
    assert set(report.speed.stage_median_ms) == set(STAGES)
    table_content = json.loads(figures.read_text())
    assert table_content["n_photos"] == 2
    assert table_content["mask_ap"] == report.mask.ap


def test_the_same_checkpoint_and_photos_give_the_same_report_and_no_difference(
    data: Path, checkpoint: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run("--checkpoint", checkpoint, "--data", data, "--out", first)
    printed = run("--checkpoint", checkpoint, "--data", data, "--out", second, "--against", first / "report.json")
    before, after = read_report(first / "report.json"), read_report(second / "report.json")
    assert replace(before, speed=after.speed) == after
    changes = compare(before, after)
    assert {one.difference for one in changes.figures} <= {0.0, None}
    assert {each.mask_ap.difference for each in changes.categories} <= {0.0, None}
    assert (changes.kaggle_difference, changes.kaggle_interval) == (0.0, (0.0, 0.0))
    assert "chance alone may explain that" in printed
    assert "before_after.png" in mentioned((second / "report.md").read_text())
    assert "before_after.png" not in mentioned((first / "report.md").read_text())


def photo(file: Path, *category_ids: int) -> AnnotatedPhoto:
    Image.new("RGB", (30, 40), (10, 120, 30)).save(file)
    instances = []
    for place, category_id in enumerate(category_ids):
        mask = np.zeros((40, 30), np.uint8)
        mask[place * 10 : place * 10 + 9, 2:20] = 1
        instances.append(Instance(category_id, rle_from_mask(mask)))
    return AnnotatedPhoto(file.name, file, 40, 30, tuple(instances))


def copies(one: AnnotatedPhoto, score: float = 0.9) -> list[Detection]:
    return [Detection(each.category_id, score, (2, 0, 20, 9), each.mask) for each in one.instances]


def measure(photos: list[AnnotatedPhoto], detections: list[list[Detection]], **more: Any) -> Evaluation:
    found = Predictions(detections, np.ones((len(photos), len(STAGES))))
    return measured(photos, found, ModelConfig(predictor_score_threshold=0.5), SUBJECT, **more)


def test_a_perfect_model_has_perfect_figures(tmp_path: Path) -> None:
    photos = [photo(tmp_path / "a.jpg", SHIRT, SHOE), photo(tmp_path / "b.jpg", JACKET)]
    training = TrainingData(np.arange(46), 0)
    report = measure(photos, [copies(one) for one in photos], training=training).report
    assert (report.mask.ap, report.kaggle, report.kaggle_by_class) == pytest.approx((1.0, 1.0, 1.0))
    assert (report.sensitivity, report.precision) == (1.0, 1.0)
    assert set(report.errors.values()) == {0}
    rows = {row.id: row for row in report.categories}
    assert (rows[JACKET].n_train, rows[JACKET].kaggle, rows[JACKET].has_few) == (4, 1.0, True)
    assert (rows[30].n_val, rows[30].mask_ap, rows[30].sensitivity) == (0, None, None), "known from training alone"
    assert report.mask_ap_common is None, "no category has garments enough"


def test_weak_detections_count_for_ap_and_not_at_the_operating_point(tmp_path: Path) -> None:
    photos = [photo(tmp_path / "a.jpg", SHOE)]
    report = measure(photos, [copies(photos[0], score=0.3)]).report
    assert report.mask.ap == pytest.approx(1.0)
    assert (report.kaggle, report.sensitivity, report.precision) == (0.0, 0.0, None)


@pytest.mark.parametrize("case", ["nothing found", "nothing annotated", "neither"])
def test_a_report_is_written_where_there_is_little_to_say(tmp_path: Path, case: str) -> None:
    full, bare = photo(tmp_path / "a.jpg", SHIRT, SHOE), photo(tmp_path / "b.jpg")
    photos = [full] if case == "nothing found" else [bare]
    detections = [copies(full)] if case == "nothing annotated" else [[]]
    evaluation = measure(photos, detections)
    file = write_report_folder(evaluation, tmp_path / "out", comparison=compare(evaluation.report, evaluation.report))
    text = file.read_text()
    shown = mentioned(text)
    assert shown == {each.name for each in (tmp_path / "out").iterdir()} - {"report.md", "report.json"}
    assert ("misses.jpg" in shown) == (case == "nothing found")
    assert ("false_alarms.jpg" in shown) == (case == "nothing annotated")
    assert "nan" not in text.lower().replace("annotat", "")
    assert read_report(tmp_path / "out" / "report.json") == evaluation.report


def test_photos_that_were_trained_on_are_told(data: Path, tmp_path: Path) -> None:
    validation, training = read_evaluated_data(data, train_annotations=data / "instances_val.json")
    assert training is not None
    assert training.n_shared_photos == 2
    silence: list[list[Detection]] = [[] for _ in validation.photos]
    evaluation = measure(list(validation.photos), silence, training=training)
    assert (
        "**2 of these photos are in the training annotations too.**"
        in write_report_folder(evaluation, tmp_path / "out").read_text()
    )


def test_without_training_annotations_the_photos_are_evaluated_all_the_same(data: Path) -> None:
    (data / "instances_train.json").unlink()
    validation, training = read_evaluated_data(data)
    assert (len(validation.photos), training) == (2, None)
    with pytest.raises(AnnotationError):
        read_evaluated_data(data, train_annotations=data / "gone.json")


def test_a_comparison_says_what_rose_and_what_cannot_be_compared(tmp_path: Path) -> None:
    photos = [photo(tmp_path / f"{name}.jpg", SHIRT, SHOE) for name in "abcdef"]
    poor = measure(photos, [copies(one)[:1] for one in photos]).report
    good = measure(photos, [copies(one) for one in photos]).report
    better = compare(poor, good)
    assert better.kaggle_difference == pytest.approx(0.5)
    assert better.kaggle_interval == pytest.approx((0.5, 0.5))
    shoe = next(each for each in better.categories if each.name == "shoe")
    assert (shoe.mask_ap.difference, shoe.sensitivity.difference) == pytest.approx((1.0, 1.0))
    assert "more than chance explains" in comparison_section(better, None)
    elsewhere = measure([photo(tmp_path / "z.jpg", SHOE)], [[]]).report
    assert "no photo in common" in comparison_section(compare(elsewhere, good), None)
    fewer = measure(photos[:3], [copies(one) for one in photos[:3]]).report
    assert "different photos" in comparison_section(compare(fewer, good), None)


@pytest.mark.parametrize("content", [None, "", "[]", '{"format": 99}', '{"format": 1}'])
def test_what_is_no_report_is_refused_before_the_model_runs(data: Path, tmp_path: Path, content: str | None) -> None:
    other = tmp_path / "other.json"
    if content is not None:
        other.write_text(content)
    with pytest.raises(CommandError, match=r"other\.json"):
        run("--checkpoint", tmp_path / "gone.safetensors", "--data", data, "--against", other)


@pytest.mark.parametrize("option", ["--out", "--json"])
def test_where_nothing_can_be_written_is_told_before_the_model_runs(data: Path, tmp_path: Path, option: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CommandError, match=r"Errno.*file"):
        run("--checkpoint", tmp_path / "gone.safetensors", "--data", data, option, tmp_path / "file" / "x.json")


def test_categories_nobody_validates_come_last(tmp_path: Path) -> None:
    one = photo(tmp_path / "a.jpg", SHIRT, SHOE)
    counts = np.zeros(46, np.int64)
    counts[[SHIRT, SHOE, 10]] = 3
    report = measure([one], [copies(one)], training=TrainingData(counts, 0)).report
    rows = report_text(report, {}).partition("## Categories")[2].partition("## ")[0]
    names = [line.split("|")[1].strip() for line in rows.splitlines() if line.startswith("| ")]
    assert names[-1] == f"{CATEGORIES[10].name} (few)"
    assert len(names) == 4


def test_a_folder_that_cannot_be_made_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    photos = [photo(tmp_path / "a.jpg", SHOE)]
    with pytest.raises(ReportError, match="file"):
        write_report_folder(measure(photos, [[]]), tmp_path / "file" / "report")


def test_no_photo_is_an_error() -> None:
    with pytest.raises(AnnotationError, match="no annotated photo"):
        evaluate(None, (), subject=SUBJECT)  # type: ignore[arg-type]


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    photos = [photo(tmp_path / "a.jpg", SHIRT, SHOE)]
    report = measure(photos, [copies(photos[0])[:1]]).report
    write_report(report, tmp_path / "report.json")
    assert read_report(tmp_path / "report.json") == report


def test_names_beside_points_do_not_lie_on_each_other() -> None:
    figure = new_figure(6, 4)
    axes = figure.add_subplot()
    axes.set(xlim=(0, 10), ylim=(0, 1))
    points = [(5 + 0.1 * n, 0.5) for n in range(8)]
    label_points(figure, axes, points, [f"category {n}" for n in range(8)], size_pt=9)
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    assert len(boxes) == 8
    assert not any(one.overlaps(other) for n, one in enumerate(boxes) for other in boxes[:n])


def test_a_table_keeps_its_columns_whatever_a_name_holds() -> None:
    assert table(("a", "n"), [("x|y", "1")]).splitlines()[-1] == r"| x\|y | 1 |"
