"""The operating point decides what shoppers see, and a checkpoint's header carries it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from segmentation.checkpoint import SHIPPED_EMBEDDER, SHIPPED_SEGMENTER, read_info, read_space
from segmentation.checkpoint_header import rewrite_header
from segmentation.config import ModelConfig
from segmentation.config_files import from_mapping
from segmentation.drawn import draw_scene, first_products
from segmentation.errors import CheckpointError, ConfigError
from segmentation.masks import rle_area, rle_from_crop
from segmentation.operating_point import score_thresholds, visible_detections
from segmentation.segmenter import Segmenter
from segmentation.taxonomy import N_CATEGORIES
from segmentation.types import Detection

SHIRT, SKIRT, SHOE = 0, 8, 23
CONFIG = ModelConfig()


def detection(category_id: int, score: float, left: int, top: int, side: int) -> Detection:
    """A square in a photo of 100 x 100 pixels."""
    mask = rle_from_crop(np.ones((side, side), np.uint8), left, top, 100, 100)
    return Detection(category_id, score, (left, top, left + side, top + side), mask)


def thresholds(**by_id: float) -> tuple[float, ...]:
    return tuple(by_id.get(f"c{category_id}", 0.5) for category_id in range(N_CATEGORIES))


def test_each_category_has_its_own_score_threshold() -> None:
    shirt, skirt, shoe = (
        detection(SHIRT, 0.4, 0, 0, 20),
        detection(SKIRT, 0.7, 40, 0, 20),
        detection(SHOE, 0.6, 0, 70, 9),
    )
    assert visible_detections([shirt, skirt, shoe], CONFIG) == [skirt, shoe]
    own = replace(CONFIG, category_score_thresholds=thresholds(c0=0.3, c8=0.8))
    assert visible_detections([shirt, skirt, shoe], own) == [shoe, shirt]


def test_thresholds_for_another_number_of_categories_are_refused() -> None:
    with pytest.raises(ConfigError, match="category_score_thresholds: expected 46 values or none, got 2"):
        score_thresholds(replace(CONFIG, category_score_thresholds=(0.5, 0.5)))


def test_specks_are_hidden_by_their_share_of_the_photo() -> None:
    large, speck = detection(SHOE, 0.6, 0, 0, 10), detection(SHOE, 0.9, 50, 50, 3)
    assert visible_detections([large, speck], CONFIG) == [speck, large]
    assert visible_detections([large, speck], replace(CONFIG, min_area_share=0.001)) == [large]
    assert visible_detections([large, speck], replace(CONFIG, min_area_share=0.01)) == [large], "its own share exactly"


def test_of_two_shoes_that_overlap_by_more_than_the_nms_the_stronger_is_seen() -> None:
    left, right = detection(SHOE, 0.9, 0, 0, 30), detection(SHOE, 0.8, 15, 0, 30)  # IoU 1/3
    assert visible_detections([left, right], CONFIG) == [left, right]
    assert visible_detections([right, left], replace(CONFIG, predictor_nms_iou=0.3, lookalike_nms_iou=1.0)) == [left]
    assert visible_detections([right, left], replace(CONFIG, lookalike_nms_iou=0.3)) == [left], "alike to itself"


def test_a_header_from_before_the_operating_point_reads_as_it_always_did() -> None:
    old = from_mapping(ModelConfig, {"predictor_score_threshold": 0.4}, where="old")
    assert (old.category_score_thresholds, old.min_area_share, old.predictor_nms_iou) == ((), 0.0, 1.0)
    assert set(score_thresholds(old)) == {0.4}
    shoes = [detection(SHOE, 0.9, 0, 0, 30), detection(SHOE, 0.5, 13, 0, 30), detection(SHOE, 0.45, 70, 70, 1)]
    assert visible_detections(shoes, old) == shoes


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return draw_scene(first_products(3, 60), np.random.default_rng(4))[0]


def seen(file: Path, scene: np.ndarray) -> list[Detection]:
    segmenter, _ = Segmenter.from_file(file)
    [found] = segmenter.detect([segmenter.fit(scene)], [(scene.shape[1], scene.shape[0])])
    return found


def test_every_knob_in_a_checkpoints_header_changes_what_is_seen(scene: np.ndarray, tmp_path: Path) -> None:
    before = seen(SHIPPED_SEGMENTER, scene)
    assert before, "a drawn person wears something"

    def after(**model: float | tuple[float, ...]) -> list[Detection]:
        rewrite_header(SHIPPED_SEGMENTER, tmp_path / "changed.safetensors", model=model)
        return seen(tmp_path / "changed.safetensors", scene)

    assert len(after(predictor_score_threshold=0.05)) > len(before)
    first = before[0].category_id
    without = after(category_score_thresholds=thresholds(**{f"c{first}": 1.0}))
    assert first not in {one.category_id for one in without}
    assert {one.category_id for one in before} - {first} <= {one.category_id for one in without}
    assert after(min_area_share=0.9) == []
    thinner = after(mask_threshold=0.9)
    assert rle_area(thinner[0].mask) < rle_area(before[0].mask)
    assert len(after(predictor_score_threshold=0.05, predictor_nms_iou=0.0, lookalike_nms_iou=0.0)) < len(
        after(predictor_score_threshold=0.05, predictor_nms_iou=1.0, lookalike_nms_iou=1.0)
    )


def test_a_new_header_keeps_every_tensor_and_names_another_space(tmp_path: Path) -> None:
    out = tmp_path / "new" / "tuned.safetensors"
    rewrite_header(SHIPPED_SEGMENTER, out, model={"mask_threshold": 0.4}, metrics={"operating_point": {"fitted": 0.3}})
    old, new = load_file(SHIPPED_SEGMENTER), load_file(out)
    assert old.keys() == new.keys()
    assert all(value.dtype == new[name].dtype and (value == new[name]).all() for name, value in old.items())
    was, now = read_info(SHIPPED_SEGMENTER), read_info(out)
    assert now.config["model"] == {**was.config["model"], "mask_threshold": 0.4}
    assert now.metrics == {**was.metrics, "operating_point": {"fitted": 0.3}}
    assert now.provenance == was.provenance
    spaces = {read_space(file, SHIPPED_EMBEDDER).name for file in (SHIPPED_SEGMENTER, out)}
    assert len(spaces) == 2, "another operating point cuts other crops"


def test_a_header_may_be_rewritten_in_place_and_again(tmp_path: Path) -> None:
    file = tmp_path / "segmenter.safetensors"
    file.write_bytes(SHIPPED_SEGMENTER.read_bytes())
    for value in (0.41, 0.4123456789):
        rewrite_header(file, file, model={"mask_threshold": value})
        assert read_info(file).config["model"]["mask_threshold"] == value
    assert [each.name for each in tmp_path.iterdir()] == ["segmenter.safetensors"]
    assert len(load_file(file)) == len(load_file(SHIPPED_SEGMENTER))


def test_an_embedder_has_no_operating_point_to_write(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="expected segmenter"):
        rewrite_header(SHIPPED_EMBEDDER, tmp_path / "out.safetensors", model={"mask_threshold": 0.4})
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_with_thresholds_for_another_taxonomy_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "broken.safetensors"
    rewrite_header(SHIPPED_SEGMENTER, file, model={"category_score_thresholds": (0.5,) * 13})
    with pytest.raises(CheckpointError, match="expected 46 values or none, got 13"):
        Segmenter.from_file(file)
