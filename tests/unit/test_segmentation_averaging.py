"""Averaging checkpoints: the mean of the weights, the settings of the last, and clear refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from django.core.management import CommandError, call_command
from safetensors.torch import load_file

from segmentation.checkpoint import read_info
from segmentation.errors import CheckpointError, ConfigError
from segmentation.training.averaging import average_checkpoints
from segmentation.weights import save_checkpoint


def written(file: Path, *values: float, name: str = "w") -> Path:
    state = {name: torch.tensor(values)}
    metrics, provenance = {"mask_ap": values[0]}, {"run": file.stem}
    save_checkpoint(
        file,
        state,
        kind="segmenter",
        config={"name": file.stem, "model": file.stem},
        metrics=metrics,
        provenance=provenance,
    )
    return file


def test_weights_are_the_mean_and_the_rest_is_the_lasts(tmp_path: Path) -> None:
    first, last = written(tmp_path / "a.safetensors", 1.0, 4.0), written(tmp_path / "b.safetensors", 3.0, -2.0)
    average_checkpoints([first, last], tmp_path / "out.safetensors")
    info = read_info(tmp_path / "out.safetensors", kind="segmenter")
    assert load_file(tmp_path / "out.safetensors")["w"].tolist() == [2.0, 1.0]
    assert info.config == {"name": "out", "model": "b"}
    assert info.metrics == {}  # what the members reached says nothing about their mean
    assert [member["provenance"] for member in info.provenance["averaged"]] == [{"run": "a"}, {"run": "b"}]


def test_one_checkpoint_or_another_shape_is_refused(tmp_path: Path) -> None:
    first = written(tmp_path / "a.safetensors", 1.0)
    with pytest.raises(ConfigError, match="two"):
        average_checkpoints([first], tmp_path / "out.safetensors")
    for other in (written(tmp_path / "b.safetensors", 1.0, 2.0), written(tmp_path / "c.safetensors", 1.0, name="v")):
        with pytest.raises(CheckpointError, match=f"{other.name} is of another shape"):
            average_checkpoints([first, other], tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_the_command_tells_what_is_missing(tmp_path: Path) -> None:
    first = written(tmp_path / "a.safetensors", 1.0)
    with pytest.raises(CommandError, match=r"gone\.safetensors"):
        call_command("average_checkpoints", first, tmp_path / "gone.safetensors", out=tmp_path / "out.safetensors")
