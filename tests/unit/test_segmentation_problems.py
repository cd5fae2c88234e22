"""Problems of annotations and photos are all told before anything is trained, and left out where that is wanted."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from PIL import Image

from benchmarks.annotations_at_size import draw_data
from segmentation.data.annotations import AnnotationSet
from segmentation.data.checks import check_photos
from segmentation.data.imaterialist import read_imaterialist
from segmentation.data.problems import AnnotationProblem, ProblemKind, counts_by_kind, told, write_problems
from segmentation.data.rle import format_encoded_pixels
from segmentation.management.annotated_data import training_photos
from segmentation.masks import rle_from_mask
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


def test_photos_that_cannot_be_decoded_or_have_another_size_are_left_out_and_named(data: Path) -> None:
    (data / "images" / "empty.jpg").touch()
    (data / "images" / "text.jpg").write_text("no photo")
    (data / "images" / "cut.jpg").write_bytes((data / "images" / "a.jpg").read_bytes()[:20])
    Image.new("RGB", (40, 30)).save(data / "images" / "turned.jpg")
    names = ("a.jpg", "empty.jpg", "text.jpg", "cut.jpg", "turned.jpg", "b.jpg")
    read = read_rows(data, *(f"{name},{RUNS},40,30,4" for name in names), "a.jpg,,40,30,4")
    calls: list[tuple[int, int]] = []
    found = check_photos(read, on_progress=lambda *call: calls.append(call))
    assert [photo.image_id for photo in found.photos] == ["a.jpg", "b.jpg"]
    assert found.problems[:1] == read.problems
    assert [(problem.file.name, problem.row, problem.kind) for problem in found.problems[1:]] == [
        ("empty.jpg", None, ProblemKind.UNREADABLE_IMAGE),
        ("text.jpg", None, ProblemKind.UNREADABLE_IMAGE),
        ("cut.jpg", None, ProblemKind.UNREADABLE_IMAGE),
        ("turned.jpg", None, ProblemKind.SIZE_MISMATCH),
    ]
    assert str(found.problems[-1]) == "turned.jpg: the photo is 40x30, annotated as 30x40"
    assert calls[-1] == (6, 6)


def test_a_photo_that_is_deleted_between_reading_and_checking_is_a_problem(data: Path) -> None:
    read = read_rows(data, f"a.jpg,{RUNS},40,30,4")
    (data / "images" / "a.jpg").unlink()
    assert [problem.kind for problem in check_photos(read).problems] == [ProblemKind.UNREADABLE_IMAGE]


def test_many_problems_are_told_by_their_first_ones_and_written_all(tmp_path: Path) -> None:
    problems = [AnnotationProblem(Path("train.csv"), row, ProblemKind.ODD_RUNS, "odd") for row in range(50)]
    problems += [AnnotationProblem(Path("a.jpg"), None, ProblemKind.SIZE_MISMATCH, 'is 1x2, "not" 2x1')]
    lines = list(told(problems, at_most=20))
    assert len(lines) == 22
    assert lines[19:21] == ["train.csv, row 19: odd", "... odd count of run-lengths: 30 more"]
    assert counts_by_kind(problems) == "odd count of run-lengths 50, size mismatch 1"
    write_problems(problems, tmp_path / "new" / "problems.csv")
    with (tmp_path / "new" / "problems.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 51
    assert rows[-1] == {"file": "a.jpg", "row": "", "kind": "size mismatch", "reason": 'is 1x2, "not" 2x1'}


def check(data: Path, *options: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("check_annotations", "--data", str(data), *options, stdout=out, stderr=err)
    except CommandError as error:
        err.write(str(error))
    return out.getvalue(), err.getvalue()


def test_the_check_command_prints_what_a_data_set_holds(data: Path) -> None:
    read_rows(data, f"a.jpg,{RUNS},40,30,4", f"a.jpg,{RUNS},40,30,23")
    (data / "val.csv").write_text(f"{HEADER}\nb.jpg,{RUNS},40,30,4\n")
    out, err = check(data)
    assert err == ""
    assert "training: 1 photos" in out
    assert "validation: 1 photos" in out
    assert any(line.split() == ["jacket", "1", "1", "16.67%"] for line in out.splitlines())
    assert out.endswith("no problems\n")


def test_the_check_command_fails_where_there_is_a_problem_and_lists_rows_and_photos_at_once(data: Path) -> None:
    (data / "images" / "b.jpg").write_bytes(b"")
    read_rows(data, f"a.jpg,{RUNS},40,30,4", "a.jpg,1 2 3,40,30,4")
    (data / "val.csv").write_text(f"{HEADER}\nb.jpg,{RUNS},40,30,4\n")
    _, err = check(data, "--problems", str(data / "problems.csv"))
    assert "train.csv, row 3: an odd count" in err
    assert "b.jpg: the file is empty" in err
    assert "2 problems: odd count of run-lengths 1, unreadable image 1" in err
    assert len((data / "problems.csv").read_text().splitlines()) == 3
    assert "b.jpg" not in check(data, "--no-photo-check")[1]


def options_of(data: Path, **changes: Any) -> dict[str, Any]:
    options = {"data": data, "out": data / "run", "also": [], "photo_check": True, "skip_bad": False}
    return {**options, "annotations": None, "val_annotations": None, "images": None, **changes}


def test_training_refuses_bad_annotations_and_goes_on_without_them_when_told_to(data: Path) -> None:
    (data / "images" / "b.jpg").write_bytes(b"")
    read_rows(data, f"a.jpg,{RUNS},40,30,4", "a.jpg,1 2 3,40,30,4", f"b.jpg,{RUNS},40,30,4")
    (data / "val.csv").write_text(f"{HEADER}\nc.jpg,{RUNS},40,30,4\n")
    shutil.copy(data / "images" / "a.jpg", data / "images" / "c.jpg")
    err = io.StringIO()
    command = BaseCommand(stdout=io.StringIO(), stderr=err)
    counted = "2 (odd count of run-lengths 1, unreadable image 1)"
    with pytest.raises(CommandError, match=re.escape(counted)):
        training_photos(command, options_of(data))
    assert len((data / "run" / "problems.csv").read_text().splitlines()) == 3
    train, val = training_photos(command, options_of(data, skip_bad=True))
    assert f"going on without annotations that cannot be used: {counted}" in err.getvalue()
    assert ([photo.image_id for photo in train], len(val), train.n_instances) == (["a.jpg"], 1, 1)


def test_training_never_sees_a_photo_it_is_measured_with(data: Path) -> None:
    (data / "images" / "link.jpg").symlink_to("b.jpg")
    read_rows(data, f"a.jpg,{RUNS},40,30,4", f"link.jpg,{RUNS},40,30,4")
    (data / "val.csv").write_text(f"{HEADER}\nb.jpg,{RUNS},40,30,4\n")
    command = BaseCommand(stdout=io.StringIO(), stderr=io.StringIO())
    with pytest.raises(CommandError, match=r"1 \(validation photo in training 1\)"):
        training_photos(command, options_of(data))
    train, val = training_photos(command, options_of(data, skip_bad=True))
    assert [photo.image_id for photo in (*train, *val)] == ["a.jpg", "b.jpg"]


def test_one_file_may_be_learned_by_heart_on_purpose(data: Path) -> None:
    read_rows(data, f"a.jpg,{RUNS},40,30,4")
    command = BaseCommand(stdout=io.StringIO(), stderr=io.StringIO())
    same = {"annotations": data / "train.csv", "val_annotations": data / "train.csv"}
    train, val = training_photos(command, options_of(data, **same))
    assert train == val


def test_a_list_of_problems_that_cannot_be_written_is_told(data: Path) -> None:
    read_rows(data, "a.jpg,1 2 3,40,30,4")
    assert "Is a directory" in check(data, "--problems", str(data))[1]


def test_mended_annotations_leave_no_list_of_problems_behind(data: Path) -> None:
    (data / "val.csv").write_text(f"{HEADER}\nb.jpg,{RUNS},40,30,4\n")
    read_rows(data, f"a.jpg,{RUNS},40,30,4", "a.jpg,,40,30,4")
    command = BaseCommand(stdout=io.StringIO(), stderr=io.StringIO())
    with pytest.raises(CommandError):
        training_photos(command, options_of(data))
    read_rows(data, f"a.jpg,{RUNS},40,30,4")
    content = {
        "images": [{"id": 7, "file_name": "a.jpg", "height": 40, "width": 30}],
        "categories": [{"id": each.id, "name": each.name} for each in CATEGORIES],
        "annotations": [{"image_id": 7, "category_id": 5, "segmentation": dict(RLE)}],
    }
    more = data / "images" / "more.json"
    more.write_text(json.dumps(content))
    train, _ = training_photos(command, options_of(data, also=[more]))
    assert [photo.image_id for photo in train] == ["a.jpg", "a.jpg"], "its own photos, then those of --also"
    assert not (data / "run" / "problems.csv").exists()


def test_drawn_data_of_any_size_is_read_without_a_problem(tmp_path: Path) -> None:
    draw_data(tmp_path, n_photos=6, n_instances=30)
    (tmp_path / "again").mkdir()
    draw_data(tmp_path / "again", n_photos=6, n_instances=30)
    assert (tmp_path / "train.csv").read_bytes() == (tmp_path / "again" / "train.csv").read_bytes()
    found = read_imaterialist(tmp_path / "train.csv", tmp_path / "images")
    assert found.problems == ()
    assert (len(found.photos), found.n_instances) == (6, 30)
