"""What one step of training learns from: which samples, how much each photo weighs, and when it is not taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler

from segmentation.config import LossWeights, SegmenterConfig, StageConfig
from segmentation.data.loaders import Batch
from segmentation.errors import ConfigError, TrainingDiverged, TrainingPeerLost
from segmentation.model import LOSS_NAMES, build_mask_rcnn, total_loss
from segmentation.training.distributed import World
from segmentation.training.engine import Learner, build_optimizer, train_one_epoch
from segmentation.training.parts import freeze
from segmentation.training.roi_sampling import SeededSampler, SeededSampling
from segmentation.training.stages import plan_run
from segmentation.training.state import AveragedWeights
from tests.tiny_training import MODEL, SIDE_PX, tiny_config

ALL = StageConfig(
    "all",
    epochs=1,
    learning_rate=0.5,
    backbone_learning_rate_factor=1.0,
    warmup_iterations=0,
    schedule="constant",
    frozen_backbone_stages=0,
)
CPU = torch.device("cpu")


def candidates(seed: int, n: int = 500) -> Tensor:
    return torch.randint(-1, 3, (n,), generator=torch.Generator().manual_seed(seed))


def sampled(photos: list[Tensor], seeds: list[int]) -> list[list[int]]:
    sampler = SeededSampler(32, 0.25)
    sampler.seeds = seeds
    return [torch.where(a | b)[0].tolist() for a, b in zip(*sampler(photos), strict=True)]


def test_a_photos_samples_depend_neither_on_its_company_nor_on_the_past() -> None:
    first, second = candidates(1), candidates(2)
    together = sampled([first, second], [10, 20])
    torch.rand(100)  # the global random numbers move on
    assert sampled([second], [20]) + sampled([first], [10]) == [together[1], together[0]]
    assert sampled([first], [11]) != [together[0]]


@pytest.mark.parametrize("n_positive", [0, 3, 200])
@pytest.mark.parametrize("n_negative", [0, 5, 200])
def test_as_many_are_sampled_as_torchvision_samples(n_positive: int, n_negative: int) -> None:
    labels = torch.cat([torch.full((n_positive,), 7), torch.zeros(n_negative), torch.full((9,), -1)])
    ours, theirs = SeededSampler(32, 0.25), BalancedPositiveNegativeSampler(32, 0.25)
    ours.seeds = [3]
    found, wanted = ours([labels]), theirs([labels])
    for mine, reference, allowed in zip(found, wanted, (labels >= 1, labels == 0), strict=True):
        assert mine[0].dtype == torch.uint8
        assert int(mine[0].sum()) == int(reference[0].sum())
        assert not bool((mine[0].bool() & ~allowed).any())
    assert ours.n_positive == int(found[0][0].sum())
    assert ours.n_sampled == ours.n_positive + int(found[1][0].sum())


def test_every_batch_and_every_photo_is_sampled_anew() -> None:
    sampling = SeededSampling(build_mask_rcnn(MODEL))
    seen = set()
    for epoch, batch in ((0, 0), (0, 1), (1, 0)):
        sampling.seed(["a", "b"], seed=17, epoch=epoch, batch=batch)
        seen |= {*sampling._anchors.seeds, *sampling._regions.seeds}
    assert len(seen) == 3 * 2 * 2


def batch(*names: str) -> Batch:
    images, targets = [], []
    for name in names:
        generator = torch.Generator().manual_seed(ord(name))
        images.append(torch.rand(3, SIDE_PX, SIDE_PX, generator=generator))
        left, top = (int(each) for each in torch.randint(2, 20, (2,), generator=generator))
        masks = torch.zeros(1, SIDE_PX, SIDE_PX, dtype=torch.uint8)
        masks[0, top : top + 30, left : left + 25] = 1
        boxes = torch.tensor([[left, top, left + 25, top + 30]], dtype=torch.float32)
        targets.append({"boxes": boxes, "labels": torch.tensor([3]), "masks": masks})
    return images, targets, list(names)


def learner_of(config: SegmenterConfig) -> Learner:
    torch.manual_seed(5)
    model = build_mask_rcnn(config.model, rois_per_image=config.train.rois_per_image)
    freeze(model, ALL)
    optimizer = build_optimizer(model, config.train, ALL)
    average = AveragedWeights(model, config.train.ema_decay)
    return Learner(model, SeededSampling(model), optimizer, average, World(CPU), bf16=False)


def train(learner: Learner, config: SegmenterConfig, batches: list[Batch]) -> None:
    plan = plan_run(config.train, len(batches))
    train_one_epoch(learner, batches, config.train, plan=plan, epoch=0, first_batch=0, after_batch=lambda *_: None)


def plain_sgd(**changes: object) -> SegmenterConfig:
    changes = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "clip_grad_norm": 0.0} | changes
    return tiny_config(stages=(ALL,), **changes)


def gradients(config: SegmenterConfig, photos: Batch, number: int) -> Iterator[Tensor]:
    """Of one batch alone, by torchvision's own sum of losses."""
    learner = learner_of(config)
    learner.model.train()
    learner.sampling.seed(photos[2], seed=config.train.seed, epoch=0, batch=number)
    total_loss(learner.model(photos[0], photos[1]), config.train.loss_weights).backward()
    return (parameter.grad for parameter in learner.model.parameters() if parameter.grad is not None)


def test_photos_weigh_the_same_in_whichever_batch_of_a_step_they_are() -> None:
    config = plain_sgd(loss_weights=LossWeights(rpn_bbox=0.8, mrcnn_mask=6.0))
    large, small = batch("a", "b"), batch("c")
    learner = learner_of(config)
    before = [parameter.detach().clone() for parameter in learner.model.parameters()]
    train(learner, config, [large, small])
    wanted = [
        (2 * first + second) / 3
        for first, second in zip(gradients(config, large, 0), gradients(config, small, 1), strict=True)
    ]
    for old, new, gradient in zip(before, learner.model.parameters(), wanted, strict=True):
        torch.testing.assert_close(old - new.detach(), ALL.learning_rate * gradient, rtol=1e-3, atol=1e-6)


def test_what_is_left_of_an_epoch_is_a_step_of_its_own() -> None:
    config = plain_sgd(accumulate=2)
    learner = learner_of(config)
    train(learner, config, [batch("a"), batch("b"), batch("c")])
    assert learner.average.state_dict()["n_updates"] == 2


def test_large_gradients_are_scaled_down_to_the_norm_asked_for() -> None:
    config = plain_sgd(clip_grad_norm=0.01, loss_weights=LossWeights(mrcnn_class=50.0))
    learner = learner_of(config)
    before = [parameter.detach().clone() for parameter in learner.model.parameters()]
    train(learner, config, [batch("a", "b")])
    moved = [(new.detach() - old).flatten() for old, new in zip(before, learner.model.parameters(), strict=True)]
    assert float(torch.cat(moved).norm()) == pytest.approx(ALL.learning_rate * 0.01, rel=0.01)


@pytest.mark.parametrize("where", ["photo", "gradient"])
def test_a_step_that_is_not_finite_is_not_taken_and_names_its_photos(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(stages=(ALL,), accumulate=1)
    learner = learner_of(config)
    good, bad = batch("a", "b"), batch("c", "d")
    if where == "photo":
        bad[0][1][:] = float("nan")
    else:
        norms = iter([torch.tensor(1.0), torch.tensor(float("inf"))])
        monkeypatch.setattr(torch.nn.utils, "get_total_norm", lambda _: next(norms))
    after_first: list[dict[str, Tensor]] = []

    def keep(*_: object) -> None:
        after_first.append({name: value.clone() for name, value in learner.model.state_dict().items()})

    with pytest.raises(TrainingDiverged, match="photos c, d"):
        train_one_epoch(
            learner, [good, bad], config.train, plan=plan_run(config.train, 2), epoch=0, first_batch=0, after_batch=keep
        )
    assert len(after_first) == 1
    assert all(torch.equal(value, after_first[0][name]) for name, value in learner.model.state_dict().items())
    assert all(bool(value.isfinite().all()) for value in learner.average.tensors.values())


def test_the_losses_told_are_torchvisions() -> None:
    config = plain_sgd()
    learner, told = learner_of(config), list[dict[str, float]]()
    photos = batch("a", "b")
    plan = plan_run(config.train, 1)
    train_one_epoch(
        learner, [photos], config.train, plan=plan, epoch=0, first_batch=0, after_batch=lambda *a: told.append(a[2])
    )
    again = learner_of(config)
    again.model.train()
    again.sampling.seed(photos[2], seed=config.train.seed, epoch=0, batch=0)
    wanted = again.model(photos[0], photos[1])
    assert told[0] == pytest.approx({name: float(wanted[theirs].detach()) for name, theirs in LOSS_NAMES.items()})


def test_a_batch_that_cannot_be_shared_evenly_is_refused() -> None:
    world = replace(World(CPU), size=3)
    with pytest.raises(ConfigError, match="3 processes cannot share batches of 4 photos evenly"):
        world.check_batch_size(4)
    world.check_batch_size(6)


def test_a_lost_process_ends_the_others_with_a_word_about_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> None:
        raise RuntimeError("Connection closed by peer")

    monkeypatch.setattr(torch.distributed, "all_gather", closed)
    with pytest.raises(TrainingPeerLost, match="another training process stopped"):
        World(CPU, rank=1, size=2).wait()
