"""What a process has opened of an index, when what is published changes under it in unusual ways."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from search.index import compaction, opened, sealing
from search.index.base import IndexDamaged, Tags
from search.index.delta import Delta
from search.index.faiss_writer import open_writer as open_faiss_writer
from search.index.opened import OpenedSpace
from search.index.options import IndexOptions
from search.index.registry import compact, open_writer
from tests.index_on_disk import AXES, DIM, SPACE, change, folder_of, pointer_of, publish_base, url_of


@pytest.fixture(autouse=True)
def _early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "DUE_ABOVE_ROWS", 0)
    monkeypatch.setattr(compaction, "DUE_ABOVE_SHARE", 0.0)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # the machine is not switched off here


def other_process(root: Path) -> OpenedSpace:
    """Eyes of their own on the index."""
    return OpenedSpace(root, SPACE, DIM, IndexOptions())


def test_a_new_base_is_checked_before_a_writer_takes_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_base(tmp_path, 50)
    change(tmp_path, 1)
    space = other_process(tmp_path)
    space.newest()
    assert compact(url_of(tmp_path), SPACE, DIM)
    check = sealing.check_sealed
    free: list[bool] = []

    def check_and_try_the_lock(*arguments: object) -> object:
        with open_writer(url_of(tmp_path), SPACE, DIM, timeout_s=1.0):
            free.append(True)
        return check(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(opened, "check_sealed", check_and_try_the_lock)
    with open_faiss_writer(space, fresh=False, timeout_s=1.0) as writer:
        assert len(writer) == 51
    assert free == [True]


def test_readers_of_a_log_that_was_harmed_after_a_compaction_go_on_with_the_new_base(tmp_path: Path) -> None:
    publish_base(tmp_path, 50)
    change(tmp_path, 1)
    reader = other_process(tmp_path)
    reader.newest()
    assert compact(url_of(tmp_path), SPACE, DIM)
    change(tmp_path, 3)
    mirror = pointer_of(tmp_path).mirror
    assert mirror is not None
    (folder_of(tmp_path) / mirror.folder_name / "delta.log").write_bytes(b"")
    assert len(reader.latest().state) == 52


def test_a_state_that_could_not_be_opened_for_a_moment_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_base(tmp_path, 50)
    reader = other_process(tmp_path)
    reader.newest()
    publish_base(tmp_path, 60)

    def too_many_open_files(*_: object) -> None:
        raise IndexDamaged("vectors.npy cannot be opened (Too many open files)")

    with monkeypatch.context() as patch:
        patch.setattr(opened, "map_base", too_many_open_files)
        assert len(reader.latest().state) == 50
    assert len(reader.latest().state) == 50
    monkeypatch.setattr(opened, "TRY_AGAIN_AFTER_S", 0.0)
    assert len(reader.latest().state) == 60


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_a_change_that_is_interrupted_is_not_in_what_is_published_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    publish_base(tmp_path, 5)

    def interrupt(*_: object) -> None:
        raise error

    with open_writer(url_of(tmp_path), SPACE, DIM) as writer:
        with monkeypatch.context() as patch:
            patch.setattr(Delta, "add", interrupt)
            with pytest.raises(error):
                writer.upsert(np.array([1]), AXES[:1], [Tags(1, 4)])
        writer.upsert(np.array([3]), AXES[:1], [Tags(1, 4)])
        writer.publish()
        assert writer.ids().tolist() == [0, 2, 3, 4, 6, 8]
    assert other_process(tmp_path).newest().state.ids().tolist() == [0, 2, 3, 4, 6, 8]
