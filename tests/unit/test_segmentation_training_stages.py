"""Stages: what trains in each, how long, and at which learning rate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision.models.detection import MaskRCNN
from torchvision.ops import FrozenBatchNorm2d

from segmentation.config import LossWeights, ModelConfig, SegmenterConfig, StageConfig, TrainConfig
from segmentation.config_files import load_config
from segmentation.errors import ConfigError
from segmentation.model import build_mask_rcnn
from segmentation.training.engine import build_optimizer
from segmentation.training.parts import PARTS, freeze
from segmentation.training.stages import check_stages, plan_run, scale_stages, schedule_factor
from segmentation.trunk_variants import train_norm_affine

SMALL = ModelConfig(fpn_channels=32, box_head_dim=32, mask_head_channels=(32,))
HEADS = StageConfig("heads", epochs=1.5, frozen=("backbone",))
ALL = StageConfig("all", epochs=2, frozen_backbone_stages=0)


def factors(stage: StageConfig, n_steps: int = 100, steps_per_epoch: int = 10) -> list[float]:
    return [schedule_factor(stage, step, n_steps, steps_per_epoch=steps_per_epoch) for step in range(n_steps)]


def test_the_learning_rate_warms_up_and_falls_to_zero() -> None:
    found = factors(StageConfig(warmup_iterations=10))
    assert found[0] == pytest.approx(0.1)
    assert max(found) == found[9]
    assert found[10:] == sorted(found[10:], reverse=True)
    assert found[-1] < 0.01


def test_milestones_lower_the_learning_rate_after_their_epochs() -> None:
    stage = StageConfig(warmup_iterations=2, schedule="milestones", milestones=(6, 8.5))
    found = factors(stage)
    assert found[:3] == [0.5, 1.0, 1.0]
    assert found[59:61] == [1.0, pytest.approx(0.1)]
    assert found[84:86] == [pytest.approx(0.1), pytest.approx(0.01)]
    assert set(factors(StageConfig(warmup_iterations=0, schedule="constant"))) == {1.0}


def test_a_long_warm_up_leaves_most_of_a_short_trial_to_train() -> None:
    assert factors(StageConfig(warmup_iterations=200), n_steps=12).index(1.0) == 2


def test_every_stage_begins_with_a_new_epoch_and_its_own_schedule() -> None:
    plan = plan_run(TrainConfig(stages=(HEADS, ALL), accumulate=3), n_batches=8)
    assert [epoch.n_batches for epoch in plan.epochs] == [8, 4, 8, 8]
    assert [epoch.first_batch for epoch in plan.epochs] == [0, 8, 12, 20]
    assert [epoch.first_step for epoch in plan.epochs] == [0, 3, 0, 3]
    assert [plan.begins_stage(epoch) for epoch in range(4)] == [True, False, True, False]
    assert [plan.n_steps(stage) for stage in (0, 1)] == [5, 6], "what is left of an epoch is a step"
    assert plan.n_batches == 28
    assert plan.title(3) == "all 2/2"


@pytest.mark.parametrize(("epochs", "wanted"), [(0.01, [1]), (2.0000000001, [8, 8]), (1.99999, [8, 8]), (1.25, [8, 2])])
def test_parts_of_epochs_are_rounded_to_batches(epochs: float, wanted: list[int]) -> None:
    plan = plan_run(TrainConfig(stages=(StageConfig(epochs=epochs),)), n_batches=8)
    assert [epoch.n_batches for epoch in plan.epochs] == wanted


def test_scaling_keeps_the_proportions_and_moves_milestones_along() -> None:
    stepped = StageConfig(epochs=8, schedule="milestones", milestones=(4.0, 6.0))
    scaled = scale_stages(TrainConfig(stages=(replace(HEADS, epochs=2), stepped)), 2.5)
    check_stages(scaled)
    assert [stage.epochs for stage in scaled.stages] == [0.5, 2.0]
    assert scaled.stages[1].milestones == (1.0, 1.5)
    for epochs in (0, float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="epochs: expected a finite number above 0"):
            scale_stages(scaled, epochs)


def test_a_configuration_without_stages_has_one(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[train]\nbatch_size = 2\n")
    config = load_config(str(tmp_path / "mine.toml"), SegmenterConfig)
    check_stages(config.train)
    assert config.train.stages == (StageConfig(),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frozen": ("backbon",)}, r"train.stages\[1\].frozen: .*'backbon'; did you mean 'backbone'\?"),
        ({"schedule": "cosin"}, r"train.stages\[1\].schedule: .*did you mean 'cosine'\?"),
        ({"schedule": "step"}, "expected one of cosine, milestones, constant, got 'step'"),
        ({"schedule": "milestones", "milestones": (12.0,)}, "12 is not within the stage's 10 epochs"),
        ({"schedule": "milestones", "milestones": (4.0, 2.0)}, "each later than the one before"),
        ({"schedule": "milestones"}, "belong together"),
        ({"milestones": (3.0,)}, "belong together"),
        ({"epochs": 0.0}, r"stages\[1\].epochs: expected more than 0"),
        ({"learning_rate": float("nan")}, "learning_rate: expected more than 0"),
        ({"warmup_iterations": -1}, "warmup_iterations: expected 0 or more"),
        ({"frozen_backbone_stages": 9}, "frozen_backbone_stages: expected 0 to 5, got 9"),
    ],
)
def test_a_wrong_stage_says_what_is_wrong_and_where(changes: dict[str, object], message: str) -> None:
    wrong = replace(StageConfig(), **changes)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=message):
        check_stages(TrainConfig(stages=(HEADS, wrong)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": "adam"}, "did you mean 'adamw'"),
        ({"accumulate": 0}, "train.accumulate: expected 1 or more"),
        ({"ema_decay": 1.0}, "train.ema_decay"),
        ({"stages": ()}, "at least one stage"),
        ({"train_sides_px": ()}, "train.train_sides_px: at least one value is needed"),
        ({"seed": -1}, "train.seed: expected 0 or more, got -1"),
        ({"momentum": 1.0}, "train.momentum: expected 0 or more and less than 1"),
        ({"weight_decay": -0.1}, "train.weight_decay: expected 0 or more"),
        ({"loss_weights": LossWeights(mrcnn_mask=-1.0)}, "train.loss_weights.mrcnn_mask: expected 0 or more, got -1"),
    ],
)
def test_a_wrong_training_table_says_what_is_wrong(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_stages(replace(TrainConfig(), **changes))  # type: ignore[arg-type]


def test_the_parts_together_are_the_whole_model() -> None:
    model = build_mask_rcnn(SMALL)
    in_parts = [id(p) for modules in PARTS.values() for module in modules(model) for p in module.parameters()]
    assert sorted(in_parts) == sorted(id(parameter) for parameter in model.parameters())
    with pytest.raises(ConfigError, match="nothing to train"):
        freeze(model, replace(HEADS, frozen=tuple(PARTS)))


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("part", PARTS)
def test_what_is_frozen_stays_bit_equal_and_the_rest_moves(part: str, optimizer: str) -> None:
    torch.manual_seed(0)
    model = build_mask_rcnn(SMALL)
    stage = StageConfig(frozen=(part,), frozen_backbone_stages=0)
    freeze(model, stage)
    frozen = {id(p) for module in PARTS[part](model) for p in module.parameters()}
    before = [(parameter, parameter.detach().clone()) for parameter in model.parameters()]
    built = build_optimizer(model, TrainConfig(optimizer=optimizer, weight_decay=0.1), stage)
    for parameter in model.parameters():  # a gradient left over from an earlier stage must not move it either
        parameter.grad = torch.ones_like(parameter)
    built.step()
    for parameter, old in before:
        assert torch.equal(parameter, old) == (id(parameter) in frozen)


def test_the_backbone_trains_at_its_own_learning_rate() -> None:
    model = build_mask_rcnn(SMALL)
    stage = StageConfig(learning_rate=0.1, backbone_learning_rate_factor=0.5, frozen_backbone_stages=0)
    freeze(model, stage)
    rates = {group["lr"]: len(group["params"]) for group in build_optimizer(model, TrainConfig(), stage).param_groups}
    assert set(rates) == {0.1, 0.05}
    assert rates[0.05] == len(list(model.backbone.body.parameters()))
    freeze(model, HEADS)
    assert len(build_optimizer(model, TrainConfig(), HEADS).param_groups) == 1


def test_weight_decay_spares_the_scales_and_shifts_of_norms() -> None:
    model = build_mask_rcnn(replace(SMALL, backbone="convnext_tiny"))
    freeze(model, ALL)
    spared = {id(p) for group in decayed_groups(model, 0.0) for p in group["params"]}
    assert spared == {
        id(parameter)
        for name, parameter in model.named_parameters()
        if name.endswith("layer_scale")
        or (parameter.dim() == 1 and "norm" in type(owner(model, name)).__name__.lower())
    }
    assert len(decayed_groups(model, 0.05)) == len(decayed_groups(model, 0.0)) == 2, "heads and backbone"
    scaled = build_mask_rcnn(SMALL)
    train_norm_affine(scaled.backbone.body)
    freeze(scaled, ALL)
    [group] = decayed_groups(scaled, 0.0)
    assert len(group["params"]) == 2 * sum(isinstance(each, FrozenBatchNorm2d) for each in scaled.modules())


def decayed_groups(model: MaskRCNN, weight_decay: float) -> list[dict[str, Any]]:
    groups = build_optimizer(model, TrainConfig(weight_decay=0.05), ALL).param_groups
    return [group for group in groups if group["weight_decay"] == weight_decay]


def owner(model: MaskRCNN, name: str) -> torch.nn.Module:
    return model.get_submodule(name.rpartition(".")[0])


@pytest.mark.parametrize("backbone", ["mobilenet_v2", "resnet18"])
def test_freezing_keeps_the_first_backbone_stages_and_trains_the_rest(backbone: str) -> None:
    model = build_mask_rcnn(ModelConfig(backbone=backbone, fpn_channels=32))
    freeze(model, StageConfig(frozen_backbone_stages=2))
    named = list(model.backbone.body.named_parameters())
    trained = {name.split(".")[0] for name, value in named if value.requires_grad}
    frozen = {name.split(".")[0] for name, value in named if not value.requires_grad}
    assert frozen == ({"conv1", "layer1"} if backbone == "resnet18" else {"0", "1", "2", "3"})
    assert trained
    assert not frozen & trained
    assert all(value.requires_grad for value in model.rpn.parameters())
    freeze(model, ALL)
    assert all(value.requires_grad for value in model.parameters())
