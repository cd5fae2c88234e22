"""Annotations in both layouts, their problems, and what is held out for validation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segmentation.data.annotations import AnnotatedPhoto, AnnotationSet, Instance, Photos
from segmentation.data.coco import read_coco
from segmentation.data.imaterialist import read_imaterialist
from segmentation.data.rle import format_encoded_pixels, parse_encoded_pixels
from segmentation.data.sources import hold_out, read_annotations, read_splits, read_validation
from segmentation.errors import AnnotationError
from segmentation.masks import mask_from_rle, rle_from_mask
from segmentation.taxonomy import CATEGORIES

MASK = np.zeros((40, 30), np.uint8)
MASK[5:25, 10:20] = 1
RLE = rle_from_mask(MASK)


@pytest.fixture
def photos_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    pixels = np.random.default_rng(1).integers(0, 255, (40, 30, 3), dtype=np.uint8)
    for name in ("a.jpg", "b.jpg"):
        Image.fromarray(pixels).save(folder / name)
    return folder


def csv_file(folder: Path, *rows: str) -> Path:
    file = folder / "train.csv"
    file.write_text("\n".join(["ImageId,EncodedPixels,Height,Width,ClassId", *rows]) + "\n")
    return file


def test_the_competitions_layout_is_read_with_attributes(photos_dir: Path) -> None:
    runs = format_encoded_pixels(RLE)
    file = csv_file(photos_dir.parent, f"a.jpg,{runs},40,30,10_1_61", f"b,{runs},40,30,4", f"a.jpg,{runs},40,30,23")
    found = read_imaterialist(file, photos_dir)
    assert found.problems == ()
    assert [photo.file.name for photo in found.photos] == ["a.jpg", "b.jpg"]
    assert [instance.category_id for instance in found.photos[0].instances] == [10, 23]
    assert found.photos[0].instances[0].attribute_ids == (1, 61)
    assert (mask_from_rle(found.photos[1].instances[0].mask) == MASK).all()


def test_a_file_without_a_column_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "train.csv"
    file.write_text("ImageId,EncodedPixels,Height,Width\n")
    with pytest.raises(AnnotationError, match="no column ClassId"):
        read_imaterialist(file, tmp_path)
    with pytest.raises(AnnotationError, match="No such file"):
        read_imaterialist(tmp_path / "other.csv", tmp_path)


@pytest.mark.parametrize("content", [bytes(range(256)), b"ImageId,EncodedPixels,Height,Width,ClassId\n\xff.jpg,1 2"])
def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "train.csv"
    file.write_bytes(content)
    with pytest.raises(AnnotationError, match=r"train\.csv: not a CSV file in UTF-8"):
        read_imaterialist(file, tmp_path)


@pytest.mark.parametrize("runs", ["9223372036854775800 100", "1 9223372036854775807", "1 2 9223372036854775800 9"])
def test_runs_near_the_largest_number_are_past_the_photos_end(runs: str) -> None:
    with pytest.raises(AnnotationError, match="ends at pixel"):
        parse_encoded_pixels(runs, 40, 30)


def coco(**changes: Any) -> dict[str, Any]:
    content = {
        "images": [{"id": 7, "file_name": "a.jpg", "height": 40, "width": 30}],
        "categories": [{"id": c.id, "name": c.name} for c in CATEGORIES],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 4, "segmentation": dict(RLE), "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 23, "segmentation": [[2, 2, 12, 2, 12, 12, 2, 12]], "iscrowd": 0},
            {"id": 3, "image_id": 7, "category_id": 1, "segmentation": dict(RLE), "iscrowd": 1},
        ],
    }
    return {**content, **changes}


def test_coco_run_lengths_and_polygons_are_read_and_crowds_left_out(photos_dir: Path) -> None:
    file = photos_dir.parent / "instances.json"
    file.write_text(json.dumps(coco()))
    (photo,) = read_coco(file, photos_dir).photos
    assert [instance.category_id for instance in photo.instances] == [4, 23]
    assert (mask_from_rle(photo.instances[0].mask) == MASK).all()
    assert mask_from_rle(photo.instances[1].mask)[3:11, 3:11].all()


def test_coco_of_another_taxonomy_is_refused(photos_dir: Path) -> None:
    file = photos_dir.parent / "instances.json"
    file.write_text(json.dumps(coco(categories=[{"id": 1, "name": "person"}])))
    with pytest.raises(AnnotationError, match="category 1 is 'person'"):
        read_coco(file, photos_dir)


def test_a_folder_without_annotations_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"none of train.csv, instances_train.json"):
        read_annotations(tmp_path)


def garment(instance: Instance) -> tuple[int, str]:
    return instance.category_id, instance.mask["counts"]


@pytest.mark.realdata
def test_both_layouts_of_the_same_real_photos_agree(shared_data: Path) -> None:
    from_coco = {photo.image_id: photo for photo in read_annotations(shared_data / "ccp").photos}
    from_csv = read_imaterialist(shared_data / "imaterialist" / "train_sample.csv", shared_data / "ccp" / "images")
    assert len(from_csv.photos) == 100
    for photo in from_csv.photos:
        twin = from_coco[photo.image_id]
        assert sorted(map(garment, photo.instances)) == sorted(map(garment, twin.instances))


def test_without_a_validation_split_some_photos_are_held_out_whatever_the_others_are(tmp_path: Path) -> None:
    photos = tuple(AnnotatedPhoto(f"{n}.jpg", tmp_path / f"{n}.jpg", 40, 30, (Instance(4, RLE),)) for n in range(1000))
    train, val = hold_out(AnnotationSet(Photos.of(photos), ()))
    names, held_out = ({photo.image_id for photo in found.photos} for found in (train, val))
    assert names | held_out == {photo.image_id for photo in photos}
    assert not names & held_out
    assert 20 <= len(held_out) <= 80
    of_half = {photo.image_id for photo in hold_out(AnnotationSet(Photos.of(photos[:500]), ()))[1].photos}
    assert of_half == held_out & {photo.image_id for photo in photos[:500]}


def test_what_is_held_out_of_training_is_what_evaluation_reads(photos_dir: Path) -> None:
    runs = format_encoded_pixels(RLE)
    for number in range(60):
        shutil.copy(photos_dir / "a.jpg", photos_dir / f"{number}.jpg")
    csv_file(photos_dir.parent, *(f"{number}.jpg,{runs},40,30,4" for number in range(60)))
    held_out = read_splits(photos_dir.parent)[1]
    assert held_out.photos
    assert read_validation(photos_dir.parent) == held_out
