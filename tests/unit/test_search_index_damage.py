"""Files that were cut short, altered or lost are noticed, whichever and wherever; what was never published is not."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from search.index import delta_log, sealing
from search.index.base import IndexDamaged, PublishFailed, Tags, VectorIndex
from search.index.registry import open_reader, open_writer
from tests.index_on_disk import (
    AXES,
    DIM,
    SPACE,
    base_folder,
    change,
    folder_of,
    forget_what_is_open,
    names,
    pointer_of,
    publish,
    publish_base,
    url_of,
)


@pytest.fixture(autouse=True)
def _without_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is not switched off here, and a busy disk takes its time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


FILES = [
    "ids.npy",
    "tag-retailer_id.npy",
    "tag-price.npy",
    "vectors.npy",
    "coarse.faiss",
    "manifest.json",
    "delta.log",
    "delta.f32",
]


def cut(path: Path, at: float) -> None:
    with path.open("r+b") as file:
        file.truncate(int((path.stat().st_size - 1) * at))


def flip_a_bit(path: Path, at: float) -> None:
    content = bytearray(path.read_bytes())
    content[int((len(content) - 1) * at)] ^= 1
    path.write_bytes(content)


def lose(path: Path, _: float) -> None:
    path.unlink()


@pytest.mark.parametrize("at", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("harm", [cut, flip_a_bit, lose])
@pytest.mark.parametrize("name", FILES)
def test_a_harmed_file_is_noticed_by_readers_and_writers(
    tmp_path: Path, name: str, harm: Callable[[Path, float], None], at: float
) -> None:
    publish_base(tmp_path, 20)
    change(tmp_path, 1, 3)
    change(tmp_path, 101)
    harm(base_folder(tmp_path) / name, at)
    forget_what_is_open()
    with pytest.raises(IndexDamaged, match="rebuild the index"):
        open_reader(url_of(tmp_path), SPACE, DIM)
    with pytest.raises(IndexDamaged), open_writer(url_of(tmp_path), SPACE, DIM):
        pass


def test_every_byte_of_log_and_pointer_counts(tmp_path: Path) -> None:
    publish_base(tmp_path, 5)
    with open_writer(url_of(tmp_path), SPACE, DIM) as writer:
        writer.upsert(np.array([1]), AXES[:1], [Tags(1, 4)])
        writer.remove(np.array([2]))
        writer.publish()
    for path in (base_folder(tmp_path) / "delta.log", folder_of(tmp_path) / "CURRENT"):
        whole = path.read_bytes()
        for position in range(len(whole)):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
            forget_what_is_open()
            with pytest.raises(IndexDamaged):
                open_reader(url_of(tmp_path), SPACE, DIM)
        for length in range(0, len(whole), 9):
            path.write_bytes(whole[:length])
            forget_what_is_open()
            with pytest.raises(IndexDamaged):
                open_reader(url_of(tmp_path), SPACE, DIM)
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "state 1",
        f"state 9\nbase-00000009 {'0' * 64} 0 0 {'0' * 64}\n",
        "../../x " + "0" * 64 + "\n",
        "state 1\n" * 500,
    ],
)
def test_a_pointer_to_nowhere_is_damage(tmp_path: Path, content: str) -> None:
    publish(tmp_path)
    (folder_of(tmp_path) / "CURRENT").write_text(content)
    forget_what_is_open()
    with pytest.raises(IndexDamaged, match="rebuild"):
        open_reader(url_of(tmp_path), SPACE, DIM)


def test_a_log_of_another_base_is_damage(tmp_path: Path) -> None:
    for name in ("one", "two"):
        publish_base(tmp_path / name, 5)
        change(tmp_path / name, 1)
    for name in delta_log.LOG_FILES:
        (base_folder(tmp_path / "one") / name).replace(base_folder(tmp_path / "two") / name)
    forget_what_is_open()
    with pytest.raises(IndexDamaged):
        open_reader(url_of(tmp_path / "two"), SPACE, DIM)


@pytest.mark.parametrize("tail", [b"\0", b"SDL2", b"SDL2" + b"\xff" * 12, b"x" * 5000])
def test_what_a_killed_writer_appended_is_ignored_and_overwritten(tmp_path: Path, tail: bytes) -> None:
    publish_base(tmp_path, 20)
    change(tmp_path, 1)
    for name in delta_log.LOG_FILES:
        with (base_folder(tmp_path) / name).open("ab") as file:
            file.write(tail)
    forget_what_is_open()
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    assert len(reader) == 21
    change(tmp_path, 3)
    forget_what_is_open()
    assert open_reader(url_of(tmp_path), SPACE, DIM).search(AXES[-1:], 2).ids.tolist() == [[1, 3]]
    assert (base_folder(tmp_path) / "delta.log").stat().st_size == pointer_of(tmp_path).current.log.n_bytes


def test_a_fresh_writer_repairs_a_damaged_index_under_a_new_number(tmp_path: Path) -> None:
    publish(tmp_path)
    publish(tmp_path, fresh=True)
    (folder_of(tmp_path) / "CURRENT").write_text("nonsense")
    assert publish(tmp_path, 5, fresh=True) == 3
    assert len(open_reader(url_of(tmp_path), SPACE, DIM)) == 5


def test_a_newer_format_is_refused_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "FORMAT_VERSION", 3)
    publish(tmp_path)
    monkeypatch.undo()
    forget_what_is_open()
    with pytest.raises(IndexDamaged, match="format version 3, this release reads 2; rebuild"):
        open_reader(url_of(tmp_path), SPACE, DIM)


def test_an_index_of_the_release_before_asks_to_be_rebuilt_and_can_be(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "gen-00000007").mkdir(parents=True)
    (folder / "gen-00000007" / "manifest.json").write_text(json.dumps({"format_version": 1}))
    (folder / "CURRENT").write_text(f"gen-00000007 {'0' * 64}\n")
    with pytest.raises(IndexDamaged, match="earlier release; rebuild"):
        open_reader(url_of(tmp_path), SPACE, DIM)
    with pytest.raises(IndexDamaged), open_writer(url_of(tmp_path), SPACE, DIM):
        pass
    assert publish(tmp_path, fresh=True) == 8
    assert names(tmp_path) == ["CURRENT", "base-00000008"]


@pytest.mark.parametrize("fresh", [True, False])
def test_an_open_reader_keeps_its_state_when_the_next_one_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fresh: bool
) -> None:
    publish(tmp_path, 3)
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    forget_what_is_open()  # so that the reader does not get what the writer holds
    publish(tmp_path, 5, fresh=fresh)
    flip_a_bit(base_folder(tmp_path) / "delta.log", 1.0)
    with caplog.at_level(logging.ERROR):
        assert [len(reader), len(reader), reader.generation] == [3, 3, 1]
    assert len([record for record in caplog.records if "damaged" in record.message]) == 1
    publish(tmp_path, 6, fresh=True)
    assert len(reader) == 6


# Publishing that goes wrong


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def add_and_publish(writer: VectorIndex) -> int:
    writer.upsert(np.array([3]), AXES[3:4], [Tags(1, 4)])
    return writer.publish()


@pytest.mark.parametrize("step", ["delta_log.os.pwrite", "delta_log.os.fsync", "snapshots.Path.replace"])
def test_a_refused_write_leaves_what_is_published_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    publish(tmp_path, 3)
    with open_writer(url_of(tmp_path), SPACE, DIM) as writer:
        monkeypatch.setattr(f"search.index.{step}", full)
        with pytest.raises(PublishFailed, match="No space left"):
            add_and_publish(writer)
        monkeypatch.undo()
        forget_what_is_open()
        assert len(open_reader(url_of(tmp_path), SPACE, DIM)) == 3
        assert add_and_publish(writer) == 2
    forget_what_is_open()
    assert open_reader(url_of(tmp_path), SPACE, DIM).ids().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("step", ["base_files.np.save", "sealing.Path.write_bytes", "snapshots.Path.replace"])
def test_a_refused_base_leaves_what_is_published_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    publish(tmp_path, 3)
    with open_writer(url_of(tmp_path), SPACE, DIM, fresh=True) as writer:
        writer.upsert(np.arange(3000), np.repeat(AXES[:1], 3000, axis=0), [Tags(1, 4)] * 3000)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(f"search.index.{step}", full)
            with pytest.raises(PublishFailed, match="No space left"):
                writer.publish()
        assert len(open_reader(url_of(tmp_path), SPACE, DIM)) == 3
        assert writer.publish() > 1
        assert len(open_reader(url_of(tmp_path), SPACE, DIM)) == 3000
    assert len(names(tmp_path)) == 2
    forget_what_is_open()
    assert len(open_reader(url_of(tmp_path), SPACE, DIM)) == 3000


def test_faiss_failing_to_write_is_a_failed_publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("Error: 'f' failed: could not write")

    monkeypatch.setattr("search.index.base_files.build_coarse", refuse)
    with pytest.raises(PublishFailed, match="could not write"):
        publish_base(tmp_path, 5)
