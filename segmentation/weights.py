"""Tensors in and out of files: checkpoints of this project, and initial weights in torchvision's names."""

from __future__ import annotations

import json
from pathlib import Path
from pickle import UnpicklingError  # the error alone
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from segmentation.checkpoint import FORMAT_VERSION, METADATA_KEY, read_info
from segmentation.errors import CheckpointError
from segmentation.steering import TENSOR_PREFIX
from segmentation.taxonomy import CATEGORIES


def save_checkpoint(
    file: Path,
    state: dict[str, Tensor],
    *,
    kind: str,
    config: dict[str, Any],
    metrics: dict[str, Any],
    provenance: dict[str, Any],
) -> None:
    """Write a checkpoint in half precision, atomically (beside the old one, then renamed).

    Args:
        file: Where to.
        state: The model's tensors.
        kind: `segmenter` or `embedder`.
        config: The configuration the model is rebuilt from.
        metrics: Validation figures.
        provenance: Data, licences, steps, versions, date.

    Raises:
        OSError: It cannot be written; what `file` held before is still there.
    """
    content = {
        "format": FORMAT_VERSION,
        "kind": kind,
        "config": config,
        "categories": [category.name for category in CATEGORIES],
        "metrics": metrics,
        "provenance": provenance,
    }
    halves = {name: _halved(value).contiguous().cpu() for name, value in state.items()}
    partial = file.with_suffix(".partial")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        save_file(halves, partial, metadata={METADATA_KEY: json.dumps(content)})
        partial.replace(file)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise OSError(f"{file.name} cannot be written: {error}") from error


def _halved(value: Tensor) -> Tensor:
    """Half precision, unless a number is too large for it: the variances of a first layer may be, and as infinities
    they would switch its channels off.
    """
    half = value.half() if value.is_floating_point() else value
    return half if bool(half.isfinite().all()) else value


def load_into(model: nn.Module, file: Path, *, built_from: str = "its own configuration") -> None:
    """Load a checkpoint's tensors into a model of the same shape; the steering axes it may carry are no part of it.

    Args:
        model: Built from a configuration.
        file: The checkpoint.
        built_from: Whose configuration that is, in an error's words.

    Raises:
        CheckpointError: Damaged, or of another architecture.
    """
    try:
        weights = {name: value for name, value in load_file(file).items() if not name.startswith(TENSOR_PREFIX)}
        model.load_state_dict({name: value.float() for name, value in weights.items()})
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file.name} is damaged: {error}") from error
    except RuntimeError as error:
        first = (str(error).splitlines() or [""])[:2]  # torch names every tensor
        raise CheckpointError(f"{file.name} does not fit {built_from}: {' '.join(first)[:300]}") from error


def is_checkpoint(file: Path) -> bool:
    """Whether a file is a segmenter of this project rather than plain weights."""
    try:
        read_info(file, kind="segmenter")
    except CheckpointError:
        return False
    return True


def read_initial_weights(file: Path) -> dict[str, Tensor]:
    """Read a plain state dict (`.pth`, `.pt` or `.safetensors`), never executing what it holds.

    Raises:
        CheckpointError: Missing, damaged, or not a state dict.
    """
    try:
        if file.suffix == ".safetensors":
            return dict(load_file(file))
        state = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"no weights at {file}") from error
    except UnpicklingError as error:  # torch would have people switch its protection off
        raise CheckpointError(
            f"{file.name} cannot be read as weights: damaged, or it holds more than tensors, which is never loaded"
        ) from error
    except Exception as error:  # torch raises RuntimeError, EOFError, zipfile errors, ...
        raise CheckpointError(f"{file.name} cannot be read as weights: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{file.name} is not a state dict of tensors")
    return state
