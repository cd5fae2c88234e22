"""An embedder that also describes the early maps of its trunk."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from segmentation.backbones import build_trunk
from segmentation.config import EmbedderConfig
from segmentation.config_files import from_mapping, to_mapping
from segmentation.embedder_trunks import build_features
from segmentation.embedding import CropEmbedder, Embedder
from segmentation.errors import ConfigError
from segmentation.level_maps import LevelMaps, map_statistics
from segmentation.metric_learning.learning_model import fold_for_training, served_state
from segmentation.metric_learning.preparation import PreparedCrop
from segmentation.training.projection import fit_embedder
from segmentation.weights import save_checkpoint

PLAIN = EmbedderConfig("tiny", dim=8, input_side_px=32, tf_same_padding=True)
CONFIG = dataclasses.replace(PLAIN, levels=(1, 3), level_weight=2.0)


def crops(n: int) -> list[Any]:
    return list(np.random.default_rng(5).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8))


def tensor(images: list[Any]) -> torch.Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def test_a_map_is_told_by_mean_and_deviation_of_each_channel() -> None:
    maps = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    values = maps.numpy().astype(np.float64)
    wanted = np.concatenate([values.mean((2, 3)), np.sqrt(values.var((2, 3)) + 1e-6)], axis=1)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(map_statistics(maps).numpy(), wanted, atol=1e-5)


def test_a_level_without_contrast_still_has_a_gradient() -> None:
    maps = torch.full((1, 2, 3, 3), 0.5, requires_grad=True)
    map_statistics(maps)[0, 0].backward()  # type: ignore[no-untyped-call]
    assert maps.grad is not None
    assert bool(maps.grad.isfinite().all())


@pytest.mark.parametrize("backbone", ["mobilenet_v2", "resnet18"])
def test_levels_are_saved_loaded_and_served_as_they_were_computed(backbone: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = dataclasses.replace(CONFIG, backbone=backbone)
    model, file = CropEmbedder(config).eval(), tmp_path / "embedder.safetensors"
    options: dict[str, Any] = {"kind": "embedder", "metrics": {}, "provenance": {}}
    save_checkpoint(file, model.half().float().state_dict(), config=to_mapping(config), **options)
    served, _ = Embedder.from_file(file)
    images = crops(5)
    with torch.inference_mode():
        wanted = model(tensor(images)).numpy()
    np.testing.assert_allclose(served.embed(images), wanted, atol=2e-3)
    assert served.config.levels == (1, 3)


def test_levels_change_no_tensors_name_and_count_before_the_projection() -> None:
    plain, leveled = CropEmbedder(PLAIN), CropEmbedder(CONFIG)
    assert plain.features.state_dict().keys() == leveled.features.state_dict().keys()
    channels = {"1": 16, "3": 24}
    assert leveled.projection.in_features == 1280 + 2 * sum(channels.values())
    assert plain.projection.in_features == 1280


def test_what_levels_count_is_the_configurations() -> None:
    images = tensor(crops(2))
    torch.manual_seed(0)
    light, heavy = (
        CropEmbedder(dataclasses.replace(CONFIG, level_weight=weight)).eval().pooled(images) for weight in (0.0, 3.0)
    )
    assert float(light[:, 1280:].abs().max()) == 0
    # Two levels of weight 3 beside last maps of weight 1: nine parts of nineteen each.
    torch.testing.assert_close(heavy[:, 1280:].square().sum(1), torch.full((2,), 18 / 19))


def test_a_configuration_from_before_levels_has_none() -> None:
    content = to_mapping(PLAIN)
    del content["levels"], content["level_weight"]
    assert from_mapping(EmbedderConfig, content, where="x") == PLAIN


@pytest.mark.parametrize("levels", [(3, 1), (1, 1), (18,), (40,), (-1,)])
def test_levels_that_the_trunk_does_not_have_are_refused(levels: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="levels: expected rising numbers from 0 to 17"):
        build_features(dataclasses.replace(PLAIN, levels=levels))


def test_a_network_that_is_no_sequence_has_no_levels() -> None:
    with pytest.raises(ConfigError, match="one after the other"):
        LevelMaps(nn.ModuleDict({"a": nn.Identity(), "b": nn.Identity()}), (0,))


def test_levels_learn_and_are_saved_unfolded() -> None:
    torch.manual_seed(0)
    model = CropEmbedder(CONFIG).eval()
    fold_for_training(model.features)
    images = tensor(crops(3))
    model(images)[:, 0].sum().backward()
    first = next(model.features.parameters())
    assert first.grad is not None
    assert float(first.grad.abs().max()) > 0
    served = CropEmbedder(CONFIG).eval()
    served.load_state_dict(served_state(model, dict(model.state_dict())))
    with torch.inference_mode():
        torch.testing.assert_close(served(images), model(images), rtol=1e-4, atol=1e-5)


def test_a_projection_is_fitted_on_prepared_crops_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "segmentation.metric_learning.learning_model.read_initial_weights",
        lambda _: build_trunk("mobilenet_v2", tf_same_padding=True).state_dict(),
    )
    box = (0.0, 0.0, 32.0, 32.0)
    store: Any = [PreparedCrop(image, None, box, None, True) for image in crops(12)]
    seen: list[tuple[int, int]] = []
    model, n_crops = fit_embedder(
        CONFIG, (), "x.pth", shrinkage=0.5, also=store, on_progress=lambda *each: seen.append(each)
    )
    assert n_crops == 12
    assert seen[-1] == (12, 12)
    assert float(model.state_dict()["projection.weight"].abs().max()) == pytest.approx(1.0)
