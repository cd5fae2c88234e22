"""A submission holds what was detected, survives a kill, and its checker finds what the competition would refuse."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from segmentation.config import ModelConfig
from segmentation.data.problems import AnnotationProblem, ProblemKind
from segmentation.errors import AnnotationError
from segmentation.evaluation.submissions.submission import (
    Submission,
    SubmissionFormat,
    apart,
    listed_photos,
    read_sample_submission,
    write_submission,
)
from segmentation.evaluation.submissions.submission_check import check_submission
from segmentation.masks import mask_from_rle, rle_from_mask
from segmentation.segmenter import Segmenter
from segmentation.types import Detection

HEADER = "ImageId,EncodedPixels,ClassId\n"


def detection(mask: NDArray[Any], category_id: int = 0, score: float = 0.9) -> Detection:
    return Detection(category_id, score, (0, 0, 1, 1), rle_from_mask(np.asarray(mask, dtype=np.uint8)))


def naive_mask(runs: str, height: int, width: int) -> NDArray[np.int64]:
    """EncodedPixels as the evaluation page explains them, pixel by pixel."""
    mask = np.zeros((height, width), dtype=np.int64)
    numbers = [int(word) for word in runs.split()]
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        for pixel in range(start - 1, start - 1 + length):
            mask[pixel % height, pixel // height] += 1
    return mask


class Seen:
    """A segmenter that sees what it is told to: for each photo's blue, masks at any size."""

    def __init__(self, garments: int = 2) -> None:
        self.config, self.asked, self._garments = ModelConfig(), Counter[int](), garments
        self.fails_at = -1

    def fit(self, image_rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return image_rgb

    def detect(self, images: list[NDArray[np.uint8]], sizes: list[tuple[int, int]]) -> list[list[Detection]]:
        blue = int(images[0][..., 2].mean().round())
        if sum(self.asked.values()) == self.fails_at:
            raise KeyboardInterrupt
        self.asked[blue] += 1
        if blue == 0:
            return [[]]
        width, height = sizes[0]
        rng = np.random.default_rng(blue)
        masks = rng.random((self._garments, height, width)) < 0.3
        return [[detection(mask, int(rng.integers(46)), 0.9 - 0.1 * i) for i, mask in enumerate(masks)]]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for blue, name in enumerate(["a.png", "b.png", "c.png", "d.png"]):
        Image.new("RGB", (24, 18), (9, 9, 10 * blue)).save(folder / name)
    (folder / "notes.txt").write_text("no photo")
    return folder


def write(
    photos: Path, out: Path, *, seen: Seen | None = None, wanted: dict[str, str] | None = None, **form: Any
) -> Submission:
    segmenter = cast(Segmenter, seen if seen is not None else Seen())
    names = listed_photos(photos) if wanted is None else wanted
    return write_submission(segmenter, names, photos, out, SubmissionFormat(**form), identity="one")


def rows_of(file: Path) -> list[list[str]]:
    return [line.split(",") for line in file.read_text().splitlines()[1:]]


def test_rows_decode_to_what_was_detected_and_photos_without_a_garment_have_a_filler(
    photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "s.csv"
    written = write(photos, out, mask_side_px=8)
    assert out.read_text().startswith(HEADER)
    rows = rows_of(out)
    assert rows[0] == ["a.png", "1 1", "23"]
    assert [row[0] for row in rows[1:]] == ["b.png", "b.png", "c.png", "c.png", "d.png", "d.png"]
    assert (written.n_photos, written.n_rows, written.problems) == (4, 7, ())
    for name, blue in (("b.png", 10), ("c.png", 20)):
        rng = np.random.default_rng(blue)
        union = (rng.random((2, 8, 8)) < 0.3).any(axis=0)
        decoded = [naive_mask(row[1], 8, 8) for row in rows if row[0] == name]
        np.testing.assert_array_equal(sum(decoded), union)  # equality also says that no pixel is claimed twice
    assert not list(tmp_path.glob("*.partial"))


def test_masks_have_the_competitions_size_unless_the_photos_own_is_asked_for(photos: Path, tmp_path: Path) -> None:
    write(photos, tmp_path / "s.csv")
    pixels = [
        int(start) + int(length) - 1
        for row in rows_of(tmp_path / "s.csv")[1:]
        for start, length in [row[1].split()[-2:]]
    ]
    assert all(18 * 24 < pixel <= 512 * 512 for pixel in pixels)
    write(photos, tmp_path / "o.csv", mask_side_px=None)
    for row in rows_of(tmp_path / "o.csv"):
        assert naive_mask(row[1], 18, 24).max() == 1


def test_a_bad_or_missing_photo_gets_its_filler_and_is_told(photos: Path, tmp_path: Path) -> None:
    (photos / "b.png").write_bytes(b"broken")
    wanted = {"b.png": "7", "gone.png": "11_2", "c.png": "23", "../a.png": "1"}
    written = write(photos, tmp_path / "s.csv", wanted=wanted, mask_side_px=8)
    rows = rows_of(tmp_path / "s.csv")
    assert [row for row in rows if row[0] != "c.png"] == [
        ["b.png", "1 1", "7"],
        ["gone.png", "1 1", "11_2"],
        ["../a.png", "1 1", "1"],
    ]
    assert [problem.split(": ")[0] for problem in written.problems] == ["b.png", "gone.png", "../a.png"]


def test_left_out_categories_have_no_rows(photos: Path, tmp_path: Path) -> None:
    write(photos, tmp_path / "all.csv", mask_side_px=8)
    category = rows_of(tmp_path / "all.csv")[1][2]
    write(photos, tmp_path / "s.csv", mask_side_px=8, left_out=frozenset({int(category)}))
    kept, before = rows_of(tmp_path / "s.csv"), rows_of(tmp_path / "all.csv")
    assert not [row for row in kept if row[2] == category and row[1] != "1 1"]
    assert {row[0] for row in kept} == {row[0] for row in before}


def killed(photos: Path, out: Path, after: int) -> Path:
    seen = Seen()
    seen.fails_at = after
    with pytest.raises(KeyboardInterrupt):
        write(photos, out, seen=seen, mask_side_px=8)
    [partial] = (file for file in out.parent.glob("*.csv.*.partial") if "problems" not in file.name)
    return partial


def test_a_killed_run_goes_on_wherever_it_was_cut(photos: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.csv"
    write(photos, whole, mask_side_px=8)
    out = tmp_path / "s.csv"
    partial = killed(photos, out, after=3)
    content = partial.read_bytes()
    assert whole.read_bytes().startswith(content)
    for cut in range(len(content) + 1):
        partial.write_bytes(content[:cut])
        seen = Seen()
        written = write(photos, out, seen=seen, mask_side_px=8)
        assert out.read_bytes() == whole.read_bytes(), cut
        assert (written.n_photos, written.n_rows) == (4, 7)
        assert sum(seen.asked.values()) == 4 - written.n_resumed
        out.unlink()
    assert written.n_resumed == 2, "the last photo's rows may be cut off, so it is looked at again"


def test_what_other_settings_left_is_not_gone_on_with(photos: Path, tmp_path: Path) -> None:
    killed(photos, tmp_path / "s.csv", after=3)
    assert write(photos, tmp_path / "s.csv", mask_side_px=9).n_resumed == 0
    assert not list(tmp_path.glob("*.partial"))


def test_bad_photos_are_still_told_after_a_kill(photos: Path, tmp_path: Path) -> None:
    (photos / "a.png").write_bytes(b"broken")
    killed(photos, tmp_path / "s.csv", after=2)
    written = write(photos, tmp_path / "s.csv", mask_side_px=8)
    assert written.n_resumed == 2
    assert [problem.split(": ")[0] for problem in written.problems] == ["a.png"]


masks_strategy = st.lists(
    st.tuples(st.integers(0, 2**16 - 1), st.integers(0, 2), st.integers(1, 99)), min_size=0, max_size=5
)


@settings(max_examples=60, deadline=None)
@given(masks_strategy, st.sampled_from(["photo", "category"]))
def test_masks_are_kept_apart_and_lose_no_pixel_together(drawn: list[tuple[int, int, int]], within: str) -> None:
    found = [
        detection(((bits >> np.arange(16)) & 1).reshape(4, 4), category, score / 100) for bits, category, score in drawn
    ]
    kept = apart(found, within)
    groups = {item.category_id for item in found} if within == "category" else {None}
    for group in groups:
        before = [mask_from_rle(item.mask) for item in found if group in (None, item.category_id)]
        after = [mask_from_rle(item.mask) for item in kept if group in (None, item.category_id)]
        count = np.sum(after, axis=0) if after else np.zeros((4, 4))
        assert count.max(initial=0) <= 1
        np.testing.assert_array_equal(count > 0, np.any(before, axis=0) if before else np.zeros((4, 4), bool))
    assert [item.score for item in kept] == sorted((item.score for item in kept), reverse=True)
    assert all(mask_from_rle(item.mask).any() for item in kept)


def check(tmp_path: Path, text: str, *, sample: dict[str, str] | None = None, **form: Any) -> list[AnnotationProblem]:
    file = tmp_path / "s.csv"
    file.write_text(text)
    form = {"mask_side_px": 4, **form}
    return list(check_submission(file, SubmissionFormat(**form), sample=sample).problems)


@pytest.mark.parametrize(
    ("row", "kind", "reason"),
    [
        ("a.jpg,1 2 3,7", ProblemKind.ODD_RUNS, "an odd count of numbers (3)"),
        ("a.jpg,5 2 1 2,7", ProblemKind.UNSORTED_RUNS, "the run at 1 follows that at 5"),
        ("a.jpg,5 2 5 1,7", ProblemKind.DUPLICATE, "two runs at 5"),
        ("a.jpg,1 4 3 1,7", ProblemKind.OVERLAPPING_RUNS, "the runs at 1 and 3 overlap"),
        ("a.jpg,15 3,7", ProblemKind.PAST_THE_END, "a run ends at pixel 17 of 16"),
        ("a.jpg,9223372036854775807 3,7", ProblemKind.PAST_THE_END, "past the end of any photo"),
        ("a.jpg,99999999999999999999 3,7", ProblemKind.BAD_NUMBER, "not whole numbers"),
        ("a.jpg,0 3,7", ProblemKind.PAST_THE_END, "pixels count from 1"),
        ("a.jpg,-4 3,7", ProblemKind.PAST_THE_END, "pixels count from 1"),
        ("a.jpg,3 0,7", ProblemKind.EMPTY_RUN, "the run at 3 has no pixels"),
        ("a.jpg,1.5 3,7", ProblemKind.BAD_NUMBER, "not whole numbers"),
        ("a.jpg,1_0 3,7", ProblemKind.BAD_NUMBER, "not whole numbers"),
        ("a.jpg,,7", ProblemKind.EMPTY_MASK, "a photo without a detection has `1 1`"),
        ("a.jpg,1 1,46", ProblemKind.UNKNOWN_CLASS, "46"),
        ("a.jpg,1 1,shoe", ProblemKind.BAD_NUMBER, "shoe"),
        ("a.jpg,1 1,7_999", ProblemKind.UNKNOWN_ATTRIBUTE, "999"),
        ("a.jpg,1 1", ProblemKind.MALFORMED, "2 cells instead of 3"),
        ("a.jpg,1 1,7,0.9", ProblemKind.MALFORMED, "4 cells instead of 3"),
        (",1 1,7", ProblemKind.MALFORMED, "no ImageId"),
        (",,", ProblemKind.MALFORMED, "an empty row"),
        ("", ProblemKind.MALFORMED, "an empty row"),
    ],
)
def test_each_fault_is_told_with_its_row_and_reason(tmp_path: Path, row: str, kind: ProblemKind, reason: str) -> None:
    [problem] = check(tmp_path, f"{HEADER}b.jpg,1 1,23\n{row}\n")
    assert (problem.row, problem.kind) == (3, kind)
    assert reason in problem.reason
    assert str(problem).startswith("s.csv, row 3: ")


def test_a_sound_file_has_no_problem(tmp_path: Path) -> None:
    text = f"{HEADER}a.jpg,1 3 10 5,10_1_61\na.jpg,4 2 6 1,0\nb.jpg,1 1,23\na.jpg,16 1,45\n"
    assert check(tmp_path, text, sample={"a.jpg": "23", "b.jpg": "23"}) == []


def test_masks_of_one_photo_must_not_overlap_wherever_their_rows_are(tmp_path: Path) -> None:
    text = f"{HEADER}a.jpg,1 9,1\nb.jpg,1 9,1\nb.jpg,12 2,1\na.jpg,11 2,1\na.jpg,5 1 12 1,2\n"
    assert [(each.row, each.reason) for each in check(tmp_path, text)] == [
        (6, "a.jpg: the mask overlaps that of row 2, first at pixel 5"),
        (6, "a.jpg: the mask overlaps that of row 5, first at pixel 12"),
    ]
    assert check(tmp_path, text, apart_within="category") == []
    same = text.replace("12 1,2", "12 1,1_3")
    assert len(check(tmp_path, same, apart_within="category")) == 2, "attributes make no other category"


def test_photos_are_those_of_the_sample_submission(tmp_path: Path) -> None:
    problems = check(tmp_path, f"{HEADER}x.jpg,1 1,23\na.jpg,1 1,23\n", sample={"a.jpg": "23", "b.jpg": "23"})
    assert [(each.row, each.kind) for each in problems] == [
        (2, ProblemKind.UNEXPECTED_IMAGE),
        (None, ProblemKind.MISSING_IMAGE),
    ]
    assert "b.jpg" in problems[1].reason


@pytest.mark.parametrize("header", ["", "ImageId,EncodedPixels", "ImageID,EncodedPixels,ClassId", "a.jpg,1 1,23"])
def test_a_wrong_header_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(AnnotationError, match="row 1: the header is"):
        check(tmp_path, f"{header}\na.jpg,1 1,23\n")


def test_masks_of_the_photos_size_end_where_the_photo_does(photos: Path, tmp_path: Path) -> None:
    file, form = tmp_path / "s.csv", SubmissionFormat(mask_side_px=None)
    file.write_text(f"{HEADER}a.png,{18 * 24} 1,23\nb.png,{18 * 24} 2,23\ngone.png,1 1,23\n")
    unknown = check_submission(file, form)
    assert (unknown.sizes_known, unknown.problems) == (False, ())
    known = check_submission(file, form, images_dir=photos)
    assert known.sizes_known
    assert [(each.row, each.kind) for each in known.problems] == [
        (3, ProblemKind.PAST_THE_END),
        (4, ProblemKind.MISSING_IMAGE),
    ]


def naive_is_sound(rows: list[list[int]], n_pixels: int) -> bool:
    claimed: set[int] = set()
    for numbers in rows:
        if not numbers or len(numbers) % 2:
            return False
        last = 0
        for start, length in zip(numbers[::2], numbers[1::2], strict=True):
            pixels = set(range(start, start + length))
            if start <= last or not pixels or min(pixels) < 1 or max(pixels) > n_pixels or pixels & claimed:
                return False
            last = start
            claimed |= pixels
    return True


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=6), min_size=1, max_size=3))
def test_the_checker_agrees_with_a_naive_one(tmp_path_factory: pytest.TempPathFactory, rows: list[list[int]]) -> None:
    folder = tmp_path_factory.mktemp("check")
    text = HEADER + "".join(f"a.jpg,{' '.join(map(str, numbers))},5\n" for numbers in rows)
    assert (not check(folder, text, mask_side_px=3)) == naive_is_sound(rows, 9)


def test_a_sample_submission_gives_photos_and_filler_classes(tmp_path: Path) -> None:
    file = tmp_path / "sample.csv"
    file.write_text(f"{HEADER}b.jpg,1 1,23\na.jpg,1 1,7\nb.jpg,2 1,5\n")
    assert read_sample_submission(file) == {"b.jpg": "23", "a.jpg": "7"}
    file.write_text("ImageId,Label\nb.jpg,1\n")
    with pytest.raises(AnnotationError, match="no column EncodedPixels, ClassId"):
        read_sample_submission(file)
    file.write_text(HEADER)
    with pytest.raises(AnnotationError, match="no rows"):
        read_sample_submission(file)
    with pytest.raises(AnnotationError, match="No such file"):
        read_sample_submission(tmp_path / "gone.csv")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"mask_side_px": 0}, "0 px"), ({"apart_within": "person"}, "person"), ({"left_out": frozenset({46})}, "46")],
)
def test_a_format_that_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        SubmissionFormat(**wrong)


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("kaggle_submission", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_command_writes_checks_and_names_faults(photos: Path, tmp_path: Path, repository: Path) -> None:
    checkpoint = repository / "segmentation" / "checkpoints" / "segmenter.safetensors"
    sample, out = tmp_path / "sample.csv", tmp_path / "s.csv"
    sample.write_text(f"{HEADER}b.png,1 1,23\ngone.png,1 1,23\n")
    common = ("--sample-submission", str(sample))
    listed = tmp_path / "problems.csv"
    writing = ("--checkpoint", str(checkpoint), "--images", str(photos), *common, "--problems", str(listed))
    with pytest.raises(CommandError, match="Is a directory"):
        run(*writing, "--out", str(tmp_path))
    said, told = run(*writing, "--out", str(out))
    assert [line.split(",")[2] for line in listed.read_text().splitlines()] == ["kind", "unreadable image"]
    assert "2 photos" in said
    assert "as the competition wants them" in said
    assert "gone.png" in told
    said, told = run("--check", str(out), *common)
    assert "2 photos" in said
    out.write_text(f"{HEADER}b.png,1 1,23\nb.png,1 1,23\n")
    with pytest.raises(CommandError, match=r"2 problems \(overlapping masks 1, missing image 1\)"):
        run("--check", str(out), *common)
    with pytest.raises(CommandError, match="name --checkpoint, --images and --out"):
        run("--images", str(photos))
    with pytest.raises(CommandError, match="is not a folder"):
        run("--checkpoint", str(checkpoint), "--images", str(tmp_path / "gone"), "--out", str(out))
    with pytest.raises(CommandError, match="expected a number of pixels or 'original', got 'big'"):
        run("--check", str(out), "--mask-size", "big")
    with pytest.raises(CommandError, match="Is a directory"):
        run("--check", str(out), "--problems", str(tmp_path))


def test_only_files_are_photos(photos: Path) -> None:
    (photos / "folder.jpg").mkdir()
    assert "folder.jpg" not in listed_photos(photos)
