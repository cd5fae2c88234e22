"""Whom a training run tells how it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from segmentation.evaluation.coco_ap import APReport


@dataclass(frozen=True)
class Listener:
    """Where a run reports to; a command shows bars, a test counts. What it raises ends the run."""

    on_batch: Callable[[int, int, int, dict[str, float]], None]
    """Epoch from 0, batches done, batches in the epoch, losses by Matterport's names."""
    on_epoch: Callable[[int, APReport], None]
    """Epoch from 0, its validation report; called when everything of the epoch is on disk."""
    on_validation: Callable[[int, int], None]
    """Photos done, photos in all."""
