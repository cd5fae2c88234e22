"""Milliseconds a garment's crop takes to become a vector: the model as it is built, and as it is served.

    python -m benchmarks.crop_speed [--embedder FILE] [--crops 48] [--rounds 7] [--threads 1] [--json FILE]

"eager" is the plain module a checkpoint loads into, in torch's own order of memory, crops one by one or eight at a
time; "served" is `segmentation.embedding.Embedder`, what indexing and searching call (batch norms folded, activations
fused, channels last), for photos of one crop and of as many as a street photo has. The rounds of all rows take turns,
so that a busy machine slows all of them, and the middle round counts. "differs" is the largest difference of a
vector's cosine from eager's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from segmentation.checkpoint import SHIPPED_EMBEDDER
from segmentation.embedding import CropEmbedder, Embedder
from segmentation.weights import load_into

Crops = list[NDArray[np.uint8]]
Floats = NDArray[np.float32]
A_PHOTO = 4
"""Crops: a photo and three garments."""


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embedder", type=Path, default=SHIPPED_EMBEDDER)
    parser.add_argument("--crops", type=int, default=48, help="crops a round, rounded up to whole photos of four")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    embedder, info = Embedder.from_file(options.embedder)
    model = CropEmbedder(embedder.config).eval().requires_grad_(False)
    load_into(model, options.embedder)
    crops = _crops(-(-options.crops // A_PHOTO) * A_PHOTO, embedder.config.input_side_px)
    ways: dict[str, Callable[[Crops], Floats]] = {
        "eager, one crop at a time": lambda each: _eager(model, each, 1),
        "eager, eight at a time": lambda each: _eager(model, each, 8),
        "served, one crop a photo": lambda each: _by(embedder.embed, each, 1),
        f"served, {A_PHOTO} crops a photo": lambda each: _by(embedder.embed, each, A_PHOTO),
    }
    rows = _measure(ways, crops, options.rounds)
    machine = f"{options.threads} thread(s) of {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}"
    print(f"{info.version}, {embedder.config.input_side_px} px, {len(crops)} crops, {machine}\n")
    print(f"{'':<32}{'ms a crop':>10}{'ratio':>8}{'differs':>10}")
    slowest = next(iter(rows.values()))["ms_a_crop"]
    for name, row in rows.items():
        print(f"{name:<32}{row['ms_a_crop']:>10.1f}{slowest / row['ms_a_crop']:>7.1f}x{row['differs']:>10.1e}")
    if options.json is not None:
        content = {"embedder": info.version, "threads": options.threads, "rows": rows}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _crops(n: int, side_px: int) -> Crops:
    """Smooth patches and noise: what is in a crop changes nothing of the time it takes."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
    repeats = -(-side_px // 8)
    return list(coarse.repeat(repeats, axis=1).repeat(repeats, axis=2)[:, :side_px, :side_px])


def _eager(model: CropEmbedder, crops: Crops, n_together: int) -> Floats:
    def embed(part: Crops) -> Floats:
        batch = torch.from_numpy(np.stack(part)).permute(0, 3, 1, 2).float().div(255.0).contiguous()
        with torch.inference_mode():
            vectors: Floats = model(batch).numpy()
        return vectors

    return _by(embed, crops, n_together)


def _by(embed: Callable[[Crops], Floats], crops: Crops, n_together: int) -> Floats:
    return np.concatenate([embed(crops[start : start + n_together]) for start in range(0, len(crops), n_together)])


def _measure(ways: dict[str, Callable[[Crops], Floats]], crops: Crops, n_rounds: int) -> dict[str, dict[str, float]]:
    vectors = {name: way(crops) for name, way in ways.items()}  # and everything is warm
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(n_rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            way(crops)
            seconds[name].append(time.perf_counter() - started)
    eager = next(iter(vectors.values()))
    return {
        name: {
            "ms_a_crop": statistics.median(each) / len(crops) * 1e3,
            "differs": float(np.max(np.abs(1 - (vectors[name] * eager).sum(axis=1)))),
        }
        for name, each in seconds.items()
    }


if __name__ == "__main__":
    main()
