"""A disk that is full: what does not fit is refused, and what was given up leaves room again."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from search.index.base import PublishFailed, Tags
from search.index.coarse import build_coarse
from search.index.options import IndexOptions
from search.index.registry import open_reader, open_writer
from search.index.state import State
from tests.index_on_disk import AXES, DIM, SPACE, base_folder, change, publish_base, url_of


@contextmanager
def files_end_at(n_bytes: int) -> Iterator[None]:
    """The system refuses what would make a file longer, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("missing_bytes", [1, 100, 5000])
@pytest.mark.parametrize("kind", ["flat", "ivf_sq8"])
def test_codes_whose_last_bytes_do_not_fit_onto_the_disk_are_refused_when_written(
    tmp_path: Path, kind: str, missing_bytes: int
) -> None:
    vectors = np.random.default_rng(0).standard_normal((3000, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    whole, cut_short = tmp_path / "whole.faiss", tmp_path / "cut.faiss"
    build_coarse(vectors, whole, IndexOptions(kind=kind))
    with files_end_at(whole.stat().st_size - missing_bytes), pytest.raises((OSError, RuntimeError)):
        build_coarse(vectors, cut_short, IndexOptions(kind=kind))


@pytest.fixture
def _without_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.usefixtures("_without_fsync")
def test_the_next_writer_frees_what_one_wrote_until_the_disk_was_full(tmp_path: Path) -> None:
    publish_base(tmp_path, 20)
    change(tmp_path, 1)
    reader = open_reader(url_of(tmp_path), SPACE, DIM)
    before = reader.search(AXES, 30)
    vectors = base_folder(tmp_path) / "delta.f32"
    n = 5000
    with (
        files_end_at(2000 * 4 * DIM),
        pytest.raises(PublishFailed),
        open_writer(url_of(tmp_path), SPACE, DIM) as writer,
    ):
        writer.upsert(np.arange(n), np.repeat(AXES[:1], n, axis=0), [Tags(1, 4)] * n)
    assert vectors.stat().st_size == 2000 * 4 * DIM
    with open_writer(url_of(tmp_path), SPACE, DIM):
        pass
    assert vectors.stat().st_size == 4 * DIM
    assert reader.search(AXES, 30).ids.tolist() == before.ids.tolist()
    change(tmp_path, 3)
    assert reader.search(AXES[-1:], 2).ids.tolist() == [[1, 3]]


@pytest.mark.usefixtures("_without_fsync")
def test_a_writer_ends_after_the_searches_that_look_into_what_it_did_not_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_base(tmp_path, 20)
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    search = State.search

    def search_slowly(state: State, *arguments: object) -> object:
        begun.set()
        assert go_on.wait(30)
        return search(state, *arguments)  # type: ignore[arg-type]

    def write_and_end() -> None:
        with open_writer(url_of(tmp_path), SPACE, DIM) as writer:
            writer.upsert(np.array([1]), AXES[:1], [Tags(1, 4)])
            looking = threading.Thread(target=lambda: found.append(writer.search(AXES[:1], 1).ids.tolist()))
            looking.start()
            assert begun.wait(30)
        ended.set()

    found: list[object] = []
    monkeypatch.setattr(State, "search", search_slowly)
    thread = threading.Thread(target=write_and_end)
    thread.start()
    assert begun.wait(30)
    assert not ended.wait(0.1)
    go_on.set()
    thread.join()
    assert found == [[[1]]]
