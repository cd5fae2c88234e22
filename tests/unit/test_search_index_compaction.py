"""Compaction beside readers and writers: nothing is lost, nothing waits, nothing is stale."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from search.index import compaction, new_base, opened, sealing
from search.index.base import IndexDamaged, Tags
from search.index.faiss_writer import open_writer as open_faiss_writer
from search.index.opened import OpenedSpace
from search.index.options import IndexOptions
from search.index.registry import compact, drop_space, index_facts, open_reader, open_writer
from search.index.state import State
from tests.index_on_disk import (
    AXES,
    DIM,
    SPACE,
    base_folder,
    change,
    folder_of,
    names,
    pointer_of,
    publish,
    publish_base,
    url_of,
)


@pytest.fixture(autouse=True)
def _early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "DUE_ABOVE_ROWS", 0)
    monkeypatch.setattr(compaction, "DUE_ABOVE_SHARE", 0.0)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # the machine is not switched off here


def other_process(root: Path) -> OpenedSpace:
    """Eyes of their own on the index."""
    return OpenedSpace(root, SPACE, DIM, IndexOptions())


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Compactions stop once their base is written (first event) until they may go on (second)."""
    written, go_on = threading.Event(), threading.Event()
    write = new_base.NewBase.write

    def write_and_wait(base: new_base.NewBase, state: State) -> None:
        write(base, state)
        if base.folder.name == ".compacting":
            written.set()
            assert go_on.wait(30)

    monkeypatch.setattr(new_base.NewBase, "write", write_and_wait)
    yield written, go_on
    go_on.set()


def test_what_is_published_during_a_compaction_is_carried_over(
    tmp_path: Path, paused: tuple[threading.Event, threading.Event]
) -> None:
    written, go_on = paused
    publish_base(tmp_path, 50)
    change(tmp_path, 1, 3)
    results: list[bool] = []
    worker = threading.Thread(target=lambda: results.append(compact(url_of(tmp_path), SPACE, DIM)))
    worker.start()
    assert written.wait(30)
    change(tmp_path, 2, 4)
    with open_writer(url_of(tmp_path), SPACE, DIM) as writer:
        writer.remove(np.array([1, 10, 11]))
        number = writer.publish()
        expected = writer.ids().tolist()
        tags = writer.tags(np.arange(100)).tolist()
        assert not compact(url_of(tmp_path), SPACE, DIM)  # another one is at work
    go_on.set()
    worker.join()
    assert results == [True]
    for index in (other_process(tmp_path), opened.opened_space(tmp_path, SPACE, DIM, IndexOptions())):
        published = index.newest()
        assert published.pointer.number == number
        assert published.state.ids().tolist() == expected
        assert published.state.tags(np.arange(100)).tolist() == tags
    facts = index_facts(url_of(tmp_path), SPACE, DIM)
    assert (facts.n_base, facts.n_delta, facts.n_removed) == (52, 4, 5)


def test_a_reader_stays_fresh_on_the_old_base_while_the_new_one_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_base(tmp_path, 50)
    change(tmp_path, 1)
    reader = other_process(tmp_path)
    old = reader.newest().state.base
    may_check = threading.Event()
    check = sealing.check_sealed

    def check_slowly(*arguments: object) -> object:
        assert may_check.wait(30)
        return check(*arguments)  # type: ignore[arg-type]

    assert compact(url_of(tmp_path), SPACE, DIM)
    with monkeypatch.context() as patch:
        patch.setattr(opened, "check_sealed", check_slowly)
        for step in range(3):
            number = change(tmp_path, 3 + 2 * step)
            published = reader.latest()
            assert published.pointer.number == number
            assert published.state.base is old
            assert published.state.search(AXES[-1:], step + 2, None, 0).ids[0].tolist() == [1, 3, 5, 7][: step + 2]
        may_check.set()
        wait_until(lambda: reader.latest().state.base is not old)
    assert reader.latest().state.ids().tolist() == other_process(tmp_path).newest().state.ids().tolist()
    assert change(tmp_path, 99) == reader.latest().pointer.number


def test_a_new_base_that_is_damaged_is_told_and_the_old_one_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish_base(tmp_path, 50)
    change(tmp_path, 1)
    reader = other_process(tmp_path)
    reader.newest()
    assert compact(url_of(tmp_path), SPACE, DIM)
    with (base_folder(tmp_path) / "vectors.npy").open("r+b") as file:
        file.truncate(300)
    with caplog.at_level(logging.ERROR):
        reader.latest()
        wait_until(lambda: "cannot be used" in caplog.text)
        assert change(tmp_path, 3) == reader.latest().pointer.number
    assert len(reader.latest().state) == 52
    with pytest.raises(IndexDamaged, match=r"vectors\.npy"):
        other_process(tmp_path).newest()


def test_the_base_before_is_given_up_after_a_while(tmp_path: Path) -> None:
    publish_base(tmp_path, 50)
    change(tmp_path, 1)
    assert compact(url_of(tmp_path), SPACE, DIM)
    change(tmp_path, 3)
    assert pointer_of(tmp_path).mirror is not None
    long_ago = time.time() - 3600
    os.utime(base_folder(tmp_path) / "manifest.json", (long_ago, long_ago))
    change(tmp_path, 5)
    assert pointer_of(tmp_path).mirror is None
    change(tmp_path, 7)
    assert names(tmp_path) == ["CURRENT", base_folder(tmp_path).name]


def test_a_lost_base_before_does_not_keep_a_writer_from_publishing(tmp_path: Path) -> None:
    publish_base(tmp_path, 50)
    change(tmp_path, 1)
    assert compact(url_of(tmp_path), SPACE, DIM)
    mirror = pointer_of(tmp_path).mirror
    assert mirror is not None
    (folder_of(tmp_path) / mirror.folder_name / "delta.log").write_bytes(b"")
    change(tmp_path, 3)
    assert pointer_of(tmp_path).mirror is None
    assert len(other_process(tmp_path).newest().state) == 52


@pytest.mark.parametrize("event", ["built anew", "dropped"])
def test_a_compaction_of_what_is_no_longer_published_changes_nothing(
    tmp_path: Path, paused: tuple[threading.Event, threading.Event], event: str
) -> None:
    written, go_on = paused
    publish_base(tmp_path, 50)
    change(tmp_path, 1)
    results: list[bool] = []
    worker = threading.Thread(target=lambda: results.append(compact(url_of(tmp_path), SPACE, DIM)))
    worker.start()
    assert written.wait(30)
    if event == "dropped":
        drop_space(url_of(tmp_path), SPACE)
    else:
        publish(tmp_path, 4, fresh=True)
    go_on.set()
    worker.join()
    assert results == [False]
    if event == "dropped":
        assert names(tmp_path) == []
    else:
        assert len(open_reader(url_of(tmp_path), SPACE, DIM)) == 4
    assert not (folder_of(tmp_path) / ".compacting").exists()


def test_a_compaction_gives_up_on_a_writer_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "WRITER_TIMEOUT_S", 0.05)
    publish_base(tmp_path, 50)
    change(tmp_path, 1)
    space = other_process(tmp_path)
    with open_faiss_writer(space, fresh=False, timeout_s=1.0) as writer:
        assert not compact(url_of(tmp_path), SPACE, DIM)
        writer.upsert(np.array([77]), AXES[:1], [Tags(1, 4)])
        writer.publish()
    assert ".compacting" not in names(tmp_path)
    assert compact(url_of(tmp_path), SPACE, DIM)
    assert len(open_reader(url_of(tmp_path), SPACE, DIM)) == 52


def test_a_search_that_is_under_way_finishes_in_files_that_are_gone(tmp_path: Path) -> None:
    vectors = publish_base(tmp_path, 50)
    change(tmp_path, 1)
    state = other_process(tmp_path).newest().state  # what a slow search would still be using
    for _ in range(2):
        publish(tmp_path, 2, fresh=True)
    assert len(names(tmp_path)) == 2
    assert state.search(vectors, 1, None, 1).ids.ravel().tolist() == (2 * np.arange(50)).tolist()
    assert state.search(AXES[-1:], 1, None, 1).ids.tolist() == [[1]]


def test_readers_opening_while_bases_come_and_go_always_get_a_whole_one(tmp_path: Path) -> None:
    publish(tmp_path, 1)
    errors: list[Exception] = []
    sizes: set[int] = set()
    done = threading.Event()

    def keep_opening() -> None:
        while not done.is_set():
            try:
                sizes.add(len(other_process(tmp_path).newest().state))
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=keep_opening) for _ in range(2)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 60
    n = 0
    while n < 20 or (len(sizes) < 3 and not errors and time.monotonic() < deadline):
        if n % 3 == 0:
            publish(tmp_path, n % 8 + 1, fresh=True)
        else:
            change(tmp_path, 100 + n)
            compact(url_of(tmp_path), SPACE, DIM)
        n += 1
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(sizes) >= 3
