"""Several fine-tuned checkpoints averaged into one: their ensemble's gain at one model's cost.

Source: Wortsman et al., "Model soups", ICML 2022. It works for checkpoints that were fine-tuned from a common one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from segmentation.checkpoint import CheckpointInfo, read_info
from segmentation.errors import CheckpointError, ConfigError
from segmentation.weights import save_checkpoint


def average_checkpoints(files: Sequence[Path], out: Path) -> None:
    """Average the tensors of segmenters; the configuration is the last one's, named after `out`; metrics are left out.

    Args:
        files: Two or more checkpoints of one shape; each counts the same.
        out: Where the new one goes.

    Raises:
        ConfigError: Fewer than two.
        CheckpointError: One is missing, damaged or of another shape; the message names it.
        OSError: `out` cannot be written.
    """
    if len(files) < 2:
        raise ConfigError("averaging takes two checkpoints or more")
    infos = [read_info(file, kind="segmenter") for file in files]
    total: dict[str, Tensor] = {}
    for file in files:
        tensors = _tensors(file)
        if total and {name: value.shape for name, value in tensors.items()} != {n: v.shape for n, v in total.items()}:
            raise CheckpointError(f"{file.name} is of another shape than {files[0].name}")
        total = {name: value.double() + total.get(name, 0) for name, value in tensors.items()}
    save_checkpoint(
        out,
        {name: (value / len(files)).float() for name, value in total.items()},
        kind="segmenter",
        config={**infos[-1].config, "name": out.stem},
        metrics={},
        provenance={"averaged": [_member(file, info) for file, info in zip(files, infos, strict=True)]},
    )


def _tensors(file: Path) -> dict[str, Tensor]:
    try:
        return dict(load_file(file))
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file.name} is damaged: {error}") from error


def _member(file: Path, info: CheckpointInfo) -> dict[str, Any]:
    mask_ap = info.metrics.get("mask_ap")
    return {"file": f"{file.resolve().parent.name}/{file.name}", "mask_ap": mask_ap, "provenance": info.provenance}
