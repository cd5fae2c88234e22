"""Every kind of bad row, image or annotation is a problem of its own, in both layouts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmentation.data.annotations import AnnotationSet
from segmentation.data.coco import read_coco
from segmentation.data.imaterialist import read_imaterialist
from segmentation.data.problems import ProblemKind
from segmentation.data.rle import format_encoded_pixels
from segmentation.errors import AnnotationError
from segmentation.masks import mask_from_rle, rle_area, rle_from_mask
from segmentation.taxonomy import CATEGORIES

MASK = np.zeros((40, 30), np.uint8)
MASK[5:25, 10:20] = 1
RLE = rle_from_mask(MASK)
RUNS = format_encoded_pixels(RLE)
HEADER = "ImageId,EncodedPixels,Height,Width,ClassId"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (30, 40), (200, 40, 40)).save(tmp_path / "images" / name)
    return tmp_path


def read_rows(data: Path, *rows: str) -> AnnotationSet:
    (data / "train.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return read_imaterialist(data / "train.csv", data / "images")


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (ProblemKind.MISSING_IMAGE, f"gone.jpg,{RUNS},40,30,4"),
        (ProblemKind.MISSING_IMAGE, f"../images/a.jpg,{RUNS},40,30,4"),
        (ProblemKind.MISSING_IMAGE, f",{RUNS},40,30,4"),
        (ProblemKind.SIZE_MISMATCH, f"a.jpg,{RUNS},30,40,4"),
        (ProblemKind.BAD_NUMBER, f"a.jpg,{RUNS},tall,30,4"),
        (ProblemKind.BAD_NUMBER, f"a.jpg,{RUNS},40,30.5,4"),
        (ProblemKind.BAD_NUMBER, f"a.jpg,{RUNS},0,30,4"),
        (ProblemKind.BAD_NUMBER, f"a.jpg,{RUNS},-40,30,4"),
        (ProblemKind.BAD_NUMBER, f"a.jpg,{RUNS},40000,30000,4"),
        (ProblemKind.BAD_NUMBER, "a.jpg,1 2 three 1,40,30,4"),
        (ProblemKind.BAD_NUMBER, "a.jpg,1 2.5,40,30,4"),
        (ProblemKind.BAD_NUMBER, f"a.jpg,{RUNS},40,30,shirt"),
        (ProblemKind.BAD_NUMBER, f"a.jpg,{RUNS},40,30,"),
        (ProblemKind.UNKNOWN_CLASS, f"a.jpg,{RUNS},40,30,46"),
        (ProblemKind.UNKNOWN_CLASS, f"a.jpg,{RUNS},40,30,-1"),
        (ProblemKind.UNKNOWN_ATTRIBUTE, f"a.jpg,{RUNS},40,30,10_1_92"),
        (ProblemKind.EMPTY_MASK, "a.jpg,,40,30,4"),
        (ProblemKind.ODD_RUNS, "a.jpg,1 2 3,40,30,4"),
        (ProblemKind.EMPTY_RUN, "a.jpg,1 2 9 0,40,30,4"),
        (ProblemKind.EMPTY_RUN, "a.jpg,1 2 9 -3,40,30,4"),
        (ProblemKind.OVERLAPPING_RUNS, "a.jpg,1 5 3 2,40,30,4"),
        (ProblemKind.OVERLAPPING_RUNS, "a.jpg,9 2 1 9,40,30,4"),
        (ProblemKind.PAST_THE_END, "a.jpg,1199 3,40,30,4"),
        (ProblemKind.PAST_THE_END, "a.jpg,0 3,40,30,4"),
        (ProblemKind.PAST_THE_END, "a.jpg,1 99999999999999999999,40,30,4"),
        (ProblemKind.DUPLICATE, f"a.jpg,{RUNS},40,30,4_2"),
        (ProblemKind.MALFORMED, f"a.jpg,{RUNS},40"),
    ],
)
def test_a_bad_row_is_a_problem_of_its_kind_and_its_photo_stays(data: Path, kind: ProblemKind, row: str) -> None:
    found = read_rows(data, f"a.jpg,{RUNS},40,30,4", row, f"a.jpg,{RUNS},40,30,5")
    [problem] = found.problems
    assert (problem.file.name, problem.row, problem.kind) == ("train.csv", 3, kind)
    assert problem.reason
    assert [photo.image_id for photo in found.photos] == ["a.jpg"]
    assert [instance.category_id for instance in found.photos[0].instances] == [4, 5]


def test_rows_of_a_photo_need_not_stand_together_nor_runs_be_in_order(data: Path) -> None:
    pairs = RUNS.split()
    backwards = " ".join(f"{pairs[at]} {pairs[at + 1]}" for at in range(len(pairs) - 2, -1, -2))
    found = read_rows(
        data, f"b,{RUNS},40,30,1_7", f"a.jpg,{backwards},40,30,2", "", "b,1 3,40,30,3", "a.jpg,4 5,40,30,4_1_2"
    )
    assert found.problems == ()
    b, a = found.photos
    assert (b.file.name, a.file.name) == ("b.jpg", "a.jpg")
    assert [(each.category_id, each.attribute_ids) for each in b.instances] == [(1, (7,)), (3, ())]
    assert [(each.category_id, each.attribute_ids) for each in a.instances] == [(2, ()), (4, (1, 2))]
    assert (mask_from_rle(a.instances[0].mask) == MASK).all()
    assert [rle_area(each.mask) for each in (b.instances[1], a.instances[1])] == [3, 5]


def test_photos_may_be_links_and_lie_in_folders(data: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("disk") / "c.jpg"
    Image.new("RGB", (30, 40)).save(elsewhere)
    (data / "images" / "spring").mkdir()
    (data / "images" / "spring" / "c.jpg").symlink_to(elsewhere)
    (data / "images" / "spring" / "dead.jpg").symlink_to(data / "nowhere")
    rows = (f"{name},{RUNS},40,30,4" for name in ("spring/c", "spring/dead.jpg", "summer/c.jpg", "spring"))
    found = read_rows(data, *rows)
    assert [photo.file for photo in found.photos] == [data / "images" / "spring" / "c.jpg"]
    assert [problem.row for problem in found.problems] == [3, 4, 5]


def test_reading_reports_its_progress_up_to_the_files_end(data: Path) -> None:
    read_rows(data, *(f"a.jpg,{number} 1,40,30,4" for number in range(1, 1200)))
    content = (data / "train.csv").read_text().splitlines()
    (data / "train.csv").write_text("\n".join([content[0], *content[1:] * 9]))
    calls: list[tuple[int, int]] = []
    read_imaterialist(data / "train.csv", data / "images", on_progress=lambda *call: calls.append(call))
    size = (data / "train.csv").stat().st_size
    assert calls == sorted(calls)
    assert len(calls) > 3
    assert calls[-1] == (size, size)


def coco_file(data: Path, annotation: dict[str, Any], *images: Any) -> Path:
    good = {"image_id": 7, "category_id": 4, "segmentation": dict(RLE)}
    content = {
        "images": [{"id": 7, "file_name": "a.jpg", "height": 40, "width": 30}, *images],
        "categories": [{"id": each.id, "name": each.name} for each in CATEGORIES],
        "annotations": [good, {**good, "category_id": 5, **annotation}],
    }
    (data / "instances_train.json").write_text(json.dumps(content))
    return data / "instances_train.json"


@pytest.mark.parametrize(
    ("kind", "annotation"),
    [
        (ProblemKind.MISSING_IMAGE, {"image_id": 8}),
        (ProblemKind.BAD_NUMBER, {"category_id": "shirt"}),
        (ProblemKind.BAD_NUMBER, {"category_id": 4.5}),
        (ProblemKind.UNKNOWN_CLASS, {"category_id": 46}),
        (ProblemKind.UNKNOWN_ATTRIBUTE, {"attribute_ids": [3, 92]}),
        (ProblemKind.MALFORMED, {"attribute_ids": 3}),
        (ProblemKind.DUPLICATE, {"category_id": 4}),
        (ProblemKind.SIZE_MISMATCH, {"segmentation": {**RLE, "size": [30, 40]}}),
        (ProblemKind.EMPTY_MASK, {"segmentation": dict(rle_from_mask(np.zeros((40, 30), np.uint8)))}),
        (ProblemKind.PAST_THE_END, {"segmentation": {**RLE, "counts": "oooooo0"}}),
        (ProblemKind.PAST_THE_END, {"segmentation": {**RLE, "counts": RLE["counts"][:-3]}}),
        (ProblemKind.PAST_THE_END, {"segmentation": {"size": [40, 30], "counts": [5, 10]}}),
        (ProblemKind.BAD_NUMBER, {"segmentation": {"size": [40, 30], "counts": [5.5, 1194.5]}}),
        (ProblemKind.BAD_NUMBER, {"segmentation": {"size": [40, "x"], "counts": [1200]}}),
        (ProblemKind.MALFORMED, {"segmentation": {"size": [40, 30]}}),
        (ProblemKind.MALFORMED, {"segmentation": None}),
        (ProblemKind.BAD_POLYGON, {"segmentation": [[1, 1, 9, 9]]}),
        (ProblemKind.BAD_POLYGON, {"segmentation": [[1, 1, 9, 9, 1, 900]]}),
        (ProblemKind.BAD_POLYGON, {"segmentation": [[1, 1, 9, 9, 1, float("nan")]]}),
        (ProblemKind.BAD_BOX, {"bbox": [10, 5, 10]}),
        (ProblemKind.BAD_BOX, {"bbox": [10, 5, 0, 20]}),
        (ProblemKind.BAD_BOX, {"bbox": [5, 10, 20, 10]}),
        (ProblemKind.BAD_BOX, {"bbox": [10, 5, float("inf"), 20]}),
    ],
)
def test_a_bad_coco_annotation_is_a_problem_of_its_kind(
    data: Path, kind: ProblemKind, annotation: dict[str, Any]
) -> None:
    found = read_coco(coco_file(data, annotation), data / "images")
    [problem] = found.problems
    assert (problem.row, problem.kind) == (1, kind)
    assert problem.reason.startswith("annotation: ")
    assert [instance.category_id for instance in found.photos[0].instances] == [4]


@pytest.mark.parametrize(
    ("kind", "image"),
    [
        (ProblemKind.MISSING_IMAGE, {"id": 8, "file_name": "gone.jpg", "height": 40, "width": 30}),
        (ProblemKind.BAD_NUMBER, {"id": 8, "file_name": "b.jpg", "height": 40.5, "width": 30}),
        (ProblemKind.BAD_NUMBER, {"id": 8, "file_name": "b.jpg", "height": True, "width": 30}),
        (ProblemKind.DUPLICATE, {"id": 7, "file_name": "b.jpg", "height": 40, "width": 30}),
        (ProblemKind.DUPLICATE, {"id": 8, "file_name": "a.jpg", "height": 40, "width": 30}),
        (ProblemKind.MALFORMED, {"id": 8, "file_name": "b.jpg", "height": 40}),
        (ProblemKind.MALFORMED, "b.jpg"),
    ],
)
def test_a_bad_coco_image_is_one_problem_and_its_annotations_are_no_more(
    data: Path, kind: ProblemKind, image: Any
) -> None:
    of_image = {"image_id": 8} if isinstance(image, dict) and image["id"] == 8 else {}
    found = read_coco(coco_file(data, of_image, image), data / "images")
    [problem] = found.problems
    assert (problem.row, problem.kind) == (1, kind)
    assert [photo.image_id for photo in found.photos] == ["a.jpg"]


def test_the_mark_that_windows_editors_write_is_no_error(data: Path) -> None:
    file = coco_file(data, {})
    plain = read_coco(file, data / "images")
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read_coco(file, data / "images").photos == plain.photos


@pytest.mark.parametrize("category", [{"id": [1], "name": "x"}, {"id": 4}, {"name": "shirt, blouse"}, {}])
def test_a_category_that_is_not_the_taxonomys_is_refused(data: Path, category: dict[str, Any]) -> None:
    file = coco_file(data, {})
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "categories": [category]}))
    with pytest.raises(AnnotationError, match="the taxonomy has"):
        read_coco(file, data / "images")


def test_a_box_that_fits_its_mask_to_a_pixel_is_no_problem(data: Path) -> None:
    found = read_coco(coco_file(data, {"bbox": [9.2, 5.4, 11.1, 19.8], "attribute_ids": [3, 91]}), data / "images")
    assert found.problems == ()
    assert found.photos[0].instances[1].attribute_ids == (3, 91)
