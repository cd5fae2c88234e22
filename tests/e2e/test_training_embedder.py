"""Training the embedder as it is started in earnest: killed and resumed, and what it leaves behind serves."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command
from safetensors.torch import load_file

from segmentation.checkpoint import read_info
from segmentation.embedding import Embedder
from tests.tiny_identities import draw_tiny_shop

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_tiny_shop(tmp_path_factory.mktemp("drawn") / "shop")


# Sums of several threads are rounded in another order each time.
@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def options(shop: Path, out: Path, *more: str) -> list[str]:
    config, crops = str(shop / "mine.toml"), str(shop.parent / "crops")
    given = ["--config", config, "--data", str(shop), "--segmenter", "", "--crops", crops, "--out", str(out)]
    return [*given, "--verbosity", "0", *more]


def reached(out: Path) -> tuple[int, int]:
    """Epoch and batch of the last state."""
    if not (out / "state.pt").is_file():
        return 0, 0
    progress: dict[str, Any] = torch.load(out / "state.pt", weights_only=True)["progress"]
    return progress["epoch"], progress["batch"]


def kill_when(due: Callable[[], bool], repository: Path, arguments: list[str]) -> None:
    command = [sys.executable, str(repository / "manage.py"), "train_embedder", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    deadline = time.monotonic() + 300
    while not due() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    assert process.poll() is None, "it was killed on the way"
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_run_killed_twice_ends_with_the_weights_of_an_undisturbed_one_and_serves(
    repository: Path, shop: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    call_command("train_embedder", *options(shop, whole))
    kill_when(lambda: reached(killed) >= (0, 1), repository, options(shop, killed))
    kill_when(lambda: reached(killed) >= (1, 1), repository, options(shop, killed, "--resume"))
    call_command("train_embedder", *options(shop, killed, "--resume"))

    for name in ("last.safetensors", "best.safetensors"):
        first, second = load_file(whole / name), load_file(killed / name)
        assert first.keys() == second.keys()
        assert all(torch.equal(value, second[key]) for key, value in first.items())
    told, wanted = (list(csv.DictReader((each / "history.csv").read_text().splitlines())) for each in (killed, whole))
    same = [name for name in wanted[0] if "_s" not in name]
    assert [[row[name] for name in same] for row in told] == [[row[name] for name in same] for row in wanted]
    assert len(told) == 2

    embedder, info = Embedder.from_file(killed / "best.safetensors")
    assert embedder.embed([np.zeros((32, 32, 3), np.uint8)]).shape == (1, 16)
    assert info.provenance["data_sets"]["sources"]["shop"]["kind"] == "drawn"
    assert info.metrics["recall_at_10"] >= info.metrics["recall_at_1"] >= 0
    pairs = np.load(killed / "pairs.npz")
    assert len(pairs["similarities"]) == len(pairs["is_same"]) == len(pairs["query_ids"])
    assert pairs["is_same"].any()
    assert not (pairs["same_product"] & ~pairs["is_same"]).any()


def test_a_folder_with_another_recipe_is_not_trained_on(shop: Path, tmp_path: Path) -> None:
    def train(*more: str) -> None:
        call_command("train_embedder", *options(shop, tmp_path / "run", *more))

    train("--epochs", "0")
    assert read_info(tmp_path / "run" / "best.safetensors", kind="embedder").provenance["epochs_done"] == 1
    with pytest.raises(CommandError, match="pass --resume"):
        train("--epochs", "0")
    with pytest.raises(CommandError, match=r"train\.epochs was 0\.0, is 3\.0"):
        train("--epochs", "3", "--resume")
