"""Losses, folding and figures of the embedder's training."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from segmentation.checkpoint import read_info
from segmentation.config import EmbedderConfig
from segmentation.config_files import from_mapping, to_mapping, to_toml
from segmentation.embedder_trunks import build_features
from segmentation.embedding import CropEmbedder, Embedder
from segmentation.errors import CheckpointError, ConfigError, TrainingDiverged
from segmentation.metric_learning.batches import Batch
from segmentation.metric_learning.config import EmbedderRecipe, EmbedderTrainConfig, LossConfig, load_recipe
from segmentation.metric_learning.engine import Learner, LearningModel, build_optimizer, take_step
from segmentation.metric_learning.learning_model import (
    fold_for_training,
    freeze_children,
    load_features,
    served_config,
    served_state,
)
from segmentation.metric_learning.losses import Losses
from segmentation.metric_learning.recipe_checks import check_recipe
from segmentation.metric_learning.run_files import save_embedder
from segmentation.metric_learning.validation import first_right, recall_at
from segmentation.training.state import AveragedWeights, RunProgress

CONFIG = EmbedderConfig("tiny", dim=8, input_side_px=32, tf_same_padding=True)


def crops(n: int, *, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def losses(*terms: LossConfig) -> Losses:
    return Losses(terms, dim=8, n_labels={"product": 5, "group": 3})


def batch(products: list[int], groups: list[int]) -> Batch:
    pixels = (255 * crops(len(products))).to(torch.uint8).permute(0, 2, 3, 1)
    return Batch(pixels, torch.tensor(products), torch.tensor(groups))


def test_a_recipe_comes_back_from_its_toml(tmp_path: Path) -> None:
    recipe = load_recipe("garment")
    (tmp_path / "garment.toml").write_text(to_toml(dataclasses.replace(recipe, model=recipe.model)))
    assert load_recipe(str(tmp_path / "garment.toml")) == recipe
    assert from_mapping(EmbedderRecipe, to_mapping(recipe), where="x") == recipe
    assert recipe.model.name == "garment"
    check_recipe(recipe)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[train]\nepoch = 2", "did you mean 'epochs'"),
        ("[train.views]\nocclusions = 0.1", "did you mean 'occlusion'"),
        ("[train]\nviews_per_group = 1", "train.views_per_group: expected 2 or more"),
        ("[train.views]\nblur = 1.5", "train.views.blur: expected 0 or more and at most 1"),
        ("[train.views]\njpeg_quality = [80, 30]", "expected the smaller first"),
        ("[train]\nrepeats = { feed = -1 }", "train.repeats.feed: expected 0 or more"),
    ],
)
def test_what_a_recipe_cannot_say_is_told_with_its_key(line: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(line)
    with pytest.raises(ConfigError, match=told):
        check_recipe(load_recipe(str(tmp_path / "mine.toml")))


@pytest.mark.parametrize(
    ("term", "told"),
    [
        (LossConfig("MultiSimilarityLos"), "did you mean 'MultiSimilarityLoss'"),
        (LossConfig("SupConLoss", label="grop"), "did you mean 'group'"),
        (LossConfig("SupConLoss", parameters={"temprature": 0.1}), "did you mean 'temperature'"),
        (LossConfig("SupConLoss", miner="MultiSimilarityMinor"), "did you mean 'MultiSimilarityMiner'"),
        (LossConfig("SupConLoss", spare_group=True), "only with label = 'product'"),
    ],
)
def test_a_misspelled_loss_is_told_with_the_right_word(term: LossConfig, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        losses(term)


@pytest.mark.parametrize("name", ["MultiSimilarityLoss", "SupConLoss", "NTXentLoss", "TripletMarginLoss"])
def test_losses_of_pairs_are_lower_where_the_same_is_near(name: str) -> None:
    term = losses(LossConfig(name))
    apart = torch.nn.functional.normalize(torch.randn(6, 8, generator=torch.Generator().manual_seed(1)), dim=1)
    together = torch.nn.functional.normalize(torch.eye(8)[[0, 0, 1, 1, 2, 2]] + 0.01, dim=1)
    found = batch([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2])
    assert float(term.total(term(together, found))) < float(term.total(term(apart, found)))


def test_losses_with_proxies_learn_one_for_each_label() -> None:
    terms = losses(LossConfig("ProxyAnchorLoss", label="group"), LossConfig("ArcFaceLoss", label="product"))
    assert sorted(tuple(each.shape) for each in terms.parameters()) == [(3, 8), (8, 5)]


def test_other_colors_of_a_product_push_nothing_away_when_they_are_spared() -> None:
    two_colors = batch([0, 0, 1, 1], [0, 0, 0, 0])
    vectors = torch.nn.functional.normalize(torch.randn(4, 8, generator=torch.Generator().manual_seed(2)), dim=1)
    plain, spared = (
        losses(LossConfig("ContrastiveLoss", "product", spare_group=spare, parameters={"pos_margin": 0.0}))
        for spare in (False, True)
    )
    vectors = vectors[[0, 0, 0, 0]].clone()  # nothing left to pull together, everything to push apart
    assert float(plain.total(plain(vectors, two_colors))) > 0
    assert float(spared.total(spared(vectors, two_colors))) == 0


def test_a_folded_embedder_and_what_it_is_saved_as_compute_alike() -> None:
    torch.manual_seed(0)
    model = CropEmbedder(CONFIG).eval()
    for module in model.features.modules():
        if type(module).__name__ == "FrozenBatchNorm2d":
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.bias.normal_(0, 0.1)
    with torch.inference_mode():
        wanted = model(crops(3))
    fold_for_training(model.features)
    assert not any(type(module).__name__ == "FrozenBatchNorm2d" for module in model.features.modules())
    model.power = torch.nn.Parameter(torch.tensor(2.5))
    with torch.no_grad():
        next(each for name, each in model.named_parameters() if name.endswith("bias")).add_(0.3)
        learned = model(crops(3))
    tensors = dict(model.state_dict())
    config = served_config(CONFIG, tensors)
    assert config.pooling_power == 2.5
    served = CropEmbedder(config).eval()
    served.load_state_dict(served_state(model, tensors))
    with torch.inference_mode():
        torch.testing.assert_close(served(crops(3)), learned, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(learned, wanted, atol=1e-3)


def learner(train: EmbedderTrainConfig) -> Learner:
    torch.manual_seed(0)
    model = CropEmbedder(CONFIG)
    fold_for_training(model.features)
    freeze_children(model, train.frozen_children)
    learning = LearningModel(model, losses(*train.losses))
    average = AveragedWeights(learning, train.ema_decay)
    return Learner(learning, build_optimizer(learning, train), average, torch.device("cpu"), bf16=False)


def test_steps_lower_the_loss_and_leave_frozen_layers_alone() -> None:
    train = EmbedderTrainConfig(frozen_children=3, losses=(LossConfig("SupConLoss", "product"),), learning_rate=3e-3)
    learning, seen = learner(train), batch([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2])
    before = {name: value.clone() for name, value in learning.model.embedder.features.state_dict().items()}
    found = [take_step(learning, seen, train, 1.0, "here")["SupConLoss_product"] for _ in range(8)]
    assert found[-1] < found[0] - 0.1
    after = learning.model.embedder.features.state_dict()
    changed = {name.split(".")[0] for name, value in after.items() if not torch.equal(value, before[name])}
    assert changed == {str(number) for number in range(3, 19)}


def test_a_loss_that_is_not_finite_stops_before_the_step() -> None:
    train = EmbedderTrainConfig()
    learning = learner(train)
    with torch.no_grad():
        learning.model.embedder.projection.bias[0] = float("nan")
    before = {name: value.clone() for name, value in learning.model.state_dict().items()}
    with pytest.raises(TrainingDiverged, match=r"not finite .* at batch 3"):
        take_step(learning, batch([0, 0, 1, 1], [0, 0, 1, 1]), train, 1.0, "batch 3")
    for name, value in learning.model.state_dict().items():
        torch.testing.assert_close(value, before[name], equal_nan=True)


def test_a_checkpoint_of_a_run_serves_and_names_no_path(tmp_path: Path) -> None:
    train = EmbedderTrainConfig(initial_weights=str(tmp_path / "secret" / "trunk.pth"))
    learning = learner(train)
    file = tmp_path / "best.safetensors"
    model = learning.model.embedder
    recipe = EmbedderRecipe("tiny", CONFIG, train)
    save_embedder(file, model, model.state_dict(), recipe, {"data_sets": {}}, RunProgress(), {"recall_at_1": 0.5})
    assert str(tmp_path) not in file.read_bytes()[:20000].decode("latin-1")
    assert read_info(file, kind="embedder").metrics == {"recall_at_1": 0.5}
    pixels = (255 * crops(2)).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    served, _ = Embedder.from_file(file)
    with torch.inference_mode():
        wanted = model(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
    np.testing.assert_allclose(served.embed(list(pixels)), wanted.numpy(), atol=5e-3)  # kept in half precision


def test_trunk_weights_load_by_torchvisions_names_and_others_are_refused(tmp_path: Path) -> None:
    source = CropEmbedder(CONFIG)
    features = {name: value for name, value in source.state_dict().items() if name.startswith("features.")}
    torch.save(features, tmp_path / "trunk.pth")
    model = CropEmbedder(CONFIG)
    assert load_features(model, tmp_path / "trunk.pth") == ("projection.weight", "projection.bias")
    assert all(torch.equal(value, features[name]) for name, value in model.state_dict().items() if name in features)
    torch.save({"features.0.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"other.pth lacks \d+ of the trunk's tensors"):
        load_features(model, tmp_path / "other.pth")


@pytest.mark.parametrize("pooling", ["gem", "avg", "max", "gem_avg"])
@pytest.mark.parametrize(
    "backbone", ["resnet18", "mobilenet_v2", "timm/mobilenetv4_conv_small", "timm/vit_tiny_patch16_224"]
)
def test_every_backbone_and_pooling_gives_unit_vectors(backbone: str, pooling: str) -> None:
    side = 32
    if backbone.startswith("timm/"):
        pytest.importorskip("timm", reason="an optional extra")
        side = 224 if "vit" in backbone else 32
    config = EmbedderConfig("x", backbone=backbone, dim=8, input_side_px=side, pooling=pooling)
    embedder = Embedder(CropEmbedder(config), config)
    pixels = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    vectors = embedder.embed(list(pixels))
    assert vectors.shape == (2, 8)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert abs(float(vectors[0] @ vectors[1])) < 1 - 1e-7, "two crops, two vectors"


def test_a_missing_optional_library_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "open_clip", None)
    with pytest.raises(ConfigError, match="pip install open_clip_torch"):
        build_features(EmbedderConfig(backbone="open_clip/ViT-B-32"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"backbone": "resnet19"}, "unknown"),
        ({"backbone": "timm/nothing_like_it"}, "timm/nothing_like_it"),
        ({"pooling": "gen"}, "did you mean 'gem'"),
        ({"projection": "none", "dim": 7}, "gives 1280 numbers without a projection, not 7"),
    ],
)
def test_an_embedder_that_cannot_be_built_is_told_why(changes: dict[str, object], told: str) -> None:
    if "timm/" in str(changes):
        pytest.importorskip("timm", reason="an optional extra")
    with pytest.raises(ConfigError, match=told):
        CropEmbedder(dataclasses.replace(CONFIG, **changes))  # type: ignore[arg-type]


def test_ranks_count_ties_and_missing_answers_against_the_query() -> None:
    similarities = np.array([[0.9, 0.9, 0.1], [0.2, 0.5, 0.4], [0.3, 0.2, 0.1]], dtype=np.float32)
    right = np.array([[True, False, False], [False, False, True], [False, False, False]])
    firsts = first_right(similarities, right)
    assert firsts[:2].tolist() == [1, 1]
    assert recall_at(firsts, 1) == 0
    assert recall_at(firsts, 10) == pytest.approx(2 / 3)
