"""Runs that cannot come to anything stop before they start."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.backbones import build_trunk
from segmentation.config import EmbedderConfig, SegmenterConfig
from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.errors import AnnotationError, ConfigError
from segmentation.evaluation.coco_ap import evaluate_segmenter
from segmentation.masks import rle_from_mask
from segmentation.metric_learning import learning_model
from segmentation.training.projection import fit_embedder
from segmentation.training.run import CONFIG, STATE, TrainingRun


def photo(file: Path, side_px: int = 5) -> AnnotatedPhoto:
    mask = np.zeros((40, 30), np.uint8)
    mask[:side_px, :side_px] = 1
    return AnnotatedPhoto(file.name, file, 40, 30, (Instance(4, rle_from_mask(mask)),))


def test_a_run_without_photos_is_refused_and_leaves_no_folder(tmp_path: Path) -> None:
    one, out = photo(tmp_path / "a.jpg"), tmp_path / "run"
    with pytest.raises(AnnotationError, match="train on"):
        TrainingRun(SegmenterConfig("x"), (), (one,), out)
    with pytest.raises(AnnotationError, match="validate on"):
        TrainingRun(SegmenterConfig("x"), (one,), (), out)
    assert not out.exists()


@pytest.mark.parametrize("content", [None, "", "{"])
def test_a_run_whose_configuration_is_damaged_is_not_resumed(tmp_path: Path, content: str | None) -> None:
    (tmp_path / STATE).write_bytes(b"state")
    if content is not None:
        (tmp_path / CONFIG).write_text(content)
    one = photo(tmp_path / "a.jpg")
    with pytest.raises(ConfigError, match=r"config\.json"):
        TrainingRun(SegmenterConfig("x"), (one,), (one,), tmp_path, resume=True)


def test_evaluating_nothing_or_a_damaged_photo_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="no annotated photo"):
        evaluate_segmenter(None, ())  # type: ignore[arg-type]
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff")
    for name in ("cut.jpg", "gone.jpg"):
        with pytest.raises(AnnotationError, match=name):
            evaluate_segmenter(None, (photo(tmp_path / name),))  # type: ignore[arg-type]


def test_an_embedder_is_not_fitted_on_specks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (30, 40)).save(tmp_path / "a.jpg")
    monkeypatch.setattr(learning_model, "read_initial_weights", lambda _: build_trunk("mobilenet_v2").state_dict())
    with pytest.raises(ConfigError, match="nothing to fit on"):
        fit_embedder(EmbedderConfig("crop", dim=8), (photo(tmp_path / "a.jpg"),), "some.pth", shrinkage=0.5)
