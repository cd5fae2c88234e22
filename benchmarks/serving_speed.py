"""Milliseconds of a segmenter's forward pass, step by step from torchvision's own to what is served.

    python -m benchmarks.serving_speed [--data FOLDER] [--checkpoint FILE] [--photos 20] [--threads 2] [--json FILE]

Every row adds one step to the row above it. The first row, torchvision's eager `maskrcnn_resnet50_fpn`, has random
weights, so that it finds and pastes next to nothing: a trained one is slower still. Differences are against the
checkpoint run by torchvision in float32 with the checkpoint's own number of proposals, over the garments that model is
sure enough of to show them. With `--clock cpu` a busy machine can measure, with one thread.

Tried and left out, on the first shipped checkpoint (MobileNetV2, stride 8, 512 px), one thread of an AMD EPYC with
avx512_bf16, milliseconds of backbone, pyramid and RPN head, which are two thirds of the forward pass:

    torch: eager float32 95, folded 55, fused 38; folded bfloat16 25, fused 24
    torch.jit.trace and freeze, folded: float32 46, bfloat16 22; torch.compile: minutes of start-up
    ONNX Runtime float32 36; OpenVINO float32 33, bfloat16 17

OpenVINO in bfloat16 would make the whole forward pass 1.2 to 1.3 times as fast as what is served, for 180 MB more on
disk, a conversion of some seconds at start-up and a second pool of threads beside torch's; the gain shrinks with larger
backbones, where torch's convolutions are as good. ONNX Runtime knows no bfloat16 on CPUs.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.models.detection import MaskRCNN, maskrcnn_resnet50_fpn
from tqdm import tqdm

from segmentation.boxes import iou
from segmentation.checkpoint import SHIPPED_SEGMENTER
from segmentation.config import ModelConfig
from segmentation.device import best_device
from segmentation.drawn import draw_scene, first_products
from segmentation.images import decode_rgb
from segmentation.model import build_mask_rcnn
from segmentation.segmenter import Segmenter
from segmentation.serving.detector import ServingDetector
from segmentation.serving.graphs import ServingOptions
from segmentation.weights import load_into

Photo = NDArray[np.uint8]
Found = list[tuple[int, float, tuple[float, float, float, float]]]
"""Category id, score, and box in shares of the photo's sides."""
Forward = Callable[[Photo], Found]
PLAIN = ServingOptions(channels_last=False, fold=False, fuse=False, mirror=False)
WARM_UP = 2
REFERENCE = "our model by torchvision, float32"


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of .jpg photos, searched through; drawn scenes where absent")
    parser.add_argument("--checkpoint", type=Path, default=SHIPPED_SEGMENTER)
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    segmenter, _ = Segmenter.from_file(options.checkpoint, device=options.device, bf16=best_device().bf16)
    full_photos = _photos(options.data, options.photos + WARM_UP)
    photos = [segmenter.fit(photo) for photo in full_photos]
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    rows: dict[str, dict[str, float]] = {}
    found: dict[str, list[Found]] = {}
    steps = _steps(options.checkpoint, segmenter.config, options.device)
    for name, forward in tqdm(steps.items(), desc="steps"):
        found[name], elapsed_ms = _run(forward(), photos, clock, options.device)
        rows[name] = {"median_ms": float(np.median(elapsed_ms)), "p90_ms": float(np.percentile(elapsed_ms, 90))}
    for name in list(rows)[2:]:
        rows[name] |= _difference(found[REFERENCE], found[name], segmenter.config.predictor_score_threshold)
    _print(rows, f"{len(photos) - WARM_UP} photos, {options.device}, {options.threads} threads, {options.clock} clock")
    if options.json is not None:
        content = {"at": datetime.now(UTC).isoformat(), "cores": os.cpu_count(), "rows": rows}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _photos(folder: Path | None, n_photos: int) -> list[Photo]:
    if folder is None:
        products = first_products(3, 60)
        return [draw_scene(products, np.random.default_rng(seed))[0] for seed in range(n_photos)]
    return [decode_rgb(file.read_bytes()) for file in sorted(folder.rglob("*.jpg"))[:n_photos]]


def _steps(file: Path, config: ModelConfig, device: str) -> dict[str, Callable[[], Forward]]:
    """What is measured, by name; each is built when its turn comes."""
    many = dataclasses.replace(config, rpn_pre_nms_test=1000, rpn_post_nms_test=1000)
    bf16 = best_device().bf16
    served: dict[str, dict[str, Any]] = {
        "+ no pasting, masks of kept garments only": {},
        "+ channels last": {"channels_last": True},
        "+ batch norm folded": {"channels_last": True, "fold": True},
        "+ mirrored instead of padded": {"channels_last": True, "fold": True, "mirror": True},
        "+ activations and sums fused": {"channels_last": True, "fold": True, "mirror": True, "fuse": True},
    }
    if bf16:
        served["+ bfloat16"] = {**served["+ activations and sums fused"], "bf16": True}
    return {
        "torchvision maskrcnn_resnet50_fpn, 512 px": lambda: _torchvision_at(device, min_size=512, max_size=512),
        "torchvision maskrcnn_resnet50_fpn, its own 800 px": lambda: _torchvision_at(device),
        "our model by torchvision, 1000 proposals": lambda: _by_torchvision(_loaded(many, file), device),
        REFERENCE: lambda: _by_torchvision(_loaded(config, file), device),
        **{
            name: lambda changes=changes: _served(config, file, device, dataclasses.replace(PLAIN, **changes))  # type: ignore[misc]
            for name, changes in served.items()
        },
    }


def _loaded(config: ModelConfig, file: Path) -> MaskRCNN:
    model = build_mask_rcnn(config).eval()
    load_into(model, file)
    return model


def _torchvision_at(device: str, **changes: int) -> Forward:
    return _forward(maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, **changes).eval().to(device), device)


def _by_torchvision(model: MaskRCNN, device: str) -> Forward:
    forward = _forward(model.to(device), device)

    def at_its_size(photo: Photo) -> Found:
        model.transform.min_size, model.transform.max_size = (min(photo.shape[:2]),), max(photo.shape[:2])
        return forward(photo)

    return at_its_size


def _forward(model: MaskRCNN, device: str) -> Forward:
    @torch.inference_mode()
    def forward(photo: Photo) -> Found:
        tensor = torch.from_numpy(photo).to(device).permute(2, 0, 1).float() / 255
        [output] = model([tensor])
        return _as_found(output["labels"] - 1, output["scores"], output["boxes"], photo)

    return forward


def _served(config: ModelConfig, file: Path, device: str, options: ServingOptions) -> Forward:
    detector = ServingDetector(_loaded(config, file), device=device, options=options)

    def forward(photo: Photo) -> Found:
        look = detector.look([photo], min_score=config.predictor_score_threshold)
        [boxes] = look.boxes
        detector.masks(look, [range(len(boxes.scores))])
        return _as_found(boxes.category_ids, boxes.scores, boxes.boxes_xyxy_px, photo)

    return forward


def _as_found(category_ids: torch.Tensor, scores: torch.Tensor, boxes: torch.Tensor, photo: Photo) -> Found:
    sides = torch.tensor([photo.shape[1], photo.shape[0]] * 2)
    shares = [tuple(box) for box in (boxes.cpu() / sides).tolist()]
    return list(zip(category_ids.tolist(), scores.tolist(), shares, strict=True))


def _run(
    forward: Forward, photos: list[Photo], clock: Callable[[], float], device: str
) -> tuple[list[Found], list[float]]:
    found, elapsed_ms = [], []
    for photo in photos:
        started = clock()
        found.append(forward(photo))
        if device == "cuda":
            torch.cuda.synchronize()
        elapsed_ms.append((clock() - started) * 1e3)
    return found, elapsed_ms[WARM_UP:]


def _difference(expected: list[Found], found: list[Found], threshold: float) -> dict[str, float]:
    """How garments of the reference differ in a step: largest and mean score, worst overlap, how many are lost."""
    overlaps, scores, n_lost = [], [], 0
    for wanted, given in zip(expected, found, strict=True):
        for category_id, score, box in wanted:
            if score < threshold:
                continue
            twins = [(iou(box, other[2]), other[1]) for other in given if other[0] == category_id]
            overlap, twin_score = max(twins, default=(0.0, 0.0))
            if overlap < 0.5:
                n_lost += 1
                continue
            overlaps.append(overlap)
            scores.append(abs(score - twin_score))
    return {
        "max_score_difference": max(scores, default=0.0),
        "least_overlap": min(overlaps, default=1.0),
        "share_overlapping_90": float(np.mean(np.array(overlaps) >= 0.9)) if overlaps else 1.0,
        "lost": n_lost,
        "garments": len(overlaps) + n_lost,
    }


def _print(rows: dict[str, dict[str, float]], title: str) -> None:
    first = next(iter(rows.values()))["median_ms"]
    print(f"\n{title}, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}\n")
    print(f"{'':<52}{'median ms':>10}{'p90':>8}{'speed':>8}{'score':>9}{'IoU':>8}{'IoU >.9':>9}{'lost':>9}")
    for name, row in rows.items():
        line = f"{name:<52}{row['median_ms']:>10.1f}{row['p90_ms']:>8.1f}{first / row['median_ms']:>7.1f}x"
        if "lost" in row:
            lost = f"{row['lost']:.0f}/{row['garments']:.0f}"
            line += f"{row['max_score_difference']:>9.5f}{row['least_overlap']:>8.4f}"
            line += f"{row['share_overlapping_90']:>9.1%}{lost:>9}"
        print(line)
    print("\nscore: largest difference from the reference; IoU: least overlap of a garment's box with its twin's")


if __name__ == "__main__":
    main()
