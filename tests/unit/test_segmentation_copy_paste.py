"""Garments pasted from other photos: they hide what is beneath, bring their parts, and never depend on the process."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

from segmentation.config import AugmentConfig, ModelConfig, SamplingConfig, SegmenterConfig, TrainConfig
from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.data.copy_paste import Donors, paste_garments
from segmentation.data.loaders import TrainingPhotos, training_loader
from segmentation.data.samplers import SampleKey
from segmentation.data.samples import load_sample, whole_photo
from segmentation.data.transforms import boxes_from_masks
from segmentation.masks import rle_from_mask

MODEL = ModelConfig(max_side_px=120, min_side_px=120)
PANTS, DRESS, TIE, POCKET = 6, 10, 16, 32
GREY, GREEN, RED = (128, 128, 128), (30, 200, 60), (220, 30, 40)


def photo(folder: Path, name: str, color: tuple[int, int, int], garments: dict[int, tuple[int, ...]]) -> AnnotatedPhoto:
    """A 120x120 photo of rectangles {category: xyxy}, all in one color."""
    pixels = np.full((120, 120, 3), 128, np.uint8)
    instances = []
    for category_id, (x_min, y_min, x_max, y_max) in garments.items():
        pixels[y_min:y_max, x_min:x_max] = color
        mask = np.zeros((120, 120), np.uint8)
        mask[y_min:y_max, x_min:x_max] = 1
        instances.append(Instance(category_id, rle_from_mask(mask)))
    Image.fromarray(pixels).save(folder / name)
    return AnnotatedPhoto(name, folder / name, 120, 120, tuple(instances))


@pytest.fixture
def receiver(tmp_path: Path) -> AnnotatedPhoto:
    return photo(tmp_path, "receiver.png", GREEN, {PANTS: (5, 5, 115, 115)})


@pytest.fixture
def donor(tmp_path: Path) -> AnnotatedPhoto:
    return photo(tmp_path, "donor.png", RED, {DRESS: (40, 20, 80, 100), POCKET: (50, 50, 60, 60)})


@pytest.mark.parametrize("seed", range(8))
def test_a_pasted_garment_hides_what_is_beneath(receiver: AnnotatedPhoto, donor: AnnotatedPhoto, seed: int) -> None:
    sample = load_sample(receiver, MODEL, whole_photo(receiver, MODEL))
    before = sample.image_rgb.copy()
    pasted = paste_garments(sample, donor, MODEL, 120, 4, np.random.default_rng(seed))
    assert pasted.category_ids.tolist() == [PANTS, DRESS, POCKET], "the pocket lies on the dress, so it comes along"
    pants, dress, pocket = pasted.masks.astype(bool)
    assert not (pants & dress).any()
    assert (dress & pocket).sum() > 0.95 * pocket.sum()
    reds, greens = ((pasted.image_rgb == color).all(axis=-1) for color in (RED, GREEN))
    assert (reds == dress).all()
    assert (greens == pants).all()
    assert (pasted.image_rgb[~dress] == before[~dress]).all(), "beside it nothing changes"
    assert (sample.image_rgb == before).all()
    assert (boxes_from_masks(pasted.masks[1:2])[0, 2:] <= 120).all()


def test_pasted_garments_vary_in_size_place_and_direction(receiver: AnnotatedPhoto, donor: AnnotatedPhoto) -> None:
    sample = load_sample(receiver, MODEL, whole_photo(receiver, MODEL))
    boxes = [
        boxes_from_masks(paste_garments(sample, donor, MODEL, 120, 1, np.random.default_rng(seed)).masks[1:2])[0]
        for seed in range(20)
    ]
    heights = [box[3] - box[1] for box in boxes]
    assert min(heights) < 65 < 80 < max(heights)
    assert len({float(box[0]) for box in boxes}) > 8


def test_what_is_hidden_altogether_is_dropped(tmp_path: Path) -> None:
    below = photo(tmp_path, "below.png", GREEN, {TIE: (58, 58, 62, 62), PANTS: (0, 0, 120, 30)})
    above = photo(tmp_path, "above.png", RED, {DRESS: (0, 0, 120, 120)})
    sample = load_sample(below, MODEL, whole_photo(below, MODEL))
    for seed in range(30):
        pasted = paste_garments(sample, above, MODEL, 120, 1, np.random.default_rng(seed))
        for category_id, mask in zip(pasted.category_ids, pasted.masks, strict=True):
            former = sample.masks[sample.category_ids == category_id]
            assert category_id == DRESS or mask.sum() > 0.1 * former.sum()
    assert any(
        TIE not in paste_garments(sample, above, MODEL, 120, 1, np.random.default_rng(seed)).category_ids
        for seed in range(30)
    )


def test_at_most_so_many_garments_are_pasted_and_parts_alone_only_where_there_is_no_garment(tmp_path: Path) -> None:
    empty = photo(tmp_path, "empty.png", GREY, {})
    many = {category: (category * 4, 10, category * 4 + 3, 60) for category in range(10)}
    crowded = photo(tmp_path, "crowded.png", RED, many)
    parts = photo(tmp_path, "parts.png", RED, {POCKET: (10, 10, 30, 30)})
    sample = load_sample(empty, MODEL, whole_photo(empty, MODEL))
    counts = {
        len(paste_garments(sample, crowded, MODEL, 120, 3, np.random.default_rng(seed)).masks) for seed in range(30)
    }
    assert counts == {1, 2, 3}
    assert paste_garments(sample, parts, MODEL, 120, 3, np.random.default_rng(0)).category_ids.tolist() == [POCKET]
    assert paste_garments(sample, empty, MODEL, 120, 3, np.random.default_rng(0)) is sample


def test_a_piece_larger_than_the_sample_is_cut_at_its_edges(tmp_path: Path) -> None:
    wide = AnnotatedPhoto("wide", tmp_path / "wide.png", 40, 120, ())
    Image.fromarray(np.full((40, 120, 3), 128, np.uint8)).save(wide.file)
    above = photo(tmp_path, "above.png", RED, {DRESS: (0, 0, 120, 120)})
    sample = load_sample(wide, MODEL, whole_photo(wide, MODEL))
    for seed in range(10):
        pasted = paste_garments(sample, above, MODEL, 120, 1, np.random.default_rng(seed))
        assert pasted.masks.shape == (1, 40, 120)
        assert (pasted.masks[0].astype(bool) == (pasted.image_rgb == RED).all(axis=-1)).all()


def test_donors_are_other_photos_and_those_of_rare_categories_more_often(tmp_path: Path) -> None:
    photos = tuple(AnnotatedPhoto(str(number), tmp_path, 1, 1, ()) for number in range(4))
    donors, rng = Donors(photos, np.array([1.0, 1.0, 1.0, 5.0])), np.random.default_rng(0)
    drawn = [found.image_id for _ in range(400) if (found := donors.draw(0, rng)) is not None]
    assert set(drawn) == {"1", "2", "3"}
    assert drawn.count("3") > 200
    assert Donors(photos[:1], np.ones(1)).draw(0, rng) is None


def test_a_sample_is_the_same_in_every_worker_and_after_every_resumption(
    receiver: AnnotatedPhoto, donor: AnnotatedPhoto
) -> None:
    augment = AugmentConfig(copy_paste=1.0, rotation=0.5, crop=0.5, scale_jitter=(0.7, 1.3))
    sampling = SamplingConfig(oversample_categories=("dress",), oversample_factor=2.5)
    train = TrainConfig(batch_size=2, augment=augment, sampling=sampling, train_sides_px=(96, 120))
    config, photos = SegmenterConfig("x", MODEL, train), (receiver, donor, receiver)

    def batches(n_workers: int, first_batch: int = 0) -> DataLoader[object]:
        return training_loader(photos, config, epoch=2, first_batch=first_batch, n_workers=n_workers)

    here = list(batches(0))
    assert len(here) == 2
    for mine, theirs in ((here, list(batches(1))), (here[1:], list(batches(0, first_batch=1)))):
        for (images, targets, ids), (other_images, other_targets, other_ids) in zip(mine, theirs, strict=True):
            assert ids == other_ids
            assert all((one == two).all() for one, two in zip(images, other_images, strict=True))
            for one, two in zip(targets, other_targets, strict=True):
                assert all((one[name] == two[name]).all() for name in ("boxes", "labels", "masks"))


_AFTER_THREADS = """
import sys
from pathlib import Path
import cv2
import numpy as np
from PIL import Image
from segmentation.config import SegmenterConfig
from segmentation.data.annotations import AnnotatedPhoto
from segmentation.data.loaders import training_loader

pixels = np.random.default_rng(0).integers(0, 256, (2000, 2000, 3), dtype=np.uint8)
Image.fromarray(pixels).save(sys.argv[1])
cv2.setNumThreads(2)
cv2.resize(pixels, (512, 512), interpolation=cv2.INTER_AREA)
cv2.GaussianBlur(pixels, (0, 0), 3)
photo = AnnotatedPhoto("a", Path(sys.argv[1]), 2000, 2000, ())
for _ in training_loader((photo,), SegmenterConfig("x"), epoch=0, first_batch=0, n_workers=1):
    print("a batch")
"""


def test_workers_start_after_opencv_had_threads_here(tmp_path: Path, repository: Path) -> None:
    # In a process of its own: without the care that is tested here, it never ends.
    command = [sys.executable, "-c", _AFTER_THREADS, str(tmp_path / "large.jpg")]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "a batch\n", done.stderr


def test_one_photo_alone_receives_nothing(receiver: AnnotatedPhoto) -> None:
    augment = AugmentConfig(horizontal_flip=0.0, color_jitter=0.0, copy_paste=1.0)
    config = SegmenterConfig("x", MODEL, TrainConfig(augment=augment))
    dataset = TrainingPhotos((receiver,), config)
    key = SampleKey(0, 120, 0, 0)
    assert (dataset.sample(key).image_rgb == dataset.plain(key).image_rgb).all()
    without = TrainingPhotos((receiver,), replace(config, train=TrainConfig(augment=replace(augment, copy_paste=0.0))))
    assert (without.sample(key).masks == dataset.sample(key).masks).all()
