"""Checkpoints that are not what they should be are refused by name, never half loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.management import CommandError, call_command
from safetensors.torch import save_file
from torch import Tensor, nn

from segmentation.backbones import build_trunk
from segmentation.checkpoint import read_info, read_space
from segmentation.embedding import Embedder
from segmentation.errors import CheckpointError
from segmentation.segmenter import Segmenter
from segmentation.taxonomy import CATEGORIES
from workers import runtime
from workers.errors import ModelMissing

NAMES = [category.name for category in CATEGORIES]
EMBEDDER = {"name": "crop", "backbone": "mobilenet_v2", "dim": 8}


def checkpoint(file: Path, kind: str, config: Any, **changes: Any) -> Path:
    content = {"format": 1, "kind": kind, "config": config, "categories": NAMES, "metrics": {}, "provenance": {}}
    save_file({"any": torch.zeros(1)}, file, metadata={"selvedge": json.dumps(content | changes)})
    return file


@pytest.mark.parametrize("config", [{}, [], None, {"name": 3}, {"name": "x"}, {**EMBEDDER, "dim": "8"}])
def test_a_header_that_names_no_space_is_no_checkpoint(tmp_path: Path, config: Any) -> None:
    segmenter = checkpoint(tmp_path / "segmenter.safetensors", "segmenter", {"name": "street"})
    embedder = checkpoint(tmp_path / "embedder.safetensors", "embedder", config)
    with pytest.raises(CheckpointError, match=r"embedder\.safetensors is not a Selvedge checkpoint"):
        read_space(segmenter, embedder)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xff" * 64])
def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "odd.safetensors"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"odd\.safetensors"):
        read_info(file)


def test_a_checkpoint_of_a_later_version_is_refused_by_its_key(tmp_path: Path) -> None:
    embedder = checkpoint(tmp_path / "e.safetensors", "embedder", {**EMBEDDER, "rotary": 1})
    with pytest.raises(CheckpointError, match=r"rotary: unknown key"):
        Embedder.from_file(embedder)
    segmenter = checkpoint(tmp_path / "s.safetensors", "segmenter", {"name": "s", "model": {"backbone": "vit"}})
    with pytest.raises(CheckpointError, match="'vit' is unknown"):
        Segmenter.from_file(segmenter)


def test_callers_of_the_workers_hear_of_a_later_version_as_a_missing_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = checkpoint(tmp_path / "s.safetensors", "segmenter", {"name": "s", "model": {"backbon": "resnet18"}})
    monkeypatch.setenv("SELVEDGE_SEGMENTER", str(later))
    with pytest.raises(ModelMissing, match="did you mean 'backbone'"):
        runtime.predictor()


def test_a_segmenter_of_another_taxonomy_is_refused(tmp_path: Path) -> None:
    file = checkpoint(tmp_path / "s.safetensors", "segmenter", {"name": "s"}, categories=NAMES[::-1])
    with pytest.raises(CheckpointError, match="another taxonomy"):
        Segmenter.from_file(file)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
def test_downloaded_weights_are_read_without_unpickling_objects(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    published: nn.Module = build_trunk(name)
    asked: dict[str, Any] = {}

    def download(url: str, **options: Any) -> dict[str, Tensor]:
        asked.update(options)
        return published.state_dict()

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", download)
    trunk = build_trunk(name, weights="imagenet")
    assert asked["weights_only"] is True
    assert asked["check_hash"] is True
    assert all(torch.equal(value, published.state_dict()[key]) for key, value in trunk.state_dict().items())


def test_describing_a_photo_uses_the_checkpoints_that_searches_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"any")
    monkeypatch.setenv("SELVEDGE_SEGMENTER", str(tmp_path / "gone.safetensors"))
    with pytest.raises(CommandError, match=r"gone\.safetensors"):
        call_command("describe_photo", str(photo))
