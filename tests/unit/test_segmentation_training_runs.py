"""A run's folder tells the whole story, and goes on wherever it was cut off."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from segmentation.checkpoint import read_info
from segmentation.config import SegmenterConfig
from segmentation.config_files import load_config, to_mapping, to_toml
from segmentation.data.annotations import Photos
from segmentation.data.loaders import Batch
from segmentation.data.sources import subset
from segmentation.errors import AnnotationError, CheckpointError, ConfigError, RunNotWritten, TrainingDiverged
from segmentation.segmenter import Segmenter
from segmentation.training import run as run_module
from segmentation.training.distributed import World
from segmentation.training.run import BEST, CONFIG, EVENTS, LAST, STATE, Listener, TrainingRun
from segmentation.training.run_folder import CONFIG_TOML, CURVES, LOCK, STORY, TENSORBOARD
from tests.tiny_training import STAGES, tiny_config, write_tiny_data

TIMES = {"at", "cost", "total", "ms_per_photo"}


class Cut(Exception):
    """Ends a run, as a kill would: nothing more is written."""


def silent(*_: object) -> None:
    return


def cut_at(epoch: int, batch: int) -> Listener:
    def on_batch(now: int, done: int, *_: object) -> None:
        if (now, done) == (epoch, batch):
            raise Cut

    return Listener(on_batch, silent, silent)


QUIET = Listener(silent, silent, silent)


def train(photos: Photos, out: Path, listener: Listener = QUIET, **options: Any) -> TrainingRun:
    run = TrainingRun(tiny_config(), photos, photos[:2], out, **options)
    run.train(listener)
    return run


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    return write_tiny_data(tmp_path_factory.mktemp("tiny") / "data")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # sums of several threads are rounded in another order each time
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def whole(photos: Photos, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run."""
    out = tmp_path_factory.mktemp("whole") / "run"
    train(photos, out)
    return out


def events(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / EVENTS).read_text().splitlines()]


def assert_same(out: Path, whole: Path) -> None:
    for name in (LAST, BEST):
        mine, wanted = load_file(out / name), load_file(whole / name)
        assert mine.keys() == wanted.keys()
        assert all(torch.equal(value, mine[key]) for key, value in wanted.items())
    mine, wanted = (
        [{key: value for key, value in event.items() if key not in TIMES} for event in events(each) if "epoch" in event]
        for each in (out, whole)
    )
    assert mine == wanted


def test_the_folder_tells_what_was_trained_on_what_and_how_it_went(whole: Path) -> None:
    assert {file.name for file in whole.iterdir()} == {
        *(STATE, BEST, LAST, EVENTS, CONFIG, CONFIG_TOML, STORY, CURVES, TENSORBOARD, LOCK)
    }
    assert load_config(str(whole / CONFIG_TOML), SegmenterConfig) == tiny_config()
    story = json.loads((whole / STORY).read_text())
    assert story["data_sets"]["train"] | {"sha8": ""} == {
        "photos": 7,
        "instances": 14,
        "categories": {"shirt, blouse": 7, "sweater": 7},
        "sha8": "",
    }
    assert story["epochs"] == ["heads 1/2", "heads 2/2", "all 1/1"]
    assert story["command"]
    assert story["torch"] == torch.__version__
    told = events(whole)
    assert [event["event"] for event in told] == ["start", "epoch", "epoch", "epoch"]
    assert [event.get("stage") for event in told[1:]] == ["heads", "heads", "all"]
    assert [event["cost"]["images"] for event in told[1:]] == [7, 4, 7], "the second epoch is a half"
    assert all(event["cost"]["cpu_s"] > 0 for event in told[1:])
    total = told[-1]["total"]
    assert total["images"] == 18
    assert total["cpu_s"] == pytest.approx(sum(event["cost"]["cpu_s"] for event in told[1:]), abs=0.05)
    assert set(told[1]["losses"]) == {"rpn_class", "rpn_bbox", "mrcnn_class", "mrcnn_bbox", "mrcnn_mask"}
    with Image.open(whole / CURVES) as picture:
        assert picture.width > 600


def test_tensorboard_reads_losses_speed_and_ap(whole: Path) -> None:
    board = EventAccumulator(str(whole / TENSORBOARD))
    board.Reload()
    tags = board.Tags()["scalars"]
    assert {"train/mrcnn_mask", "train/learning_rate", "train/images_per_s", "val/mask_ap"} <= set(tags)
    assert [event.step for event in board.Scalars("val/mask_ap")] == [2, 3, 5]


def test_a_checkpoint_knows_its_cost_and_names_no_path_of_the_machine(whole: Path, tmp_path: Path) -> None:
    info = read_info(whole / LAST, kind="segmenter")
    assert info.provenance["cost"]["images"] == 18
    assert info.provenance["epochs_done"] == 3
    assert info.provenance["n_instances"] == 14
    assert len(info.provenance["code"]) == 8
    assert str(whole.parent) not in json.dumps([info.provenance, info.config, info.metrics])


@pytest.mark.parametrize(
    ("epoch", "batch"),
    [(0, 1), (0, 3), (1, 2), (2, 3)],
    ids=["before the first step", "within a step", "at the end of a stage", "in the second stage"],
)
def test_a_run_cut_off_anywhere_ends_as_an_undisturbed_one(
    photos: Photos, whole: Path, tmp_path: Path, epoch: int, batch: int
) -> None:
    out = tmp_path / "run"
    with pytest.raises(Cut):
        train(photos, out, cut_at(epoch, batch))
    torch.rand(7)  # another process has other random numbers
    train(photos, out, resume=True)
    assert_same(out, whole)
    assert [event["event"] for event in events(out)].count("resume") == 1


@pytest.mark.parametrize("call", [1, 4, 6, 7, 8, 11])
def test_a_run_cut_off_between_event_and_state_ends_as_an_undisturbed_one(
    photos: Photos, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    # States are saved at the start, after each step, at an epoch's end, and after its event and checkpoints.
    out, calls, save_state = tmp_path / "run", iter(range(100)), run_module.save_state

    def cut_before_saving(*arguments: Any) -> None:
        if next(calls) == call:
            raise Cut
        save_state(*arguments)

    monkeypatch.setattr(run_module, "save_state", cut_before_saving)
    with pytest.raises(Cut):
        train(photos, out)
    monkeypatch.setattr(run_module, "save_state", save_state)
    train(photos, out, resume=True)
    assert_same(out, whole)


def test_a_run_killed_before_its_first_state_begins_anew(photos: Photos, whole: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to resume there"):
        train(photos, tmp_path / "none", resume=True)
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    for name in (STATE, BEST, LAST):
        (out / name).unlink()
    train(photos, out, resume=True)
    assert_same(out, whole)
    assert [event["event"] for event in events(out)] == ["start", "epoch", "epoch", "epoch"]


@pytest.mark.parametrize("resume", [False, True])
def test_weights_whose_state_was_removed_are_never_written_over(
    photos: Photos, whole: Path, tmp_path: Path, resume: bool
) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    (out / STATE).unlink()
    with pytest.raises(ConfigError, match=r"holds the weights of a run, but no state\.pt"):
        train(photos, out, resume=resume)
    assert (out / LAST).read_bytes() == (whole / LAST).read_bytes()


def test_a_run_of_a_version_that_lacked_a_setting_goes_on_with_its_default(
    photos: Photos, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    config = json.loads((out / CONFIG).read_text())
    del config["model"]["nested_share"]
    (out / CONFIG).write_text(json.dumps(config))
    TrainingRun(tiny_config(), photos, photos[:2], out, resume=True)


@pytest.mark.parametrize("content", [b"", b"junk" * 100])
def test_a_damaged_state_is_told_with_a_way_out(photos: Photos, whole: Path, tmp_path: Path, content: bytes) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    (out / STATE).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"state\.pt is damaged.*--weights.*last\.safetensors"):
        TrainingRun(tiny_config(), photos, photos[:2], out, resume=True)


def test_events_lost_after_the_state_leave_no_gap(photos: Photos, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    (out / EVENTS).write_bytes((whole / EVENTS).read_bytes().split(b"\n", 1)[0] + b"\n")
    train(photos, out, resume=True)
    assert [event["event"] for event in events(out)] == ["start", "resume"]


def test_a_full_disk_stops_with_its_reason_and_leaves_the_last_state(photos: Photos, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = TrainingRun(tiny_config(), photos, photos[:2], out)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(*_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # Python ignores the signal, and gets an error

    try:
        with pytest.raises(RunNotWritten, match=r"state\.pt cannot be written: .*--resume goes on"):
            run.train(Listener(fill, silent, silent))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(out.glob("*.partial"))
    assert TrainingRun(tiny_config(), photos, photos[:2], out, resume=True).progress.batch == 0


def test_a_later_stage_that_would_train_nothing_is_told_at_the_start(photos: Photos, tmp_path: Path) -> None:
    nothing = replace(STAGES[1], name="last", frozen=("fpn", "rpn", "box_head", "mask_head"), frozen_backbone_stages=5)
    with pytest.raises(ConfigError, match="'last' freezes everything"):
        TrainingRun(tiny_config(stages=(STAGES[0], nothing)), photos, photos[:2], tmp_path / "run")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x", "holds more than tensors, which is never loaded$"),
        (None, "not fit this configuration: .{10,320}$"),
    ],
)
def test_initial_weights_that_cannot_be_used_are_told_in_a_line(
    photos: Photos, whole: Path, tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "initial.safetensors" if content is None else tmp_path / "initial.pth"
    file.write_bytes((whole / LAST).read_bytes() if content is None else content)
    config = tiny_config(initial_weights=str(file))
    config = replace(config, model=replace(config.model, fpn_channels=8))
    with pytest.raises(CheckpointError, match=message):
        TrainingRun(config, photos, photos[:2], tmp_path / "run")


def test_two_processes_never_train_into_one_folder(photos: Photos, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    before = (out / EVENTS).read_bytes()
    with FileLock(out / LOCK), pytest.raises(ConfigError, match="another process is training there"):
        train(photos, out, resume=True)
    assert (out / EVENTS).read_bytes() == before
    train(photos, out, resume=True)


def test_a_folder_that_cannot_be_made_is_told(photos: Photos, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(RunNotWritten, match="start again"):
        train(photos, tmp_path / "run")


def test_a_finished_run_resumed_stays_as_it_is(photos: Photos, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "run")
    train(photos, tmp_path / "run", resume=True)
    assert_same(tmp_path / "run", whole)


def test_a_run_does_not_go_on_with_other_photos_or_another_configuration(
    photos: Photos, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    with pytest.raises(ConfigError, match=r"other photos or annotations.*--weights"):
        TrainingRun(tiny_config(), photos[:6], photos[:2], out, resume=True)
    with pytest.raises(ConfigError, match=r"another configuration: train\.seed was 17, is 18$"):
        TrainingRun(tiny_config(seed=18), photos, photos[:2], out, resume=True)
    with pytest.raises(ConfigError, match="pass --resume"):
        TrainingRun(tiny_config(), photos, photos[:2], out)


def test_heads_first_leaves_the_backbone_bit_equal_until_its_stage(photos: Photos, tmp_path: Path) -> None:
    config = tiny_config(ema_decay=0.0)
    run = TrainingRun(config, photos, photos[:2], tmp_path / "run")
    model = run._learner.model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    moved: list[set[str]] = []

    def on_epoch(*_: object) -> None:
        now = model.state_dict()
        moved.append({name for name, value in before.items() if not torch.equal(value, now[name])})

    run.train(Listener(silent, on_epoch, silent))
    assert not any(name.startswith("backbone.body") for name in moved[1])
    assert any(name.startswith("backbone.fpn") for name in moved[0])
    trained = {name.split(".")[2] for name in moved[2] if name.startswith("backbone.body")}
    assert trained
    assert not trained & {"0", "1", "2", "3"}, "two stages of the backbone stay frozen"


def test_what_a_listener_raises_after_an_epoch_leaves_a_run_to_go_on_with(
    photos: Photos, whole: Path, tmp_path: Path
) -> None:
    def pruned(*_: object) -> None:
        raise Cut

    with pytest.raises(Cut):
        train(photos, tmp_path / "run", Listener(silent, pruned, silent))
    resumed = TrainingRun(tiny_config(), photos, photos[:2], tmp_path / "run", resume=True)
    assert (resumed.progress.epoch, resumed.progress.batch) == (1, 0)
    resumed.train(QUIET)
    assert_same(tmp_path / "run", whole)


def poisoned(image_id: str) -> Callable[..., list[Batch]]:
    loader = run_module.training_loader

    def load(*arguments: Any, **options: Any) -> list[Batch]:
        batches = list(loader(*arguments, **options))
        if options["epoch"] == 1:
            for images, _, image_ids in batches:
                for image, each in zip(images, image_ids, strict=True):
                    if each == image_id:
                        image[:] = float("nan")
        return batches

    return load


def test_a_photo_that_poisons_the_loss_stops_with_its_name_and_usable_weights(
    photos: Photos, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, loader = tmp_path / "run", run_module.training_loader
    second_batch = next(iter(loader(photos, tiny_config(), epoch=1, first_batch=1, n_workers=0)))
    poison = second_batch[2][0]  # the first batch of the same step is fine
    monkeypatch.setattr(run_module, "training_loader", poisoned(poison))
    with pytest.raises(TrainingDiverged, match=rf"(?s){poison}.*the step was not taken.*--resume"):
        train(photos, out)
    assert events(out)[-1]["event"] == "diverged"
    segmenter, info = Segmenter.from_file(out / LAST)
    assert info.provenance["cost"]["images"] == 7
    assert len(segmenter.find([np.zeros((40, 30, 3), np.uint8)])) == 1
    monkeypatch.setattr(run_module, "training_loader", loader)
    train(photos, out, resume=True)  # the photo is mended
    assert [event["event"] for event in events(out)] == ["start", "epoch", "diverged", "resume", "epoch", "epoch"]
    last, wanted = load_file(out / LAST), load_file(whole / LAST)
    assert all(torch.equal(value, last[name]) for name, value in wanted.items())


def test_processes_that_cannot_share_a_batch_are_told_before_anything_is_written(
    photos: Photos, tmp_path: Path
) -> None:
    world = World(torch.device("cpu"), rank=0, size=3)
    with pytest.raises(ConfigError, match="3 processes cannot share batches of 2 photos evenly"):
        TrainingRun(tiny_config(), photos, photos[:2], tmp_path / "run", world=world)
    assert not (tmp_path / "run").exists()


def test_a_subset_is_drawn_by_its_seed_and_keeps_the_order(photos: Photos) -> None:
    drawn = subset(photos, 4, seed=1)
    assert drawn.image_ids == subset(photos, 4, seed=1).image_ids
    assert drawn.image_ids == sorted(set(drawn.image_ids), key=photos.image_ids.index)
    assert {tuple(subset(photos, 4, seed=seed).image_ids) for seed in range(5)} != {tuple(drawn.image_ids)}
    for n in (0, 8):
        with pytest.raises(AnnotationError, match="1 to 7 photos"):
            subset(photos, n, seed=1)


def test_a_configuration_survives_being_written_as_toml(tmp_path: Path) -> None:
    config = tiny_config(initial_weights='a "quoted"\\path é')
    config = replace(config, model=replace(config.model, category_score_thresholds=(0.5, 1e-5)))
    (tmp_path / "again.toml").write_text(to_toml(config), encoding="utf-8")
    assert to_mapping(load_config(str(tmp_path / "again.toml"), SegmenterConfig)) == to_mapping(config)
