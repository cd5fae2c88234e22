"""Configurations are read strictly, and every shipped one builds its model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from segmentation.backbones import BACKBONES
from segmentation.config import EmbedderConfig, ModelConfig, SegmenterConfig
from segmentation.config_files import CONFIGS_DIR, load_config, to_mapping
from segmentation.config_files import from_mapping as build
from segmentation.errors import ConfigError
from segmentation.model import build_mask_rcnn

EMBEDDERS = {"crop", "garment", "garment_levels", "fashion_siglip"}
SEGMENTERS = sorted(file.stem for file in CONFIGS_DIR.glob("*.toml") if file.stem not in EMBEDDERS)


@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_shipped_segmenter_configuration_builds_a_model_of_46_categories(name: str) -> None:
    config = load_config(name, SegmenterConfig)
    model = build_mask_rcnn(config.model)
    assert model.roi_heads.box_predictor.cls_score.out_features == 47
    assert build(SegmenterConfig, to_mapping(config), where="again") == config


def test_every_backbone_has_a_configuration() -> None:
    assert {load_config(name, SegmenterConfig).model.backbone for name in SEGMENTERS} == set(BACKBONES)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("finest_stride", [4, 8])
def test_levels_have_the_strides_they_promise(backbone: str, finest_stride: int) -> None:
    sizes = ((16,), (32,), (64,), (128,)) if finest_stride == 8 else ((16,), (32,), (64,), (128,), (256,))
    config = ModelConfig(backbone=backbone, finest_stride=finest_stride, anchor_sizes_px=sizes, fpn_channels=32)
    backbone_fpn = build_mask_rcnn(config).backbone.eval()
    with torch.no_grad():
        levels = backbone_fpn(torch.zeros(1, 3, 128, 192))
    strides = [128 // level.shape[2] for level in levels.values()]
    assert strides == [stride for stride in (4, 8, 16, 32, 64) if stride >= finest_stride]


def test_the_crop_configuration_is_an_embedders() -> None:
    assert load_config("crop", EmbedderConfig).dim == 512


def written(folder: Path, text: str) -> str:
    file = folder / "mine.toml"
    file.write_text(text)
    return str(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[train.stages]]\nepoch = 3", r"mine.toml.train.stages\[0\].epoch: unknown key; did you mean 'epochs'"),
        ("[modle]\n", "did you mean 'model'"),
        ("[train]\nbatch_size = 'three'", "expected int, got 'three'"),
        ("[train]\nbatch_size = true", "expected int, got True"),
        ("[model]\nimage_mean = [0.5, 0.5]", "expected 3 values, got 2"),
        ("[model]\nanchor_sizes_px = 3", "expected a list"),
        ("train = 3", "expected a table"),
        ("[train]\nclip_grad_norm = inf", "train.clip_grad_norm: expected a finite number, got inf"),
        ("[model]\nimage_std = [nan, 1, 1]", r"image_std\[0\]: expected a finite number, got nan"),
        ("[train", "mine.toml"),
    ],
)
def test_a_wrong_file_says_what_is_wrong_and_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(written(tmp_path, text), SegmenterConfig)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no configuration 'sreet'.*street"):
        load_config("sreet", SegmenterConfig)


def test_whole_numbers_are_taken_where_a_fraction_is_meant(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, "[train]\nclip_grad_norm = 1"), SegmenterConfig)
    assert config.train.clip_grad_norm == 1.0


def test_anchors_must_fit_the_levels() -> None:
    with pytest.raises(ConfigError, match="4 levels are needed"):
        build_mask_rcnn(ModelConfig(anchor_sizes_px=((16,), (32,), (64,))))
    with pytest.raises(ConfigError, match="same number of sizes"):
        build_mask_rcnn(ModelConfig(anchor_sizes_px=((16,), (32, 48), (64,), (128,))))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fpn_channels": 0}, "model.fpn_channels: expected 1 or more, got 0"),
        ({"mask_head_channels": ()}, "model.mask_head_channels: at least one value is needed"),
        ({"anchor_sizes_px": ((16,), (-32,), (64,), (128,))}, "model.anchor_sizes_px: expected 1 or more, got -32"),
        ({"image_std": (0.0, 1.0, 1.0)}, "model.image_std: expected more than 0, got 0"),
        ({"category_score_thresholds": (0.5,)}, "expected 46 values or none, got 1"),
        ({"nms_iou": 1.5}, "model.nms_iou: expected 0 or more and at most 1, got 1.5"),
    ],
)
def test_numbers_no_model_can_have_are_refused_by_their_key(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_mask_rcnn(replace(ModelConfig(), **changes))


def test_boxes_are_computed_in_full_precision_even_where_layers_are_not() -> None:
    model = build_mask_rcnn(ModelConfig(fpn_channels=32, box_head_dim=32, mask_head_channels=(32,)))
    with torch.autocast("cpu", torch.bfloat16):
        levels = [torch.rand(1, 32, 16, 16)]
        logits, deltas = model.rpn.head(levels)
        scores, corners = model.roi_heads.box_predictor(torch.rand(3, 32))
        masks = model.roi_heads.mask_predictor(torch.rand(3, 32, 14, 14))
    assert {value.dtype for value in (*logits, *deltas, scores, corners, masks)} == {torch.float32}
