"""Training on the project's own scenes: a run that is killed ends where an undisturbed one does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from segmentation.drawn import draw_catalog

CONFIG = """
[model]
fpn_channels = 32
box_head_dim = 64
mask_head_channels = [32]
max_side_px = 128
min_side_px = 128

[train]
batch_size = 2
train_sides_px = [128]
rois_per_image = 32
min_area_px = 4
bf16 = false
save_every_s = 0.0

[[train.stages]]
epochs = 2
warmup_iterations = 2
"""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "catalog"
    draw_catalog(folder, products=16, scenes=8, seed=5)
    (folder / "mine.toml").write_text(CONFIG)
    return folder


def command(repository: Path, scenes: Path, out: Path, *more: str) -> list[str]:
    annotations = str(scenes / "scenes_instances.json")
    return [
        sys.executable,
        str(repository / "manage.py"),
        "train_segmenter",
        *("--config", str(scenes / "mine.toml"), "--data", str(scenes), "--out", str(out)),
        *("--annotations", annotations, "--val-annotations", annotations, "--images", str(scenes)),
        *more,
    ]


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    # One thread: sums of several threads are rounded in another order each time.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(arguments, capture_output=True, text=True, timeout=600, env=environment, check=False)


def test_a_killed_run_resumes_to_the_same_weights_as_an_undisturbed_one(
    repository: Path, scenes: Path, tmp_path: Path
) -> None:
    whole = run(command(repository, scenes, tmp_path / "whole"))
    assert whole.returncode == 0, whole.stderr[-2000:]

    killed = subprocess.Popen(
        command(repository, scenes, tmp_path / "killed"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    state = tmp_path / "killed" / "state.pt"
    deadline = time.monotonic() + 300
    while not state.is_file() and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    progress = torch.load(state, weights_only=True)["progress"]
    assert (progress["epoch"], progress["batch"]) < (1, 4), "it was killed on the way"

    refused = run(command(repository, scenes, tmp_path / "killed"))
    assert refused.returncode != 0
    assert "pass --resume" in refused.stderr
    resumed = run(command(repository, scenes, tmp_path / "killed", "--resume"))
    assert resumed.returncode == 0, resumed.stderr[-2000:]

    first, second = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "killed"))
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    events = [json.loads(line) for line in (tmp_path / "killed" / "events.jsonl").read_text().splitlines()]
    assert [event["epoch"] for event in events] == [0, 1]


def test_bad_annotations_stop_a_run_before_it_starts_unless_skipped(
    repository: Path, scenes: Path, tmp_path: Path
) -> None:
    content = json.loads((scenes / "scenes_instances.json").read_text())
    content["images"][0]["file_name"] = "gone.jpg"
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(content))
    arguments = command(repository, scenes, tmp_path / "run", "--epochs", "1")
    arguments[arguments.index("--annotations") + 1] = str(broken)
    stopped = run(arguments)
    assert stopped.returncode != 0
    assert "no photo gone.jpg" in stopped.stderr
    assert not (tmp_path / "run").exists()
    skipped = run([*arguments, "--skip-bad"])
    assert skipped.returncode == 0, skipped.stderr[-2000:]
    report = tmp_path / "report.json"
    evaluated = run(
        [
            *(sys.executable, str(repository / "manage.py"), "evaluate_segmenter"),
            *("--checkpoint", str(tmp_path / "run" / "last.safetensors"), "--data", str(scenes)),
            *("--annotations", str(scenes / "scenes_instances.json"), "--images", str(scenes)),
            *("--json", str(report)),
        ]
    )
    assert evaluated.returncode == 0, evaluated.stderr[-2000:]
    assert "mask AP" in evaluated.stdout
    measured = json.loads(report.read_text())
    assert measured["n_photos"] == 8
    assert 0.0 <= measured["mask_ap"] <= 1.0
