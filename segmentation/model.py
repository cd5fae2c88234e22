"""Mask R-CNN, built from a configuration.

Source: He et al., "Mask R-CNN", ICCV 2017; Lin et al., "Feature Pyramid Networks", CVPR 2017; torchvision's modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor

from segmentation.backbones import build_fpn, level_strides_px
from segmentation.config import LossWeights, ModelConfig
from segmentation.config_checks import check_model
from segmentation.errors import CheckpointError, ConfigError
from segmentation.levels import LevelAnchors, level_roi_align
from segmentation.taxonomy import N_CATEGORIES

# Matterport's names (the ones the literature of this data set uses) -> torchvision's.
LOSS_NAMES: Mapping[str, str] = {
    "rpn_class": "loss_objectness",
    "rpn_bbox": "loss_rpn_box_reg",
    "mrcnn_class": "loss_classifier",
    "mrcnn_bbox": "loss_box_reg",
    "mrcnn_mask": "loss_mask",
}


def build_mask_rcnn(config: ModelConfig, *, weights: str = "", rois_per_image: int = 128) -> MaskRCNN:
    """Build the model with freshly initialized heads; class 0 is background, class i + 1 is category i.

    Photos are expected resized already (`segmentation.resizing`): the model's
    own transform only normalizes and batches them, so that training and serving resize in one place.

    Raises:
        ConfigError: Anchors do not fit the levels, an unknown backbone, or a number out of its range.
    """
    check_model(config)
    backbone = build_fpn(config, weights=weights)
    strides = level_strides_px(config.finest_stride)
    if len(config.anchor_sizes_px) != len(strides):
        raise ConfigError(
            f"model.anchor_sizes_px: {len(strides)} levels are needed from stride {config.finest_stride}, "
            f"got {len(config.anchor_sizes_px)}"
        )
    if len({len(sizes) for sizes in config.anchor_sizes_px}) != 1:
        raise ConfigError("model.anchor_sizes_px: every level needs the same number of sizes")
    n_classes = N_CATEGORIES + 1
    mask_dim = config.mask_head_channels[-1]
    model = MaskRCNN(
        backbone,
        rpn_anchor_generator=LevelAnchors(config.anchor_sizes_px, config.anchor_ratios, strides),
        box_roi_pool=level_roi_align(strides[:-1], 7, config.roi_sampling_ratio),
        box_head=TwoMLPHead(config.fpn_channels * 7 * 7, config.box_head_dim),
        box_predictor=FastRCNNPredictor(config.box_head_dim, n_classes),
        mask_roi_pool=level_roi_align(strides[:-1], 14, config.roi_sampling_ratio),
        mask_head=MaskRCNNHeads(config.fpn_channels, config.mask_head_channels, 1),
        mask_predictor=MaskRCNNPredictor(mask_dim, mask_dim, n_classes),
        image_mean=list(config.image_mean),
        image_std=list(config.image_std),
        min_size=config.min_side_px,
        max_size=config.max_side_px,
        _skip_resize=True,
        rpn_pre_nms_top_n_train=config.rpn_pre_nms_train,
        rpn_post_nms_top_n_train=config.rpn_post_nms_train,
        rpn_pre_nms_top_n_test=config.rpn_pre_nms_test,
        rpn_post_nms_top_n_test=config.rpn_post_nms_test,
        box_batch_size_per_image=rois_per_image,
        box_score_thresh=config.score_threshold,
        box_nms_thresh=config.nms_iou,
        box_detections_per_img=config.max_detections,
    )
    for head in (model.rpn.head, model.roi_heads.box_predictor, model.roi_heads.mask_predictor):
        head.register_forward_hook(_in_full_precision)
    return model


def _in_full_precision(_module: nn.Module, _inputs: object, outputs: Any) -> Any:
    """Boxes are computed from what a head says: in bfloat16 a corner at 500 px could only move in steps of 2 px."""
    if isinstance(outputs, Tensor):
        return outputs.float()
    return type(outputs)(_in_full_precision(_module, _inputs, output) for output in outputs)


def load_trunk_weights(model: MaskRCNN, weights: Mapping[str, Tensor]) -> tuple[str, ...]:
    """Load classification weights in torchvision's names into the backbone.

    Names the trunk lacks (a classifier) are passed over; trunk names the file lacks stay as they are.

    Returns:
        Names of the trunk's tensors that the file lacks.

    Raises:
        CheckpointError: Nothing fits, or a tensor has another shape.
    """
    body = model.backbone.body
    own = body.state_dict()
    found: dict[str, Tensor] = {}
    for name, value in weights.items():
        key = name.removeprefix("features.")
        if key in own:
            if own[key].shape != value.shape:
                raise CheckpointError(f"{name}: shape {tuple(value.shape)}, the backbone has {tuple(own[key].shape)}")
            found[key] = value
    if not found:
        raise CheckpointError("none of the file's tensors belongs to this backbone")
    body.load_state_dict(found, strict=False)
    return tuple(name for name in own if name not in found)


def total_loss(losses: Mapping[str, Tensor], weights: LossWeights) -> Tensor:
    """Sum the five losses by their weights."""
    terms = [getattr(weights, name) * losses[torchvision_name] for name, torchvision_name in LOSS_NAMES.items()]
    total: Tensor = sum(terms[1:], start=terms[0])
    return total
