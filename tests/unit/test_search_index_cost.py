"""What a change costs does not depend on how much the index holds: bytes and rows are counted, not seconds."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from search.index import compaction
from search.index.base import Tags
from search.index.registry import open_reader, open_writer
from search.index.state import State
from tests.index_on_disk import AXES, DIM, SPACE, publish_base, url_of


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts bytes read and written, and full passes over ids, from here on."""
    counts: Counter[str] = Counter()
    pread, pwrite, open_file = os.pread, os.pwrite, Path.open

    def counting_pread(file: int, n_bytes: int, offset: int) -> bytes:
        content = pread(file, n_bytes, offset)
        counts["read"] += len(content)
        return content

    def counting_pwrite(file: int, content: bytes, offset: int) -> int:
        counts["written"] += len(content)
        return pwrite(file, content, offset)

    def counting_open(path: Path, *arguments: object, **named: object) -> object:
        counts[f"opened {path.name}"] += 1
        return open_file(path, *arguments, **named)  # type: ignore[call-overload]

    def counting(name: str) -> None:
        method = getattr(State, name)

        def call(state: State, *arguments: object) -> object:
            counts[name] += 1
            return method(state, *arguments)

        monkeypatch.setattr(State, name, call)

    monkeypatch.setattr(os, "pread", counting_pread)
    monkeypatch.setattr(os, "pwrite", counting_pwrite)
    monkeypatch.setattr(Path, "open", counting_open)
    for name in ("ids", "living_rows", "living_places"):
        counting(name)
    return counts


def do_changes(root: Path) -> None:
    """Add, replace and remove, in writers of their own, and look each time."""
    reader = open_reader(url_of(root), SPACE, DIM)
    for step in range(5):
        with open_writer(url_of(root), SPACE, DIM) as writer:
            writer.upsert(np.array([2 * step, 2 * step + 1]), AXES[:2], [Tags(1, 4)] * 2)
            assert writer.remove(np.array([100 + 2 * step])) == 1
            writer.publish()
        assert reader.search(AXES[:1], 1).generation == step + 2


def test_opening_a_writer_changing_and_publishing_touch_the_change_alone(tmp_path: Path, counted: Counter[str]) -> None:
    costs = []
    for count in (1_000, 50_000):
        root = tmp_path / str(count)
        publish_base(root, count)
        open_reader(url_of(root), SPACE, DIM)
        counted.clear()
        do_changes(root)
        costs.append(dict(counted))
    assert costs[0] == costs[1]
    assert costs[0]["written"] < 5 * 1024
    assert not {"ids", "living_rows", "living_places", "opened vectors.npy"} & set(costs[0])


def test_a_reader_reads_a_published_change_once(tmp_path: Path, counted: Counter[str]) -> None:
    """As another process does: what this one wrote itself is not read again at all."""
    publish_base(tmp_path, 1_000)
    url = url_of(tmp_path)
    options = f"{url}?nprobe=3"  # opened by itself, as in another process
    reader = open_reader(options, SPACE, DIM)
    read = []
    for step in range(4):
        with open_writer(url, SPACE, DIM) as writer:
            writer.upsert(np.arange(2 * step, 2 * step + 2), AXES[:2], [Tags(1, 4)] * 2)
            writer.publish()
        counted.clear()
        for _ in range(3):
            reader.search(AXES[:1], 5)
        read.append(counted["read"])
    assert len(set(read)) == 1
    assert 0 < read[0] < 1024


@pytest.mark.parametrize(("n_base", "n_changes", "due"), [(100, 2049, True), (100, 2048, False), (50_000, 2500, False)])
def test_compaction_is_due_by_the_share_of_changes(tmp_path: Path, n_base: int, n_changes: int, due: bool) -> None:
    publish_base(tmp_path, n_base)
    with open_writer(url_of(tmp_path), SPACE, DIM) as writer:
        ids = 2 * np.arange(n_changes) + 1
        writer.upsert(ids, np.repeat(AXES[:1], ids.size, axis=0), [Tags(1, 4)] * ids.size)
        state = writer._draft.state  # type: ignore[attr-defined]
        assert compaction.is_due(state) is due
        writer.remove(2 * np.arange(60))
        assert compaction.is_due(writer._draft.state)  # type: ignore[attr-defined]
