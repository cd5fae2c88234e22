"""How long a photo takes, stage by stage, and on what machine."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from segmentation.evaluation.detections import STAGES, Predictions


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds a photo, one photo at a time, decoding and pasting of masks included."""

    median_ms: float
    p90_ms: float
    stage_median_ms: dict[str, float]
    device: str
    """Device, threads and precision."""
    machine: str
    """Processor or graphics card."""


def speed_of(found: Predictions, device: str) -> Speed:
    """Sum up the times of a run.

    Args:
        found: Of at least one photo.
        device: Where the model ran, as `segmentation.device.Device` says it.
    """
    median, p90 = np.quantile(found.photo_ms, [0.5, 0.9])
    stages = np.median(found.stage_ms, axis=0)
    return Speed(
        float(median),
        float(p90),
        {stage: float(ms) for stage, ms in zip(STAGES, stages, strict=True)},
        device,
        torch.cuda.get_device_name() if device.startswith("cuda") else _processor(),
    )


def _processor() -> str:
    """The processor's model where Linux tells it, else its architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} logical cores" if names else platform.machine()
