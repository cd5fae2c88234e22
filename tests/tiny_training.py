"""A data set and a model so small that a training run takes seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from segmentation.config import AugmentConfig, ModelConfig, SegmenterConfig, StageConfig, TrainConfig
from segmentation.config_files import to_toml
from segmentation.data.annotations import Photos
from segmentation.data.coco import read_coco

ANNOTATIONS = "instances.json"
SIDE_PX = 64
MODEL = ModelConfig(
    fpn_channels=16,
    box_head_dim=16,
    mask_head_channels=(16,),
    anchor_sizes_px=((8,), (16,), (32,), (64,)),
    max_side_px=SIDE_PX,
    min_side_px=SIDE_PX,
    rpn_pre_nms_train=60,
    rpn_post_nms_train=30,
    rpn_pre_nms_test=20,
    rpn_post_nms_test=10,
    max_detections=5,
)
STAGES = (
    StageConfig("heads", epochs=1.5, learning_rate=2e-3, warmup_iterations=1, frozen=("backbone",)),
    StageConfig("all", epochs=1, learning_rate=1e-3, warmup_iterations=0, schedule="constant"),
)


def tiny_config(**changes: object) -> SegmenterConfig:
    """Two stages of two batches a step, in float32, saving its state after each step."""
    train = TrainConfig(
        batch_size=2,
        accumulate=2,
        bf16=False,
        ema_decay=0.9,
        train_sides_px=(SIDE_PX,),
        rois_per_image=16,
        min_area_px=1,
        save_every_s=0.0,
        augment=AugmentConfig(color_jitter=0.1),
        stages=STAGES,
    )
    return SegmenterConfig("tiny", MODEL, replace(train, **changes))  # type: ignore[arg-type]


def write_tiny_data(folder: Path, n_photos: int = 7) -> Photos:
    """Square photos with two rectangular garments each, and `mine.toml`."""
    rng = np.random.default_rng(3)
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    (folder / "images").mkdir(parents=True)
    for number in range(n_photos):
        pixels = rng.integers(0, 60, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
        for part in range(2):
            left, top = (int(each) for each in rng.integers(2, 20, 2))
            width, height = (int(each) for each in rng.integers(16, 36, 2))
            pixels[top : top + height, left : left + width, part] = 220
            right, bottom = left + width, top + height
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number + 1,
                    "category_id": 2 * part,
                    "bbox": [left, top, width, height],
                    "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
                }
            )
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        images.append({"id": number + 1, "file_name": f"{number}.png", "width": SIDE_PX, "height": SIDE_PX})
    categories = [{"id": 0, "name": "shirt, blouse"}, {"id": 2, "name": "sweater"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / ANNOTATIONS).write_text(json.dumps(content))
    (folder / "mine.toml").write_text(to_toml(tiny_config()))
    return read_coco(folder / ANNOTATIONS, folder / "images").photos
