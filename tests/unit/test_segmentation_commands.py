"""What the training commands make of their options, without training: weights are stood in for by random ones."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.management import call_command, find_commands, load_command_class
from django.core.management.base import CommandError
from PIL import Image

from segmentation.checkpoint import read_info
from segmentation.config import EmbedderConfig, ModelConfig, pad_as_weights_expect
from segmentation.config_files import CONFIGS_DIR
from segmentation.management.commands import fit_embedder, train_segmenter
from segmentation.taxonomy import CATEGORIES

SAID = "imagenet weights expect symmetric padding"


@pytest.mark.parametrize("kind", [ModelConfig(tf_same_padding=True), EmbedderConfig("crop", tf_same_padding=True)])
def test_only_torchvisions_own_weights_change_the_padding(kind: Any) -> None:
    changed, note = pad_as_weights_expect(kind, "imagenet")
    assert not changed.tf_same_padding
    assert SAID in note
    for weights in ("", "backbone.pth"):
        assert pad_as_weights_expect(kind, weights) == (kind, "")
    assert pad_as_weights_expect(changed, "imagenet") == (changed, "")


class RunStarted(Exception):
    """Raised where training would begin."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (60, 60), (200, 40, 40)).save(folder / "images" / name)
    content = {
        "images": [
            {"id": 1, "file_name": "a.jpg", "width": 60, "height": 60},
            {"id": 2, "file_name": "gone.jpg", "width": 60, "height": 60},
        ],
        "categories": [{"id": each.id, "name": each.name} for each in CATEGORIES],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": 4, "segmentation": [[0, 0, 20 + n, 0, 40, 50, 0, 40]]}
            for n in range(1, 9)
        ],
    }
    (folder / "instances_train.json").write_text(json.dumps(content))
    (folder / "instances_val.json").write_text(json.dumps(content).replace("a.jpg", "b.jpg"))
    return folder


@pytest.mark.parametrize("weights", ["imagenet", "keras.safetensors"])
def test_a_segmenter_is_padded_as_its_initial_weights_expect(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: str
) -> None:
    started = []

    def start(config: Any, *args: Any, **options: Any) -> None:
        started.append(config)
        raise RunStarted

    monkeypatch.setattr(train_segmenter, "TrainingRun", start)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keras.safetensors").touch()  # only a run reads it
    out = io.StringIO()
    arguments = ("--data", str(data), "--out", str(tmp_path / "run"), "--weights", weights, "--skip-bad")
    with pytest.raises(RunStarted):
        call_command("train_segmenter", *arguments, stdout=out, stderr=io.StringIO())
    assert started[0].model.tf_same_padding == (weights != "imagenet")
    assert (SAID in out.getvalue()) == (weights == "imagenet")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--weights", "gone.pth"), "no weights at gone.pth"),
        (("--resume",), "nothing to resume there"),
        (("--workers", "-1"), "--workers: expected 0 or more, got -1"),
        (("--workers", "two"), "--workers: expected a whole number, got 'two'"),
        (("--epochs", "inf"), "epochs: expected a finite number above 0"),
    ],
)
@pytest.mark.parametrize("command", ["train_segmenter", "tune_segmenter"])
def test_a_slip_is_told_before_annotations_are_read(
    tmp_path: Path, command: str, given: tuple[str, ...], message: str
) -> None:
    if command == "tune_segmenter":
        given = (*given, "--search", str(CONFIGS_DIR / "search" / "street.toml"))
    with pytest.raises(CommandError, match=message):
        call_command(command, "--data", str(tmp_path / "none"), "--out", str(tmp_path / "run"), *given)


def test_a_run_that_is_there_is_told_before_annotations_are_read(tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"state")
    with pytest.raises(CommandError, match="holds a run already; pass --resume"):
        call_command("train_segmenter", "--data", str(tmp_path / "none"), "--out", str(tmp_path))


@pytest.mark.parametrize(("has_state", "told"), [(True, "--resume goes on"), (False, "nothing was trained yet")])
def test_who_stops_a_run_is_told_how_it_goes_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_state: bool, told: str
) -> None:
    out = tmp_path / "run"

    def interrupted(*args: Any, **options: Any) -> None:
        out.mkdir(exist_ok=True)
        if has_state:
            (out / "state.pt").write_bytes(b"state")
        raise KeyboardInterrupt

    monkeypatch.setattr(train_segmenter, "TrainingRun", interrupted)
    arguments = ("--data", str(data), "--out", str(out), "--skip-bad")
    with pytest.raises(CommandError, match=told):
        call_command("train_segmenter", *arguments, stdout=io.StringIO(), stderr=io.StringIO())


def test_an_embedder_tells_bad_annotations_goes_on_and_is_padded_as_its_weights_expect(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (CONFIGS_DIR / "crop.toml").read_text().replace("dim = 512", "dim = 2")
    (tmp_path / "small.toml").write_text(text)
    fitted = []

    def fit(config: EmbedderConfig, photos: Any, weights: str, **options: Any) -> tuple[torch.nn.Module, int]:
        fitted.append((config, photos, weights))
        return torch.nn.Linear(2, 2), 8

    monkeypatch.setattr(fit_embedder, "fit_embedder", fit)
    out, err, file = io.StringIO(), io.StringIO(), tmp_path / "embedder.safetensors"
    arguments = ("--config", str(tmp_path / "small.toml"), "--data", str(data), "--weights", "imagenet")
    call_command("fit_embedder", *arguments, "--out", str(file), stdout=out, stderr=err)
    assert "no photo gone.jpg" in err.getvalue()
    [(config, photos, _)] = fitted
    assert [photo.file.name for photo in photos] == ["a.jpg"]
    assert not config.tf_same_padding
    assert SAID in out.getvalue()
    assert read_info(file).config["tf_same_padding"] is False, "what is written is what was fitted"


@pytest.mark.parametrize("command", find_commands(str(Path(train_segmenter.__file__).parent.parent)))
def test_the_help_of_every_command_is_text(command: str) -> None:
    parser = load_command_class("segmentation", command).create_parser("manage.py", command)
    assert "option_strings" not in parser.format_help()  # a lone % in a help text prints argparse's own insides
