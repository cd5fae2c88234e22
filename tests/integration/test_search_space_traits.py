"""What a space's checkpoint and record say beside the weights, and what happens where they cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from search.models import Space
from search.space_traits import read_traits
from segmentation.calibration import Calibration, Sigmoid
from tests.pretend_models import DIM, write_pair
from tests.search_market import CURVE
from workers.model_files import configured_pair

pytestmark = pytest.mark.django_db

FITTED = Calibration(Sigmoid(9.0, -9.0), {}, exact_score=0.7, similar_score=0.2, figures={})


@pytest.fixture(autouse=True)
def _own_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = write_pair(tmp_path, 0)
    monkeypatch.setenv("SELVEDGE_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("SELVEDGE_SEGMENTER", str(pair.segmenter))
    monkeypatch.setenv("SELVEDGE_EMBEDDER", str(pair.embedder))


def write_embedder(metrics: dict[str, Any], **tensors: np.ndarray) -> str:
    """The configured embedder anew; returns the name of its space."""
    config = {"name": "e", "backbone": "net", "dim": DIM}
    content = {"format": 1, "kind": "embedder", "config": config, "categories": [], "metrics": metrics}
    metadata = {"selvedge": json.dumps(content | {"provenance": {}})}
    save_file({"any": np.zeros(1, np.float32), **tensors}, configured_pair().embedder, metadata=metadata)
    return configured_pair().space().name


def axes() -> dict[str, np.ndarray]:
    rows = np.eye(DIM, dtype=np.float32)
    return {"steering.color_axes": rows[:1], "steering.pattern_axes": rows[1:3], "steering.center": rows[3]}


def test_a_checkpoint_carries_calibration_and_axes() -> None:
    traits = read_traits(write_embedder({"calibration": CURVE.to_mapping()}, **axes()))
    assert traits.calibration == CURVE
    assert traits.axes is not None
    assert traits.axes.dim == DIM


def test_the_record_of_the_space_overrides_the_checkpoints_calibration_alone() -> None:
    name = write_embedder({"calibration": CURVE.to_mapping()}, **axes())
    Space.objects.create(name=name, dim=DIM, calibration=FITTED.to_mapping())
    traits = read_traits(name)
    assert traits.calibration == FITTED
    assert traits.axes is not None


def test_a_checkpoint_that_carries_nothing_or_is_not_there_leaves_searches_plain() -> None:
    for name in (write_embedder({}), "unknown-emb48@00000000"):
        traits = read_traits(name)
        assert (traits.calibration, traits.axes) == (None, None)


def test_what_is_damaged_is_told_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    name = write_embedder({"calibration": {"format": 99}})
    assert read_traits(name).calibration is None
    assert "cannot be used" in caplog.text


def test_a_calibration_that_is_damaged_costs_no_axes() -> None:
    assert read_traits(write_embedder({"calibration": {"format": 99}}, **axes())).axes is not None


def test_a_record_that_is_damaged_leaves_the_checkpoints_calibration(caplog: pytest.LogCaptureFixture) -> None:
    name = write_embedder({"calibration": CURVE.to_mapping()})
    Space.objects.create(name=name, dim=DIM, calibration={"format": 99})
    assert read_traits(name).calibration == CURVE
    assert "cannot be used" in caplog.text
