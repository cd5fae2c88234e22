"""The parts of a model that a stage of training may freeze, and the optimizer's groups of what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from torch import nn
from torchvision.models.convnext import CNBlock
from torchvision.models.detection import MaskRCNN
from torchvision.ops import FrozenBatchNorm2d

from segmentation.config import StageConfig
from segmentation.errors import ConfigError

PARTS: Mapping[str, Callable[[MaskRCNN], tuple[nn.Module, ...]]] = {
    "backbone": lambda model: (model.backbone.body,),
    "fpn": lambda model: (model.backbone.fpn,),
    "rpn": lambda model: (model.rpn,),
    "box_head": lambda model: (model.roi_heads.box_head, model.roi_heads.box_predictor),
    "mask_head": lambda model: (model.roi_heads.mask_head, model.roi_heads.mask_predictor),
}
"""Together they hold every parameter of a model."""

_RESNET_STAGES = {"conv1": 0, "bn1": 0, "layer1": 1, "layer2": 2, "layer3": 3, "layer4": 4}


def freeze(model: MaskRCNN, stage: StageConfig) -> None:
    """Let train what the stage trains, and nothing else.

    Raises:
        ConfigError: Nothing is left to train.
    """
    model.requires_grad_(True)
    for part in stage.frozen:
        for module in PARTS[part](model):
            module.requires_grad_(False)
    body = model.backbone.body
    for name, child in body.named_children():
        if stage_of(body, name) < stage.frozen_backbone_stages:
            child.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ConfigError(f"train.stages: {stage.name!r} freezes everything, so there is nothing to train")


def stage_of(body: nn.Module, child_name: str) -> int:
    """Which stage of the backbone a child of it belongs to, from 0: each halves the resolution once more."""
    if child_name in _RESNET_STAGES:
        return _RESNET_STAGES[child_name]
    if not child_name.isdigit():
        return 0
    halvings = 0
    for index, child in enumerate(body.children()):
        strides = [module.stride[0] for module in child.modules() if isinstance(module, nn.Conv2d)]
        halvings += sum(stride.bit_length() - 1 for stride in strides)
        if index == int(child_name):
            break
    return max(halvings - 1, 0)


def parameter_groups(model: MaskRCNN, stage: StageConfig) -> list[dict[str, object]]:
    """Optimizer groups of what trains: the backbone at its own learning rate, and the rest; norms without decay.

    `peak` is the group's learning rate before the schedule. Groups without parameters are left out.
    """
    body = {id(parameter) for parameter in model.backbone.body.parameters()}
    norms = {id(parameter) for module in model.modules() for parameter in _norm_parameters(module)}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups: list[dict[str, object]] = []
    for of_norms in (False, True):
        for of_body, factor in ((False, 1.0), (True, stage.backbone_learning_rate_factor)):
            rate = stage.learning_rate * factor
            chosen = [p for p in trained if (id(p) in norms) == of_norms and (id(p) in body) == of_body]
            group: dict[str, object] = {"params": chosen, "lr": rate, "peak": rate}
            groups += [group | {"weight_decay": 0.0} if of_norms else group] if chosen else []
    return groups


def _norm_parameters(module: nn.Module) -> Iterable[nn.Parameter]:
    """A module's own scales and shifts: decay would not make the function simpler, it would only switch layers off."""
    if isinstance(module, nn.LayerNorm | nn.GroupNorm | FrozenBatchNorm2d):
        return module.parameters(recurse=False)
    return (module.layer_scale,) if isinstance(module, CNBlock) else ()
