"""Where a checkpoint comes from: data, initial weights, versions, cost. Nothing here needs a version control system."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from torch import Tensor

import segmentation
from segmentation.config import SegmenterConfig
from segmentation.config_files import to_mapping
from segmentation.data.annotations import AnnotatedPhoto, Photos
from segmentation.taxonomy import CATEGORIES
from segmentation.training.initial import initial_provenance
from segmentation.training.ledger import cost
from segmentation.training.state import Progress
from segmentation.weights import save_checkpoint


def describe_data(photos: Sequence[AnnotatedPhoto]) -> dict[str, Any]:
    """How much there is of what; `sha8` tells photos and their order apart."""
    compact = Photos.of(photos)
    counts = compact.category_counts()
    digest = hashlib.sha256("\n".join(compact.image_ids).encode())
    digest.update(counts.tobytes())
    per_category = {category.name: int(counts[:, category.id].sum()) for category in CATEGORIES}
    return {
        "photos": len(compact),
        "instances": compact.n_instances,
        "categories": {name: n for name, n in per_category.items() if n},
        "sha8": digest.hexdigest()[:8],
    }


@cache
def versions() -> Mapping[str, str]:
    """What computes: `code` is the first 8 hexadecimal digits of the SHA-256 of this package's source."""
    digest = hashlib.sha256()
    for file in sorted(Path(segmentation.__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "numpy": np.__version__,
        "code": digest.hexdigest()[:8],
    }


def save_run_checkpoint(
    file: Path,
    weights: dict[str, Tensor],
    config: SegmenterConfig,
    story: Mapping[str, Any],
    progress: Progress,
    metrics: dict[str, Any],
) -> None:
    """Write a checkpoint of a run in work, with its history and without paths of the machine.

    Args:
        file: Where to.
        weights: The averaged ones.
        config: The run's.
        story: Data, processes, device.
        progress: How far it is, and what it cost.
        metrics: Validation figures of these weights; empty where they were not measured.
    """
    initial = config.train.initial_weights
    train = story["data_sets"]["train"]
    provenance = {
        **{name: value for name, value in story.items() if name != "data_sets"},
        **initial_provenance(initial),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "epochs_done": len(progress.history),
        "n_photos": train["photos"],
        "n_instances": train["instances"],
        "cost": cost(progress),
        **versions(),
    }
    values = to_mapping(config)
    values["train"]["initial_weights"] = Path(initial).name
    save_checkpoint(file, weights, kind="segmenter", config=values, metrics=metrics, provenance=provenance)
