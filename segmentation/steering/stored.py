"""Writes steering axes into an embedder's checkpoint, beside its weights, which stay as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from segmentation.checkpoint import METADATA_KEY, read_info
from segmentation.errors import CheckpointError
from segmentation.steering.axes import TENSOR_PREFIX, SteeringAxes


def write_axes(embedder: Path, out: Path, axes: SteeringAxes, how: dict[str, Any]) -> None:
    """Write a checkpoint that carries axes, atomically; `out` may be `embedder`, and axes it carried are replaced.

    Args:
        embedder: An embedder checkpoint.
        out: Where the new one goes. It is another file than before, so searches call its space by another name.
        axes: Fitted in the embedder's space.
        how: How they were made and measured; kept in the header as `metrics.steering`.

    Raises:
        CheckpointError: `embedder` is missing, damaged, or no embedder.
        ValueError: The axes are of another dimension than its embeddings.
        OSError: `out` cannot be written; what it held before is still there.
    """
    info = read_info(embedder, kind="embedder")
    if axes.dim != info.config["dim"]:
        raise ValueError(f"axes of dimension {axes.dim} for embeddings of dimension {info.config['dim']}")
    partial = out.with_suffix(".partial")
    try:
        with safe_open(embedder, framework="numpy") as opened:
            metadata = dict(opened.metadata())
        tensors = {name: array for name, array in load_file(embedder).items() if not name.startswith(TENSOR_PREFIX)}
    except (SafetensorError, KeyError, TypeError) as error:  # numbers that NumPy does not know (bfloat16) among them
        raise CheckpointError(f"{embedder.name} cannot be read: {error}") from error
    content = json.loads(metadata[METADATA_KEY])
    content["metrics"] = {**content["metrics"], "steering": how}
    metadata[METADATA_KEY] = json.dumps(content)
    for name in ("color_axes", "pattern_axes", "center"):  # safetensors writes the bytes as they lie in memory
        tensors[f"{TENSOR_PREFIX}{name}"] = np.ascontiguousarray(getattr(axes, name), dtype=np.float32)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        save_file(tensors, partial, metadata=metadata)
        partial.replace(out)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise OSError(f"{out.name} cannot be written: {error}") from error
