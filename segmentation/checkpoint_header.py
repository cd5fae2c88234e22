"""Writes a checkpoint's header anew and leaves its tensors as they are, bit for bit.

A safetensors file is the header's length (8 bytes, little-endian), the header (JSON), and the tensors' bytes, whose
offsets count from the header's end. Source: https://github.com/huggingface/safetensors, "Format".
"""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

from segmentation.checkpoint import METADATA_KEY, read_info

_ALIGNMENT = 8
"""Bytes; headers are padded with spaces, so that tensors can be memory-mapped."""


def rewrite_header(
    file: Path,
    out: Path,
    *,
    kind: str = "segmenter",
    model: dict[str, Any] | None = None,
    metrics: dict[str, Any] | None = None,
) -> None:
    """Write a checkpoint with some of its header's entries changed, atomically; `out` may be `file`.

    Args:
        file: A checkpoint.
        out: Where the new one goes.
        kind: What it must be, `segmenter` or `embedder`.
        model: Entries of a segmenter's configuration, its `model` table.
        metrics: Entries of its metrics.

    Raises:
        CheckpointError: `file` is missing, damaged or of the other kind.
        OSError: `out` cannot be written.
    """
    read_info(file, kind=kind)
    partial = out.with_suffix(".partial")
    out.parent.mkdir(parents=True, exist_ok=True)
    with file.open("rb") as source, partial.open("wb") as target:
        (length,) = struct.unpack("<Q", source.read(8))
        header = json.loads(source.read(length))
        content = json.loads(header["__metadata__"][METADATA_KEY])
        if model is not None:
            content["config"]["model"] = {**content["config"].get("model", {}), **model}
        content["metrics"] = {**content["metrics"], **(metrics or {})}
        header["__metadata__"][METADATA_KEY] = json.dumps(content)
        encoded = json.dumps(header, separators=(",", ":")).encode()
        encoded += b" " * (-len(encoded) % _ALIGNMENT)
        target.write(struct.pack("<Q", len(encoded)) + encoded)
        shutil.copyfileobj(source, target)
    partial.replace(out)
