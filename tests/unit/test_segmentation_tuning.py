"""A search over settings: what may be turned, what becomes of trials, and how it goes on after a kill."""

from __future__ import annotations

import io
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from segmentation.config import SegmenterConfig, StageConfig
from segmentation.config_files import CONFIGS_DIR, load_config, to_toml
from segmentation.errors import ConfigError, TrainingDiverged
from segmentation.management.commands import train_segmenter
from segmentation.tuning.leaderboard import leaderboard, write_findings
from segmentation.tuning.ranges import parse_ranges, read_ranges, value_at, with_values
from segmentation.tuning.results import TrialResult
from segmentation.tuning.search import Report, Search
from tests.tiny_training import ANNOTATIONS, tiny_config, write_tiny_data

BASE = tiny_config()
RATE = "train.stages.1.learning_rate"
RATES = {"train": {"stages": {"1": {"learning_rate": {"low": 1e-5, "high": 1e-1, "log": True}}}}}


def ranges_of(values: dict[str, Any]) -> Any:
    return parse_ranges(values, BASE, where="ranges.toml")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"train": {"augment": {"copypaste": {}}}}, "train.augment.copypaste: unknown key; did you mean 'copy_paste'"),
        ({"trian": {}}, "trian: unknown key; did you mean 'train'"),
        ({"train": {"momentum": {"lo": 0.1, "high": 0.9}}}, "momentum.lo: unknown key; did you mean 'low'"),
        ({"train": {"momentum": {"low": 0.1}}}, "momentum.high: missing"),
        ({"train": {"momentum": 0.9}}, "expected {low = ..., high = ...} or {choices = [...]}, got 0.9"),
        ({"train": {"momentum": {"low": 0.9, "high": 0.1}}}, "low must be less than high"),
        ({"train": {"momentum": {"low": 0.0, "high": 0.9, "log": True}}}, "log needs low above 0"),
        ({"train": {"batch_size": {"low": 1.5, "high": 4}}}, "takes whole numbers"),
        ({"train": {"bf16": {"low": 0, "high": 1}}}, "is no number; give {choices"),
        ({"train": {"batch_size": {"choices": [2, "four"]}}}, "expected int, got 'four'"),
        ({"train": {"optimizer": {"choices": ["sgd", "adamm"]}}}, "did you mean 'adamw'"),
        ({"train": {"bf16": {"choices": []}}}, "with different values"),
        ({"model": {"nms_iou": {"low": 0.3, "high": 1.3}}}, "model.nms_iou: expected 0 or more and at most 1, got 1.3"),
        ({"train": {"stages": {"2": {"epochs": {}}}}}, "stages.2: the configuration has stages 0 to 1"),
        ({"train": {"stages": [{"epochs": {"choices": [1]}}]}}, "stages are written as [train.stages.0]"),
        ({"train": {"stages": {"0": {"epochs": {"low": 0, "high": 3}}}}}, "epochs: expected more than 0"),
        ({"name": {"choices": ["a"]}}, "name: unknown key"),
        ({"train": {}}, "no range to search"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_said_before_anything_is_trained(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        ranges_of(values)
    assert message in str(raised.value)
    assert "ranges.toml" in str(raised.value)


def test_a_search_finds_settings_anywhere_in_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "ranges.toml"
    file.write_text(
        "[model]\nrpn_post_nms_test = {low = 5, high = 20, step = 5}\n"
        "[train]\ntrain_sides_px = {choices = [[64], [64, 96]]}\nbf16 = {choices = [true, false]}\n"
        "[train.stages.0]\nlearning_rate = {low = 1e-4, high = 1e-2, log = true}\n"
    )
    seen: list[SegmenterConfig] = []

    def train_one(config: SegmenterConfig, folder: Path, report: Report) -> float:
        seen.append(config)
        return float(config.model.rpn_post_nms_test)

    search = Search(BASE, read_ranges(file, BASE), tmp_path / "out")
    search.run(12, train_one, lambda result: None)
    assert seen[0] == BASE, "the base comes first, to be compared with"
    assert {config.model.rpn_post_nms_test for config in seen} <= {5, 10, 15, 20}
    assert {config.train.train_sides_px for config in seen} == {(64,), (64, 96)}
    assert all(1e-4 <= config.train.stages[0].learning_rate <= 1e-2 for config in seen)
    assert {config.train.stages[1] for config in seen} == {BASE.train.stages[1]}
    winner = search.winner()
    assert winner is not None
    assert winner.value == max(config.model.rpn_post_nms_test for config in seen)
    for result, config in zip(search.results(), seen, strict=True):
        assert with_values(BASE, result.settings) == config
    assert set(search.importances()) == {each.path for each in search.ranges}


def test_the_example_of_ranges_fits_its_configuration() -> None:
    base = load_config("street", SegmenterConfig)
    ranges = read_ranges(CONFIGS_DIR / "search" / "street.toml", base)
    assert all(each.as_parameter(value_at(base, each.path)) is not None for each in ranges), "the base is tried first"


def follow(curve: Callable[[float, int], float], n_epochs: int = 6) -> Any:
    """A constructed training: figures by learning rate and epoch."""

    def train_one(config: SegmenterConfig, folder: Path, report: Report) -> float:
        figures = []
        for epoch in range(n_epochs):
            figures.append(curve(config.train.stages[1].learning_rate, epoch))
            report(epoch, n_epochs, figures[-1])
        return max(figures)

    return train_one


def test_bad_trials_are_ended_early_and_cost_fewer_epochs(tmp_path: Path) -> None:
    told: list[TrialResult] = []
    search = Search(BASE, ranges_of(RATES), tmp_path, seed=1)
    search.run(24, follow(lambda rate, epoch: (epoch + 1) * min(rate, 1e-3 * 1e-3 / rate)), told.append)
    assert [result.number for result in told] == list(range(24))
    pruned = [result for result in told if result.outcome == "pruned"]
    finished = [result for result in told if result.outcome == "finished"]
    assert len(pruned) >= 5
    assert all(result.n_epochs < 6 for result in pruned)
    assert all(result.n_epochs == 6 for result in finished)
    winner = search.winner()
    assert winner is not None
    assert winner in finished
    assert 3e-4 < winner.settings[RATE] < 3e-3
    assert all(result.value < winner.value for result in pruned)


def test_without_a_pruner_every_trial_is_finished(tmp_path: Path) -> None:
    search = Search(BASE, ranges_of(RATES), tmp_path, pruner="none")
    search.run(8, follow(lambda rate, epoch: rate), lambda result: None)
    assert {result.outcome for result in search.results()} == {"finished"}


def test_a_search_goes_on_with_the_count_and_draws_other_settings(tmp_path: Path) -> None:
    train_one = follow(lambda rate, epoch: rate, n_epochs=1)
    for n, resume in ((3, False), (3, True), (5, True)):
        search = Search(BASE, ranges_of(RATES), tmp_path, resume=resume)
        search.run(n, train_one, lambda result: None)
        assert len(search.results()) == n
        search.close()
    rates = [result.settings[RATE] for result in search.results()]
    assert len(set(rates)) == 5, "a resumed search does not repeat its beginning"
    with pytest.raises(ConfigError, match="pass --resume"):
        Search(BASE, ranges_of(RATES), tmp_path)
    with pytest.raises(ConfigError, match="nothing to resume"):
        Search(BASE, ranges_of(RATES), tmp_path / "other", resume=True)
    other = ranges_of({"train": {"momentum": {"low": 0.1, "high": 0.9}}})
    with pytest.raises(ConfigError, match="started with another ranges"):
        Search(BASE, other, tmp_path, resume=True)
    with pytest.raises(ConfigError, match="started with another photos"):
        Search(BASE, ranges_of(RATES), tmp_path, resume=True, facts={"photos": "x"})
    again = Search(BASE, ranges_of(RATES), tmp_path, resume=True)
    with pytest.raises(ConfigError, match="a search is running there"):
        Search(BASE, ranges_of(RATES), tmp_path, resume=True)
    again.close()


def test_a_damaged_study_is_told_and_leaves_no_lock(tmp_path: Path) -> None:
    (tmp_path / "study.db").write_bytes(b"junk" * 1000)
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"study\.db: the search cannot be read"):
            Search(BASE, ranges_of(RATES), tmp_path, resume=True)


KILLED = """
import os, signal, sys
from pathlib import Path
from segmentation.tuning.ranges import parse_ranges
from segmentation.tuning.search import Search
from tests.tiny_training import tiny_config

def train_one(config, folder, report):
    report(0, 3, 0.5)
    if folder.name == "0002":
        folder.mkdir(parents=True)
        (folder / "left").write_text(repr(config.train.stages[1].learning_rate))
        os.kill(os.getpid(), signal.SIGKILL)
    return 0.5

base = tiny_config()
Search(base, parse_ranges(%r, base, where="x"), Path(sys.argv[1])).run(4, train_one, print)
"""


def test_a_trial_killed_with_its_process_is_gone_on_with_in_its_folder(tmp_path: Path, repository: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLED % RATES, str(tmp_path)]
    killed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    tried: list[tuple[str, float]] = []

    def train_one(config: SegmenterConfig, folder: Path, report: Report) -> float:
        tried.append((folder.name, config.train.stages[1].learning_rate))
        return 0.1

    for _ in range(2):  # the second time there is nothing left to mend
        search = Search(BASE, ranges_of(RATES), tmp_path, resume=True)
        search.run(4, train_one, lambda result: None)
        search.close()
    left = float((tmp_path / "trials" / "0002" / "left").read_text())
    assert tried[0] == ("0002", left)
    assert len(tried) == 2
    assert [result.outcome for result in search.results()] == ["finished", "finished", "killed", "finished", "finished"]
    assert "killed" not in "\n".join(leaderboard(search.results()))


def test_a_trial_that_diverges_or_cannot_be_built_failed_and_the_search_goes_on(tmp_path: Path) -> None:
    def train_one(config: SegmenterConfig, folder: Path, report: Report) -> float:
        rate = config.train.stages[1].learning_rate
        if rate > 1e-2:
            raise TrainingDiverged("the loss is nan at photos a.jpg")
        if rate < 1e-4:
            raise ConfigError("model.anchor_sizes_px: 5 levels are needed")
        return rate

    search = Search(BASE, ranges_of(RATES), tmp_path, seed=2)
    search.run(12, train_one, lambda result: None)
    reasons = {result.reason for result in search.results() if result.outcome == "failed"}
    assert reasons == {"the loss is nan at photos a.jpg", "model.anchor_sizes_px: 5 levels are needed"}
    assert search.winner() is not None
    write_findings(search)
    table = (tmp_path / "leaderboard.txt").read_text().splitlines()
    assert "finished" in table[1]
    assert any("the loss is nan" in line for line in table[13:])
    assert (tmp_path / "search.png").stat().st_size > 5_000
    winner = load_config(str(tmp_path / "winner.toml"), SegmenterConfig)
    assert winner.name == "tiny_tuned"
    assert value_at(winner, RATE) == search.winner().settings[RATE]
    assert with_values(winner, {RATE: value_at(BASE, RATE)}).train == BASE.train


def test_the_command_searches_on_a_subset_resumes_and_tells_how_to_train_the_winner(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "search"
    write_tiny_data(data, n_photos=3)
    one_stage = tiny_config(stages=(StageConfig(epochs=3, learning_rate=1e-3, warmup_iterations=1),))
    (data / "mine.toml").write_text(to_toml(one_stage))
    (tmp_path / "ranges.toml").write_text("[train.stages.0]\nlearning_rate = {low = 1e-4, high = 1e-2}\n")
    given = ["--config", str(data / "mine.toml"), "--search", str(tmp_path / "ranges.toml"), "--data", str(data)]
    given += ["--annotations", str(data / ANNOTATIONS), "--val-annotations", str(data / ANNOTATIONS)]
    given += ["--out", str(out), "--subset", "2", "--val-subset", "1", "--epochs", "1"]
    call_command("tune_segmenter", *given, "--trials", "1", stdout=io.StringIO())
    assert not list(out.glob("trials/*/state.pt")), "a trial that ended keeps only its weights"
    assert len(list(out.glob("trials/*/best.safetensors"))) == 1
    with pytest.raises(CommandError, match="pass --resume"):
        call_command("tune_segmenter", *given, "--trials", "2", stdout=io.StringIO())
    changed = ["1" if each == "2" else each for each in given]
    with pytest.raises(CommandError, match="another train photos"):
        call_command("tune_segmenter", *changed, "--resume", stdout=io.StringIO())
    said = io.StringIO()
    call_command("tune_segmenter", *given, "--trials", "2", "--resume", stdout=said)
    assert sorted(each.name for each in (out / "trials").iterdir()) == ["0000", "0001"]
    lines = said.getvalue().splitlines()
    assert "a trial trains on 2 photos and validates on 1" in lines
    assert sum(" finished " in line for line in lines) == 2
    command = shlex.split(lines[-1])
    assert command[:3] == ["python", "manage.py", "train_segmenter"]
    assert command[command.index("--config") + 1] == str(out / "winner.toml")
    assert "--subset" not in command
    winner = load_config(str(out / "winner.toml"), SegmenterConfig)
    assert [stage.epochs for stage in winner.train.stages] == [3], "the winner is trained at full length"
    parsed = train_segmenter.Command().create_parser("manage.py", "train_segmenter").parse_args(command[3:])
    assert (parsed.data, parsed.annotations, parsed.out) == (data, data / ANNOTATIONS, out / "winner")
