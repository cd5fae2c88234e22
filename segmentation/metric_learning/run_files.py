"""What an embedder's run leaves behind beside the common files of a run folder: weights, history.csv, pairs.npz."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from segmentation.config_files import to_mapping
from segmentation.embedding import CropEmbedder
from segmentation.metric_learning.config import EmbedderRecipe, without_paths
from segmentation.metric_learning.crop_store import CropStore
from segmentation.metric_learning.held_out import Split
from segmentation.metric_learning.learning_model import served_config, served_state
from segmentation.training.ledger import cost
from segmentation.training.state import RunProgress
from segmentation.training.story import versions
from segmentation.weights import save_checkpoint

HISTORY, PAIRS, INITIAL = "history.csv", "pairs.npz", "initial.safetensors"
_PREFIX = "embedder."


def describe_store(store: CropStore, split: Split) -> dict[str, Any]:
    """How many crops, products and groups of which source; `sha8` tells them apart."""
    sources: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(each.source for each in store.facts):
        own = [each for each in store.facts if each.source == name]
        sources[name] = {
            "kind": own[0].kind,
            "crops": len(own),
            "products": len({each.product for each in own}),
            "groups": len({each.group for each in own}),
        }
    sizes = {"train_crops": len(split.train), "queries": len(split.queries), "gallery": len(split.gallery)}
    return {"sources": sources, **sizes, "sha8": store.digest()}


def embedder_tensors(averaged: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The embedder's tensors among all that are averaged."""
    return {name.removeprefix(_PREFIX): value for name, value in averaged.items() if name.startswith(_PREFIX)}


def save_embedder(
    file: Path,
    model: CropEmbedder,
    tensors: Mapping[str, Tensor],
    recipe: EmbedderRecipe,
    story: Mapping[str, Any],
    progress: RunProgress,
    metrics: Mapping[str, Any],
) -> None:
    """Write a checkpoint that serves, without paths of the machine.

    Args:
        file: Where to.
        model: Tells which tensors were folded.
        tensors: The weights to serve, under its names.
        recipe: The run's.
        story: Data, device.
        progress: How far it is, and what it cost.
        metrics: Validation figures of these weights; empty where they were not measured.
    """
    provenance = {
        **story,
        "initial_weights": Path(recipe.train.initial_weights).name,
        "train": to_mapping(without_paths(recipe).train),
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "epochs_done": len(progress.history),
        "cost": cost(progress),
        **versions(),
    }
    save_checkpoint(
        file,
        served_state(model, tensors),
        kind="embedder",
        config=to_mapping(served_config(recipe.model, tensors)),
        metrics=dict(metrics),
        provenance=provenance,
    )


def save_tensors(file: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write plain tensors, atomically."""
    partial = file.with_suffix(".partial")
    save_file({name: value.contiguous() for name, value in tensors.items()}, partial)
    partial.replace(file)


def write_history(file: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """A row an epoch: losses, figures, learning rate, cost; atomically."""
    rows = [_flat(entry) for entry in history]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    partial = file.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(file)


def _flat(entry: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in entry.items():
        if isinstance(value, Mapping):
            row |= _flat(value, f"{prefix}{name}.")
        else:
            row[prefix + name] = value
    return row
