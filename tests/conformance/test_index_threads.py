"""Searches in threads while a writer changes and publishes."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from search.index.registry import open_reader, open_writer
from tests.conformance.filling import ONE
from tests.conformance.keepers import SPACE


@pytest.mark.parametrize("through", ["writer", "reader"])
def test_a_search_during_changes_sees_one_state_or_the_next_never_a_mixture(url: str, through: str) -> None:
    """In state n, all vectors are the n-th axis: a mixture would show as unequal scores or a wrong number of hits."""
    count, dim, states = 200, 8, 20
    ids = np.arange(count)
    axes = np.eye(dim, dtype=np.float32)
    wrong: list[str] = []
    seen = 0
    done = threading.Event()

    def look(index: object) -> None:
        nonlocal seen
        while not done.is_set():
            hits = index.search(axes, count)  # type: ignore[attr-defined]
            best = hits.scores.max(axis=0)
            if not (best == 1.0).all() or (hits.scores.sum(axis=0) != 1.0).any() or hits.ids.min() < 0:
                wrong.append(repr(hits.scores))
            seen += 1

    with open_writer(url, SPACE, dim) as writer:
        writer.upsert(ids, np.repeat(axes[:1], count, axis=0), [ONE] * count)
        writer.publish()
        watched = writer if through == "writer" else open_reader(url, SPACE, dim)
        threads = [threading.Thread(target=look, args=(watched,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for state in range(states):
            writer.upsert(ids, np.repeat(axes[state % dim][None], count, axis=0), [ONE] * count)
            if through == "reader":
                writer.publish()
        done.set()
        for thread in threads:
            thread.join()
    assert not wrong
    assert seen >= 3
