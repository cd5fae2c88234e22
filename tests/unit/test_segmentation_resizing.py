"""Photos come to the model's size in training and serving alike, smoothly where that was asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segmentation.config import ModelConfig
from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.data.samples import load_sample, whole_photo
from segmentation.data.transforms import boxes_from_masks
from segmentation.errors import ConfigError
from segmentation.masks import mask_from_rle, rle_from_mask
from segmentation.model import build_mask_rcnn
from segmentation.resizing import (
    INTERPOLATIONS,
    check_resizing,
    fit_photo,
    fitted_size,
    input_size,
    resize,
    resize_mask,
)
from segmentation.segmenter import Found, Segmenter

NOISE = np.random.default_rng(0).integers(0, 256, (48, 72, 3), dtype=np.uint8)
RAMP = np.tile(np.arange(200, dtype=np.uint8)[None, :, None], (100, 1, 3))
SMALL = ModelConfig(
    max_side_px=64,
    min_side_px=64,
    fpn_channels=16,
    anchor_sizes_px=((8,), (16,), (32,), (48,)),
    box_head_dim=16,
    mask_head_channels=(8,),
)


@pytest.mark.parametrize(
    ("size", "wanted"), [((550, 832), (338, 512)), ((3000, 4000), (384, 512)), ((100, 50), (512, 256))]
)
def test_photos_keep_their_proportions(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert fitted_size(*size, max_side=512, min_side=512) == wanted
    assert input_size(*size, ModelConfig()) == wanted


def test_squashed_photos_are_square_whatever_they_were() -> None:
    config = ModelConfig(resize="squash", max_side_px=96)
    assert input_size(550, 832, config) == (96, 96)
    assert input_size(832, 550, config, 64) == (64, 64)
    assert fit_photo(NOISE, config).shape == (96, 96, 3)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_at_a_whole_factor_pooling_is_what_a_naive_loop_pools(factor: int) -> None:
    size = (72 // factor, 48 // factor)
    blocks = NOISE.reshape(size[1], factor, size[0], factor, 3).astype(float)
    assert (resize(NOISE, size, "max_pool") == blocks.max(axis=(1, 3))).all()
    for mode in ("average_pool", "area"):
        assert np.abs(resize(NOISE, size, mode) - blocks.mean(axis=(1, 3))).max() <= 1


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("size", [(80, 50), (90, 100), (200, 37), (61, 130)])
def test_no_mode_shifts_the_photo(interpolation: str, size: tuple[int, int]) -> None:
    row = resize(RAMP, size, interpolation)[size[1] // 2, 5:-5, 0].astype(float)
    middles = (np.arange(size[0])[5:-5] + 0.5) * 200 / size[0] - 0.5
    # A maximum lies up to 1.5 pixels right of the middle; 0.5 is what rounding may add.
    allowed = (2.1, 2.0) if interpolation == "max_pool" else (1.1, 0.55)
    assert np.abs(row - middles).max() <= allowed[0]
    assert abs((row - middles).mean()) <= allowed[1]


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_one_color_stays_and_an_unchanged_size_changes_nothing(interpolation: str) -> None:
    assert (resize(np.full((90, 70, 3), 77, np.uint8), (33, 95), interpolation) == 77).all()
    assert (resize(NOISE, (72, 48), interpolation) == NOISE).all()


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_a_photo_may_be_longer_than_opencv_warps(interpolation: str) -> None:
    bright_end = np.zeros((4, 40_000, 3), np.uint8)
    bright_end[:, 20_000:] = 200
    small = resize(bright_end, (64, 2), interpolation)
    assert (small[:, :31] == 0).all()
    assert (small[:, 33:] == 200).all()


def test_smooth_modes_do_not_turn_fine_stripes_into_coarse_ones() -> None:
    stripes = np.zeros((300, 300, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than the small photo can show: grey is right
    spread = {mode: float(resize(stripes, (110, 110), mode)[:, 5:-5].std()) for mode in INTERPOLATIONS}
    assert spread["plain"] > 40
    for mode in ("antialias", "area", "average_pool"):
        assert spread[mode] < spread["plain"] / 2


def test_a_mode_that_only_shrinks_one_side_is_as_smooth_on_it() -> None:
    stripes = np.zeros((100, 300, 3), np.uint8)
    stripes[:, ::2] = 255
    assert resize(stripes, (150, 120), "area").std() < 2


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (ModelConfig(resize="squish"), "model.resize: unknown 'squish'; did you mean 'squash'"),
        (ModelConfig(interpolation="area_mean"), "did you mean 'area'"),
        (ModelConfig(interpolation="x"), "expected one of plain, antialias"),
    ],
)
def test_an_unknown_mode_is_refused_by_name(config: ModelConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_resizing(config)


def test_resizing_keeps_shape_and_place_of_a_mask() -> None:
    mask = np.zeros((40, 30), np.uint8)
    mask[5:25, 10:20] = 1
    small = resize_mask(mask, (15, 20))  # rows 5..25 become 2.5..12.5: the halves at both ends count
    assert boxes_from_masks(small[None]).tolist() == [[5.0, 2.0, 10.0, 13.0]]
    large = resize_mask(mask, (60, 20))  # one side grows, the other shrinks
    assert boxes_from_masks(large[None]).tolist() == [[20.0, 2.0, 40.0, 13.0]]
    assert set(np.unique(small)) == set(np.unique(large)) == {0, 1}


@pytest.mark.parametrize("resize_as", ["aspect", "squash"])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_training_and_serving_see_the_same_pixels(tmp_path: Path, resize_as: str, interpolation: str) -> None:
    config = replace(SMALL, resize=resize_as, interpolation=interpolation)
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    mask = np.zeros((48, 72), np.uint8)
    mask[12:36, 18:54] = 1
    photo = AnnotatedPhoto("a", tmp_path / "a.png", 48, 72, (Instance(4, rle_from_mask(mask)),))
    sample = load_sample(photo, config, whole_photo(photo, config))
    served = Segmenter(build_mask_rcnn(config), config).fit(NOISE)
    assert (sample.image_rgb == served).all()
    height, width = served.shape[:2]
    assert boxes_from_masks(sample.masks)[0] / (width, height, width, height) == pytest.approx(
        [0.25, 0.25, 0.75, 0.75], abs=0.02
    )


def test_what_is_found_in_a_squashed_photo_lies_right_in_the_photo() -> None:
    config = replace(SMALL, resize="squash")
    segmenter = Segmenter(build_mask_rcnn(config), config)
    found = Found(4, 0.9, (0.25, 0.5, 0.75, 1.0), np.ones((28, 28), np.float32))
    detection = segmenter.detection(found, (200, 80))
    assert detection is not None
    assert detection.box_xyxy_px == (50.0, 40.0, 150.0, 80.0)
    where: NDArray[np.uint8] = mask_from_rle(detection.mask)
    assert boxes_from_masks(where[None]).tolist() == [[50.0, 40.0, 150.0, 80.0]]
    for boxes in segmenter.find([segmenter.fit(np.zeros((80, 200, 3), np.uint8))], min_score=0.0):
        assert all(0 <= value <= 1 for item in boxes for value in item.box)
