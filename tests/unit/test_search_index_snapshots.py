"""Generations on disk: whole or not at all, checked when opened, survived by what a killed writer leaves."""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from search.index import snapshots
from search.index.base import IndexDamaged, IndexMissing, PublishFailed, SpaceMismatch, Tags
from search.index.registry import open_reader, open_writer
from search.index.snapshots import open_generation, publish_generation, read_pointer, space_folder

SPACE = "testnet-emb8@0123abcd"
DIM = 8
AXES = np.eye(DIM, dtype=np.float32)


def url_of(root: Path) -> str:
    return f"faiss://{root}"


def publish(root: Path, n: int = 3, *, fresh: bool = False) -> int:
    """Publish n vectors, the first n axes, under ids 0..n-1."""
    with open_writer(url_of(root), SPACE, DIM, fresh=fresh) as writer:
        writer.upsert(np.arange(n), AXES[:n], [Tags(1, 4)] * n)
        return writer.publish()


def folder_of(root: Path) -> Path:
    return space_folder(root, SPACE)


def names(root: Path) -> list[str]:
    return sorted(path.name for path in folder_of(root).iterdir() if path.name != "writer.lock")


# Names


@pytest.mark.parametrize(
    ("space", "name"),
    [
        ("resnet18-emb256@ab12cd34", "resnet18-emb256%40ab12cd34"),
        ("../../etc", "%2E.%2F..%2Fetc"),
        ("..", "%2E."),
        (".", "%2E"),
        ("a%40b", "a%2540b"),
    ],
)
def test_a_space_gets_a_folder_of_its_own_inside_the_root(space: str, name: str) -> None:
    assert space_folder(Path("root"), space) == Path("root") / name


def test_a_space_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a name"):
        space_folder(Path("root"), "")


def test_a_root_with_unusual_characters_works(tmp_path: Path) -> None:
    root = tmp_path / "my index #1 100%?"
    publish(root)
    assert len(open_reader(url_of(root), SPACE, DIM)) == 3


# What a generation looks like


def test_a_manifest_describes_its_generation(tmp_path: Path) -> None:
    assert publish(tmp_path) == 1
    generation = folder_of(tmp_path) / "gen-00000001"
    manifest = json.loads((generation / "manifest.json").read_text())
    assert (manifest["format_version"], manifest["space"], manifest["dim"]) == (1, SPACE, DIM)
    assert (manifest["count"], manifest["generation"]) == (3, 1)
    assert manifest["created_at"].endswith("+00:00")
    assert sorted(manifest["files"]) == sorted(path.name for path in generation.iterdir() if path.suffix != ".json")


def test_only_the_last_two_generations_are_kept(tmp_path: Path) -> None:
    for _ in range(4):
        publish(tmp_path)
    assert names(tmp_path) == ["CURRENT", "gen-00000003", "gen-00000004"]


def test_equal_content_makes_equal_files_whatever_the_order_it_came_in(tmp_path: Path) -> None:
    checksums = []
    for name, order in (("a", [0, 1, 2]), ("b", [2, 0, 1])):
        with open_writer(url_of(tmp_path / name), SPACE, DIM) as writer:
            writer.upsert(np.array([7]), AXES[7:], [Tags(1, 4)])
            writer.upsert(np.array(order), AXES[order], [Tags(i, i) for i in order])
            writer.remove(np.array([7]))
            writer.publish()
        manifest = folder_of(tmp_path / name) / "gen-00000001" / "manifest.json"
        checksums.append(json.loads(manifest.read_text())["files"]["vectors.npy"])
    assert checksums[0] == checksums[1]


def test_vectors_are_mapped_not_read_into_memory(tmp_path: Path) -> None:
    publish(tmp_path)
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    assert len(reader) == 3
    mapped = Path("/proc/self/maps")
    if not mapped.exists():
        pytest.skip("no /proc to look into")
    generation = folder_of(tmp_path) / "gen-00000001"
    assert str(generation / "vectors.npy") in mapped.read_text()
    assert str(generation / "coarse.faiss") in mapped.read_text()


# Damage


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [truncate, flip_a_bit, Path.unlink])
@pytest.mark.parametrize("name", ["rows.npz", "vectors.npy", "coarse.faiss", "manifest.json"])
def test_a_harmed_file_is_noticed_by_readers_and_writers(tmp_path: Path, name: str, harm: object) -> None:
    publish(tmp_path)
    harm(folder_of(tmp_path) / "gen-00000001" / name)  # type: ignore[operator]
    with pytest.raises(IndexDamaged, match=name.replace(".", r"\.") + r".*rebuild"):
        open_reader(url_of(tmp_path), SPACE, DIM)
    with pytest.raises(IndexDamaged), open_writer(url_of(tmp_path), SPACE, DIM):
        pass


@pytest.mark.parametrize("content", ["", "gen-1", "gen-00000009 " + "0" * 64 + "\n", "../../x " + "0" * 64 + "\n"])
def test_a_pointer_to_nowhere_is_damage(tmp_path: Path, content: str) -> None:
    publish(tmp_path)
    (folder_of(tmp_path) / "CURRENT").write_text(content)
    with pytest.raises(IndexDamaged, match="rebuild"):
        open_reader(url_of(tmp_path), SPACE, DIM)


def test_a_fresh_writer_repairs_a_damaged_index_under_a_new_number(tmp_path: Path) -> None:
    publish(tmp_path)
    publish(tmp_path)
    (folder_of(tmp_path) / "CURRENT").write_text("nonsense")
    assert publish(tmp_path, 5, fresh=True) == 3
    assert len(open_reader(url_of(tmp_path), SPACE, DIM)) == 5


def test_a_newer_format_is_refused_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "FORMAT_VERSION", 2)
    publish(tmp_path)
    monkeypatch.undo()
    with pytest.raises(IndexDamaged, match="format version 2, this release reads 1"):
        open_reader(url_of(tmp_path), SPACE, DIM)


def test_a_folder_moved_under_another_spaces_name_is_a_mismatch(tmp_path: Path) -> None:
    publish(tmp_path)
    other = "othernet-emb8@ffffffff"
    folder_of(tmp_path).rename(space_folder(tmp_path, other))
    with pytest.raises(SpaceMismatch, match=SPACE):
        open_reader(url_of(tmp_path), other, DIM)


def test_an_open_reader_keeps_its_generation_when_the_next_one_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(tmp_path, 3)
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    publish(tmp_path, 5)
    flip_a_bit(folder_of(tmp_path) / "gen-00000002" / "vectors.npy")
    with caplog.at_level(logging.ERROR):
        assert [len(reader), len(reader), reader.generation] == [3, 3, 1]
    assert len([record for record in caplog.records if "damaged" in record.message]) == 1
    publish(tmp_path, 6, fresh=True)
    assert len(reader) == 6


def test_a_reader_says_when_its_index_is_deleted_and_recovers_when_it_is_built_again(tmp_path: Path) -> None:
    publish(tmp_path, 3)
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    shutil.rmtree(tmp_path)
    with pytest.raises(IndexMissing):
        reader.search(AXES[:1], 1)
    assert publish(tmp_path, 5) == 1  # the number it had before, with other content
    assert len(reader) == 5


# Publishing that goes wrong


def test_a_refused_write_leaves_the_published_generation_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, 3)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with open_writer(url_of(tmp_path), SPACE, DIM) as writer:
        writer.upsert(np.array([3]), AXES[3:4], [Tags(1, 4)])
        monkeypatch.setattr(np, "save", full)
        with pytest.raises(PublishFailed, match="No space left"):
            writer.publish()
        assert names(tmp_path) == ["CURRENT", "gen-00000001"]
        assert len(open_reader(url_of(tmp_path), SPACE, DIM)) == 3
        monkeypatch.undo()
        assert writer.publish() == 2
    assert len(open_reader(url_of(tmp_path), SPACE, DIM)) == 4


def test_faiss_failing_to_write_is_a_failed_publish(tmp_path: Path) -> None:
    def write_nowhere(folder: Path) -> None:
        from search.index.scans import build_coarse, write_coarse  # only this test needs FAISS by itself

        write_coarse(build_coarse(AXES), folder / "no" / "such" / "folder")

    with pytest.raises(PublishFailed, match="cannot publish"):
        publish_generation(folder_of(tmp_path), SPACE, DIM, 8, write_nowhere)


def test_what_a_killed_writer_left_is_stepped_over_and_cleared_away(tmp_path: Path) -> None:
    publish(tmp_path, 3)
    folder = folder_of(tmp_path)
    shutil.copytree(folder / "gen-00000001", folder / "gen-00000002")  # renamed, but the pointer not yet switched
    (folder / ".unfinished-00000003").mkdir()
    (folder / ".unfinished-00000003" / "vectors.npy").write_bytes(b"half")
    (folder / "CURRENT.new").write_text("gen-")
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    assert (len(reader), reader.generation) == (3, 1)
    assert publish(tmp_path, 4) == 3
    assert names(tmp_path) == ["CURRENT", "gen-00000001", "gen-00000003"]
    assert len(reader) == 4


def test_a_file_that_only_readers_of_an_old_generation_hold_can_still_be_searched(tmp_path: Path) -> None:
    publish(tmp_path, 8)
    folder = folder_of(tmp_path)
    pointer = read_pointer(folder)
    assert pointer is not None
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    old = reader._published.rows  # type: ignore[attr-defined]  # the state a slow search would still be using
    for _ in range(3):
        publish(tmp_path, 2, fresh=True)
    with pytest.raises(IndexDamaged):
        open_generation(folder, pointer, SPACE, DIM)
    assert old.search(AXES, 1, None, 1).ids.ravel().tolist() == list(range(8))


def test_readers_opening_while_generations_come_and_go_always_get_a_whole_one(tmp_path: Path) -> None:
    from search.index.faiss_index import FaissReader  # the registry would hand out one reader for all

    publish(tmp_path, 1)
    chance = random.Random(21)
    errors: list[Exception] = []
    sizes: set[int] = set()
    done = threading.Event()

    def keep_opening() -> None:
        while not done.is_set():
            try:
                sizes.add(len(FaissReader(tmp_path, SPACE, DIM)))
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=keep_opening) for _ in range(2)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    n = 0
    while n < 40 or (len(sizes) < 3 and not errors and time.monotonic() < deadline):
        publish(tmp_path, n % 8 + 1, fresh=True)
        n += 1
        time.sleep(chance.uniform(0, 0.02))
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(sizes) >= 3


# kill -9

PUBLISHER = """
import sys, numpy as np
from search.index.base import Tags
from search.index.registry import open_writer
url, space, dim, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
axes = np.eye(dim, dtype=np.float32)
ids = np.arange(count)
with open_writer(url, space, dim, timeout_s=5) as writer:
    for state in range(writer.generation + 1, 100_000):
        writer.upsert(ids, axes[(ids + state) % dim], [Tags(state, 0)] * count)
        writer.publish()
"""


def kill_while_publishing(root: Path, count: int, chance: random.Random) -> None:
    """Start a publisher, wait until it is in the middle of a generation, and kill it a moment later."""
    command = [sys.executable, "-c", PUBLISHER, url_of(root), SPACE, str(DIM), str(count)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    try:
        deadline = time.monotonic() + 60
        while not (folder_of(root) / "CURRENT").exists() or not any(folder_of(root).glob(".unfinished-*")):
            assert process.poll() is None, process.stderr.read().decode()  # type: ignore[union-attr]
            assert time.monotonic() < deadline, "the publisher never began"
            time.sleep(0.0005)
        time.sleep(chance.uniform(0, 0.04))
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_a_writer_killed_in_the_middle_of_publishing_leaves_a_whole_published_state(tmp_path: Path) -> None:
    count, chance = 20_000, random.Random(20)
    ids = np.arange(count)
    last = 0
    interrupted = 0
    for _ in range(8):
        kill_while_publishing(tmp_path, count, chance)
        interrupted += any(folder_of(tmp_path).glob(".unfinished-*"))
        reader = open_reader(url_of(tmp_path), SPACE, DIM)
        rows = reader._current().rows  # type: ignore[attr-defined]  # every row is to be looked at
        state = int(rows.retailer_ids[0])
        assert (rows.retailer_ids == state).all()
        np.testing.assert_array_equal(rows.ids, ids)
        np.testing.assert_array_equal(rows.vectors, AXES[(ids + state) % DIM])
        assert reader.generation >= last
        last = reader.generation
    assert interrupted, "no kill hit a half-written generation; the test proves nothing"
    with open_writer(url_of(tmp_path), SPACE, DIM, timeout_s=5) as writer:
        assert writer.generation == last
        assert writer.publish() > last
    assert len(names(tmp_path)) == 3  # pointer and two generations: what the killed left is gone
