"""Every backbone trains, is saved and serves; fresh, loaded and partly loaded trunks are sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.image_list import ImageList

from segmentation.backbones import BACKBONES, build_fpn, build_trunk
from segmentation.config import (
    EmbedderConfig,
    LossWeights,
    ModelConfig,
    SegmenterConfig,
    StageConfig,
    TrainConfig,
    pad_as_weights_expect,
)
from segmentation.config_files import to_mapping
from segmentation.errors import CheckpointError, ConfigError
from segmentation.levels import LevelAnchors, level_roi_align
from segmentation.model import build_mask_rcnn, load_trunk_weights, total_loss
from segmentation.segmenter import Segmenter
from segmentation.taxonomy import CATEGORIES
from segmentation.training.initial import load_initial
from segmentation.training.parts import freeze
from segmentation.trunk_variants import train_norm_affine
from segmentation.weights import load_into, read_initial_weights, save_checkpoint


def tiny(backbone: str, finest_stride: int = 8, **changes: Any) -> ModelConfig:
    sizes = ((16,), (32,), (64,), (96,)) if finest_stride == 8 else ((8,), (16,), (32,), (64,), (96,))
    return ModelConfig(
        backbone=backbone,
        finest_stride=finest_stride,
        anchor_sizes_px=sizes,
        fpn_channels=16,
        box_head_dim=16,
        mask_head_channels=(16,),
        max_side_px=96,
        min_side_px=96,
        **changes,
    )


def photo_and_target(seed: int = 3) -> tuple[Tensor, dict[str, Tensor]]:
    torch.manual_seed(seed)
    masks = torch.zeros(3, 96, 96, dtype=torch.uint8)
    masks[0, 4:92, 8:88], masks[1, 20:60, 30:70], masks[2, 70:90, 10:30] = 1, 1, 1
    boxes = torch.tensor([[8.0, 4.0, 88.0, 92.0], [30.0, 20.0, 70.0, 60.0], [10.0, 70.0, 30.0, 90.0]])
    return torch.rand(3, 96, 96), {"boxes": boxes, "labels": torch.tensor([11, 2, 24]), "masks": masks}


def losses_of(model: MaskRCNN) -> dict[str, Tensor]:
    photo, target = photo_and_target()
    losses: dict[str, Tensor] = model.train()([photo], [target])
    return losses


@pytest.mark.parametrize(("backbone", "finest_stride"), [(name, 4 + 4 * (i % 2)) for i, name in enumerate(BACKBONES)])
def test_a_backbone_trains_is_saved_and_finds(backbone: str, finest_stride: int, tmp_path: Path) -> None:
    config = tiny(backbone, finest_stride, score_threshold=0.0)
    torch.manual_seed(0)
    model = build_mask_rcnn(config)
    freeze(model, StageConfig(frozen_backbone_stages=2))
    losses = losses_of(model)
    assert all(bool(value.isfinite()) and value < 20 for value in losses.values()), losses
    total_loss(losses, LossWeights()).backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), f"{name} learns nothing"
        else:
            assert parameter.grad is None, name
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1e-3).step()

    file = tmp_path / "s.safetensors"
    header = to_mapping(SegmenterConfig("s", model=config))
    save_checkpoint(file, model.state_dict(), kind="segmenter", config=header, metrics={}, provenance={})
    loaded, info = Segmenter.from_file(file)
    assert loaded.config == config
    assert info.categories == tuple(category.name for category in CATEGORIES)
    image = np.random.default_rng(0).integers(0, 255, (80, 64, 3), dtype=np.uint8)
    found = loaded.find([loaded.fit(image)], min_score=0.0)[0]
    assert found, "an untrained model is unsure, but finds something at score 0"
    model.load_state_dict({name: value.half().float() for name, value in model.state_dict().items()})
    same = Segmenter(model, config).find([loaded.fit(image)], min_score=0.0)[0]
    assert [item.category_id for item in found] == [item.category_id for item in same]
    np.testing.assert_allclose([item.box for item in found], [item.box for item in same], atol=1e-4)


def shaken(trunk: nn.Module, seed: int = 0) -> dict[str, Tensor]:
    """A state dict whose norms have statistics of their own, small variances among them."""
    generator = torch.Generator().manual_seed(seed)
    state = {name: value.clone() for name, value in trunk.state_dict().items()}
    for name, value in state.items():
        if name.endswith("running_var"):
            state[name] = torch.rand(value.shape, generator=generator) + 0.05
        elif value.dim() == 1 and value.is_floating_point():
            state[name] = value + 0.1 * torch.randn(value.shape, generator=generator)
    return state


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenet_v2", "mobilenet_v3_large", "convnext_tiny"])
def test_a_trunk_computes_what_torchvisions_own_computes_with_the_same_weights(backbone: str) -> None:
    torch.manual_seed(0)
    theirs: Any = get_model(backbone, weights=None).eval()
    state = shaken(theirs)
    theirs.load_state_dict(state)
    ours: Any = build_trunk(backbone).eval()
    ours.load_state_dict({name: value for name, value in state.items() if "num_batches" not in name})
    photo = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        expected = theirs(photo)
        assert float((ours(photo) - expected).abs().max() / expected.abs().max()) < 1e-4


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_fresh_trunk_keeps_the_scale_of_what_enters_it(backbone: str) -> None:
    torch.manual_seed(1)
    body = build_fpn(tiny(backbone, 4)).body
    with torch.no_grad():
        levels = body(torch.randn(1, 3, 96, 96))
    scales = [float(level.pow(2).mean().sqrt()) for level in levels.values()]
    # The gates and hard swishes of MobileNetV3 halve a weak signal now and then, so its last level is weaker.
    assert all(0.002 < scale < 10 for scale in scales), scales


def test_an_unknown_backbone_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'resnet17' is unknown.*convnext_tiny"):
        build_trunk("resnet17")


def test_the_stride_moves_to_the_first_convolution_of_each_bottleneck_that_has_one() -> None:
    plain, original = build_trunk("resnet50"), build_trunk("resnet50", stride_in_1x1=True)
    for trunk, first, second in ((plain, 1, 2), (original, 2, 1)):
        for stage in ("layer2", "layer3", "layer4"):
            blocks: Any = getattr(trunk, stage)
            assert (blocks[0].conv1.stride[0], blocks[0].conv2.stride[0]) == (first, second)
            assert blocks[0].downsample[0].stride[0] == 2
            assert (blocks[1].conv1.stride[0], blocks[1].conv2.stride[0]) == (1, 1)
    assert list(plain.state_dict()) == list(original.state_dict())
    original.load_state_dict(plain.state_dict())
    photo = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert plain(photo).shape == original(photo).shape
        assert not torch.allclose(plain(photo), original(photo))


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenet_v2", "convnext_tiny"])
def test_a_backbone_without_bottlenecks_cannot_stride_in_them(backbone: str) -> None:
    with pytest.raises(ConfigError, match=r"model\.stride_in_1x1"):
        build_trunk(backbone, stride_in_1x1=True)


def test_imagenet_weights_get_the_strides_they_were_made_with() -> None:
    config, note = pad_as_weights_expect(ModelConfig(stride_in_1x1=True, tf_same_padding=True), "imagenet")
    assert (config.stride_in_1x1, config.tf_same_padding) == (False, False)
    assert "stride_in_1x1 is taken as false" in note
    assert "tf_same_padding is taken as false" in note
    assert pad_as_weights_expect(EmbedderConfig("crop"), "imagenet") == (EmbedderConfig("crop"), "")


@pytest.mark.parametrize("error", [OSError("no route"), RuntimeError("invalid hash value")])
def test_weights_that_cannot_be_downloaded_are_told(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    with pytest.raises(CheckpointError, match=f"imagenet weights of resnet18 cannot be downloaded .{error}"):
        build_trunk("resnet18", weights="imagenet")


@pytest.fixture
def partial_trunk(tmp_path: Path) -> Path:
    """Weights of a ResNet-18 without its last stage, as a file of torchvision's names."""
    torch.manual_seed(5)
    state = shaken(get_model("resnet18", weights=None))
    file = tmp_path / "c1_to_c4.pth"
    torch.save({name: value for name, value in state.items() if not name.startswith(("layer4", "fc"))}, file)
    return file


def recipe(file: Path | str, *stages: StageConfig) -> TrainConfig:
    return TrainConfig(initial_weights=str(file), stages=stages)


def test_a_partly_loaded_trunk_says_what_starts_fresh(partial_trunk: Path) -> None:
    model = build_mask_rcnn(tiny("resnet18"))
    before = {name: value.clone() for name, value in model.backbone.body.state_dict().items()}
    notes = load_initial(model, recipe(partial_trunk, StageConfig(frozen_backbone_stages=2)))
    assert notes == ("c1_to_c4.pth holds 75 of the backbone's 100 tensors; these start fresh: layer4",)
    given = read_initial_weights(partial_trunk)
    for name, value in model.backbone.body.state_dict().items():
        assert torch.equal(value, before[name] if name.startswith("layer4") else given[name]), name
    body = model.backbone.body
    with torch.no_grad():
        levels = body(torch.randn(1, 3, 96, 96))
    c4, c5 = (float(levels[level].pow(2).mean().sqrt()) for level in ("1", "2"))
    assert 0.2 < c5 / c4 < 5, "the fresh layer neither drowns nor amplifies what the loaded ones say"


def test_freezing_what_nothing_was_loaded_into_is_told_for_each_stage_that_does_so(partial_trunk: Path) -> None:
    stages = (
        StageConfig("heads", frozen=("backbone",)),
        StageConfig("all", frozen_backbone_stages=0),
        StageConfig("fine", frozen=("backbone",)),
    )
    notes = load_initial(build_mask_rcnn(tiny("resnet18")), recipe(partial_trunk, *stages))
    assert notes[1:] == ("stage 'heads' freezes layer4 before weights were loaded there or trained",)
    notes = load_initial(build_mask_rcnn(tiny("resnet18")), recipe("", StageConfig("all", frozen_backbone_stages=2)))
    assert notes == (
        "no initial weights: the whole backbone starts fresh",
        "stage 'all' freezes conv1, bn1, layer1 before weights were loaded there or trained",
    )


def test_a_whole_segmenter_or_a_whole_trunk_needs_no_word(tmp_path: Path) -> None:
    model = build_mask_rcnn(tiny("resnet18"))
    file = tmp_path / "trunk.pth"
    torch.save(model.backbone.body.state_dict(), file)
    assert load_initial(model, recipe(file, StageConfig(frozen=("backbone",)))) == ()
    assert load_initial(model, recipe("imagenet", StageConfig(frozen=("backbone",)))) == ()


def test_weights_of_another_backbone_are_refused() -> None:
    with pytest.raises(CheckpointError, match="none of the file's tensors"):
        load_trunk_weights(build_mask_rcnn(tiny("resnet18")), build_trunk("mobilenet_v2").state_dict())


@pytest.mark.parametrize(("n_stages", "frozen"), [(0, ""), (1, ""), (2, "0 1"), (3, "0 1 2 3"), (5, "0 1 2 3 4 5 6 7")])
def test_convnext_freezes_by_resolution_as_the_others_do(n_stages: int, frozen: str) -> None:
    model = build_mask_rcnn(tiny("convnext_tiny"))
    freeze(model, StageConfig(frozen_backbone_stages=n_stages))
    still = {name.split(".")[0] for name, value in model.backbone.body.named_parameters() if not value.requires_grad}
    assert sorted(still) == frozen.split()
    assert all(value.requires_grad for value in model.backbone.fpn.parameters()), "the norms before it are the FPN's"


def test_scale_and_shift_of_batch_norm_train_on_demand_and_the_file_is_like_any_other(tmp_path: Path) -> None:
    config = tiny("resnet18")
    torch.manual_seed(0)
    model = build_mask_rcnn(config)
    model.backbone.body.load_state_dict(shaken(model.backbone.body))
    photo = torch.rand(1, 3, 64, 64)
    expected = model.backbone(photo)["0"]
    train_norm_affine(model.backbone.body)
    torch.testing.assert_close(model.backbone(photo)["0"], expected)
    freeze(model, StageConfig(frozen_backbone_stages=2))
    total_loss(losses_of(model), LossWeights()).backward()  # type: ignore[no-untyped-call]
    norms = {name: value for name, value in model.named_parameters() if ".bn" in name}
    assert norms["backbone.body.layer4.0.bn1.bias"].grad.any()
    assert norms["backbone.body.layer1.0.bn1.weight"].grad is None
    assert not any("running" in name for name in norms), "statistics are no parameters"
    torch.optim.SGD([value for value in norms.values() if value.requires_grad], lr=0.1).step()
    file = tmp_path / "s.safetensors"
    save_checkpoint(file, model.state_dict(), kind="segmenter", config={}, metrics={}, provenance={})
    frozen = build_mask_rcnn(config)
    load_into(frozen, file)
    with torch.no_grad():
        expected = model.backbone(photo)["0"]
        assert float((frozen.backbone(photo)["0"] - expected).abs().max() / expected.abs().max()) < 0.02


def test_numbers_too_large_for_half_precision_survive_a_checkpoint(tmp_path: Path) -> None:
    model = build_mask_rcnn(tiny("resnet18"))
    model.backbone.body.bn1.running_var[0] = 83614.73
    file = tmp_path / "s.safetensors"
    save_checkpoint(file, model.state_dict(), kind="segmenter", config={}, metrics={}, provenance={})
    again = build_mask_rcnn(tiny("resnet18"))
    load_into(again, file)
    assert float(again.backbone.body.bn1.running_var[0]) == pytest.approx(83614.73)


def test_anchors_of_the_pooled_level_lie_where_its_cells_look() -> None:
    anchors = LevelAnchors(((16,), (32,), (64,), (128,)), (1.0,), (8, 16, 32, 64))
    sides = (96, 160)
    levels = [torch.zeros(1, 1, -(-sides[0] // stride), -(-sides[1] // stride)) for stride in (8, 16, 32, 64)]
    assert levels[3].shape[2:] == (2, 3), "neither side is a multiple of 64"
    both = anchors(ImageList(torch.zeros(2, 3, *sides), [sides, sides]), levels)
    assert len(both) == 2
    pooled = both[0][-6:]
    centers = ((pooled[:, :2] + pooled[:, 2:]) / 2).tolist()
    assert centers == [[0, 0], [64, 0], [128, 0], [0, 64], [64, 64], [128, 64]]
    assert len(both[0]) == sum(level.shape[2] * level.shape[3] for level in levels)


@pytest.mark.parametrize(("side_px", "level"), [(20, 0), (130, 0), (220, 0), (230, 1), (440, 1), (460, 2), (900, 2)])
def test_boxes_are_pooled_from_the_level_of_their_size(side_px: int, level: int) -> None:
    pool = level_roi_align((8, 16, 32), 7, 1)
    maps = {str(index): torch.full((1, 1, 128 >> index, 128 >> index), float(index)) for index in range(3)}
    box = torch.tensor([[10.0, 10.0, 10.0 + side_px, 10.0 + side_px]])
    assert pool(maps, [box], [(1024, 1024)]).round().unique().tolist() == [level]


def test_a_narrow_first_photo_does_not_change_what_later_ones_get(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    config = tiny("resnet18", score_threshold=0.0)
    model = build_mask_rcnn(config)
    photo = np.random.default_rng(1).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    expected = Segmenter(model, config).find([photo], min_score=0.0)[0]
    later = Segmenter(model, config)
    later.find([np.zeros((40, 96, 3), np.uint8)], min_score=0.0)
    found = later.find([photo], min_score=0.0)[0]
    assert [item.category_id for item in found] == [item.category_id for item in expected]
    np.testing.assert_allclose([item.score for item in found], [item.score for item in expected], atol=1e-6)


@pytest.mark.realdata
def test_the_original_resnet_loads_up_to_its_fourth_stage_and_looks_at_photos(shared_data: Path) -> None:
    model = build_mask_rcnn(tiny("resnet50", 4, stride_in_1x1=True))
    file = shared_data / "weights" / "resnet50_c1_to_c4_imagenet.pth"
    notes = load_initial(model, recipe(file, StageConfig("heads", frozen=("backbone",))))
    assert notes[0] == f"{file.name} holds 220 of the backbone's 265 tensors; these start fresh: layer4 (45 of its 50)"
    assert notes[1].startswith("stage 'heads' freezes layer4")
    photo = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 3, 96, 96)).astype(np.float32))
    with torch.no_grad():
        scales = [float(level.pow(2).mean().sqrt()) for level in model.backbone.body(photo).values()]
    assert all(0.3 < scale < 3 for scale in scales), scales


@pytest.mark.parametrize("build", [lambda: build_fpn(tiny("resnet18", 8)), lambda: build_fpn(tiny("convnext_tiny", 8))])
def test_only_levels_that_are_asked_for_are_built(build: Callable[[], Any]) -> None:
    with torch.no_grad():
        levels = build()(torch.zeros(1, 3, 96, 64))
    assert [tuple(level.shape[2:]) for level in levels.values()] == [(12, 8), (6, 4), (3, 2), (2, 1)]
