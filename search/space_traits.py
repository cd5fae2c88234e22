"""What a space's embedder carries beside its weights: what similarities are worth, and how to steer by attribute."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from search.models import Space
from segmentation.calibration import Calibration
from segmentation.checkpoint import read_info
from segmentation.errors import CalibrationError, CheckpointError
from segmentation.steering import SteeringAxes, read_axes
from workers.errors import ModelMissing
from workers.model_files import find_pair

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class SpaceTraits:
    """What is known of a space; None where it is not known."""

    calibration: Calibration | None = None
    axes: SteeringAxes | None = None
    record_id: int | None = None
    """Key of the space's record."""


def read_traits(space: str) -> SpaceTraits:
    """Reads what is known of a space, by its name.

    The record's calibration, fitted on this catalog, overrides the checkpoint's. What is missing or damaged is told in
    the log and left out: a search without verdicts is better than none.
    """
    carried = _carried(space)
    record = Space.objects.filter(name=space).values_list("pk", "calibration").first()
    if record is None:
        return carried
    carried, fitted = replace(carried, record_id=record[0]), record[1]
    if fitted is None:
        return carried
    try:
        return replace(carried, calibration=Calibration.from_mapping(fitted))
    except CalibrationError as error:
        _log.error("The calibration of space %s cannot be used, fit it again: %s", space, error)
        return carried


def _carried(space: str) -> SpaceTraits:
    try:
        embedder = find_pair(space).embedder
        stat = embedder.stat()
        return _carried_by(embedder, stat.st_mtime_ns, stat.st_size)
    except (ModelMissing, OSError):
        # A web process may do without checkpoints once a space serves: vision has them.
        return SpaceTraits()


@lru_cache(maxsize=8)
def _carried_by(embedder: Path, _mtime_ns: int, _n_bytes: int) -> SpaceTraits:
    """Cached by path, modification time and size: asking at every search is cheap."""
    return SpaceTraits(_calibration_in(embedder), _axes_in(embedder))


def _calibration_in(embedder: Path) -> Calibration | None:
    try:
        fitted = read_info(embedder, kind="embedder").metrics.get("calibration")
        return None if fitted is None else Calibration.from_mapping(fitted)
    except (CalibrationError, CheckpointError) as error:
        _log.error("The calibration in %s cannot be used: %s", embedder.name, error)
        return None


def _axes_in(embedder: Path) -> SteeringAxes | None:
    try:
        return read_axes(embedder)
    except CheckpointError as error:
        _log.error("The steering axes in %s cannot be used: %s", embedder.name, error)
        return None
