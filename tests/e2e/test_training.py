"""Training as it is started in earnest: killed and resumed, in several processes, on data with a fault."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from segmentation.segmenter import Segmenter
from tests.tiny_training import ANNOTATIONS, write_tiny_data

# One thread: sums of several threads are rounded in another order each time.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "data"
    write_tiny_data(folder)
    return folder


def arguments(repository: Path, data: Path, out: Path, *more: str) -> list[str]:
    annotations = str(data / ANNOTATIONS)
    return [
        *(str(repository / "manage.py"), "train_segmenter"),
        *("--config", str(data / "mine.toml"), "--data", str(data), "--out", str(out)),
        *("--annotations", annotations, "--val-annotations", annotations),
        *more,
    ]


def run(command: list[str], repository: Path) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "PYTHONPATH": str(repository)}
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment, check=False)


def epochs(out: Path) -> list[dict[str, Any]]:
    lines = (out / "events.jsonl").read_text().splitlines() if (out / "events.jsonl").is_file() else []
    found = [json.loads(line) for line in lines if line.endswith("}")]
    return [event for event in found if event["event"] == "epoch"]


def kill_when(due: Callable[[], bool], command: list[str]) -> None:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    deadline = time.monotonic() + 300
    while not due() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    assert process.poll() is None, "it was killed on the way"
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_run_killed_twice_ends_with_the_weights_of_an_undisturbed_one(
    repository: Path, data: Path, tmp_path: Path
) -> None:
    whole = run([sys.executable, *arguments(repository, data, tmp_path / "whole")], repository)
    assert whole.returncode == 0, whole.stderr[-2000:]
    out = tmp_path / "killed"
    command = [sys.executable, *arguments(repository, data, out)]

    # At the boundary of the stages, between the last event of the first one and the state that begins the second.
    kill_when(lambda: len(epochs(out)) == 2, command)

    def state() -> dict[str, Any]:
        progress: dict[str, Any] = torch.load(out / "state.pt", weights_only=True)["progress"]
        return progress

    assert state()["epoch"] <= 2
    kill_when(lambda: (state()["epoch"], state()["batch"]) >= (2, 2), [*command, "--resume"])
    resumed = run([*command, "--resume"], repository)
    assert resumed.returncode == 0, resumed.stderr[-2000:]

    for name in ("last.safetensors", "best.safetensors"):
        first, second = (load_file(tmp_path / each / name) for each in ("whole", "killed"))
        assert first.keys() == second.keys()
        assert all(torch.equal(value, second[key]) for key, value in first.items())
    told, wanted = epochs(out), epochs(tmp_path / "whole")
    assert [event["epoch"] for event in told] == [0, 1, 2]
    assert [event["losses"] for event in told] == [event["losses"] for event in wanted]
    assert [event["total"]["images"] for event in told] == [event["total"]["images"] for event in wanted]


def test_two_processes_train_as_one_does(repository: Path, data: Path, tmp_path: Path) -> None:
    more = ("--subset", "5")  # the last batch has one photo, and the second process none of it
    one, two = tmp_path / "one", tmp_path / "two"
    alone = run([sys.executable, *arguments(repository, data, one, *more)], repository)
    assert alone.returncode == 0, alone.stderr[-2000:]
    assert "training on 5 of them" in alone.stdout
    together = run([*TORCHRUN, *arguments(repository, data, two, *more)], repository)
    assert together.returncode == 0, together.stderr[-2000:]
    assert together.stdout.count("training on 5 of them") == 1, "the main process alone speaks"
    for mine, wanted in zip(epochs(two), epochs(one), strict=True):
        assert mine["losses"] == pytest.approx(wanted["losses"], rel=1e-3, abs=1e-4)
        assert mine["total"]["images"] == wanted["total"]["images"]
    first, second = (load_file(each / "last.safetensors") for each in (one, two))
    for name, value in first.items():
        torch.testing.assert_close(second[name].float(), value.float(), rtol=1e-2, atol=5e-4, msg=name)


def test_a_loss_that_is_not_finite_stops_every_process_with_the_photos_names(
    repository: Path, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    script = str(repository / "tests" / "e2e" / "poisoned_training.py")
    stopped = run([*TORCHRUN, script, str(data), str(out), "3.png"], repository)
    assert stopped.returncode == 0, stopped.stderr[-2000:]
    for rank in (0, 1):
        assert "3.png" in (data / f"stopped-{rank}.txt").read_text()
    Segmenter.from_file(out / "last.safetensors")
    assert all(bool(value.isfinite().all()) for value in load_file(out / "last.safetensors").values())
    assert torch.load(out / "state.pt", weights_only=True)["progress"]["epoch"] == 0


def test_bad_annotations_stop_a_run_before_it_starts_unless_skipped(
    repository: Path, data: Path, tmp_path: Path
) -> None:
    content = json.loads((data / ANNOTATIONS).read_text())
    content["images"][0]["file_name"] = "gone.png"
    command = [sys.executable, *arguments(repository, data, tmp_path / "run", "--epochs", "0.5")]
    for option, images in (("--annotations", content["images"][:5]), ("--val-annotations", content["images"][5:])):
        ids = {image["id"] for image in images}
        its = [each for each in content["annotations"] if each["image_id"] in ids]
        file = tmp_path / f"broken{option}.json"
        file.write_text(json.dumps({**content, "images": images, "annotations": its}))
        command[command.index(option) + 1] = str(file)
    stopped = run(command, repository)
    assert stopped.returncode != 0
    assert "no photo gone.png" in stopped.stderr
    assert not (tmp_path / "run" / "state.pt").exists()
    skipped = run([*command, "--skip-bad"], repository)
    assert skipped.returncode == 0, skipped.stderr[-2000:]
    report = tmp_path / "report.json"
    evaluated = run(
        [
            *(sys.executable, str(repository / "manage.py"), "evaluate_segmenter"),
            *("--checkpoint", str(tmp_path / "run" / "last.safetensors"), "--data", str(data)),
            *("--annotations", str(data / ANNOTATIONS), "--json", str(report)),
        ],
        repository,
    )
    assert evaluated.returncode == 0, evaluated.stderr[-2000:]
    assert "mask AP" in evaluated.stdout
    measured = json.loads(report.read_text())
    assert measured["n_photos"] == 7
    assert 0.0 <= measured["mask_ap"] <= 1.0
