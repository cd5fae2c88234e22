"""What searches keep and share: selections, and lists on a GPU, which knows no removals."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from search.index import masks
from search.index.base import TAG_NAMES, Where
from search.index.build_lists import build_lists
from search.index.list_codes import ListCodes, _GpuCopy
from search.index.masks import Selection, Selections
from search.index.options import IndexOptions
from tests.conformance.oracle import unit_vectors


def test_a_selection_is_worked_out_once_whether_or_not_rows_were_removed() -> None:
    selections = Selections([np.arange(100)] * len(TAG_NAMES), 100)
    where = Where(retailer_ids=frozenset({1, 2, 3}), price_max=2)
    for alive in (None, np.packbits(np.arange(100) != 2, bitorder="little")):
        selection = selections.select(where, alive)
        assert selection.count == (2 if alive is None else 1)
        assert selections.select(where, alive) is selection


def test_many_different_restrictions_on_a_small_base_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "KEPT_BYTES", 100 * 1024)
    selections = Selections([np.arange(100)] * len(TAG_NAMES), 100)
    for price_max in range(1000, 3000):
        assert selections.select(Where(price_max=price_max), None).count == 100
    assert len(selections._kept) <= 100


def test_lists_on_a_gpu_miss_nothing_where_many_of_the_nearest_were_removed(tmp_path: Path) -> None:
    """The copy's lists are searched by the CPU here; what is asked of it and made of its answers is the same."""
    vectors = unit_vectors(4000, 16, seed=1)
    build_lists(vectors, tmp_path / "coarse.faiss", "ivf_sq8", IndexOptions())
    codes, with_gpu = (ListCodes(tmp_path / "coarse.faiss", 16, 4000) for _ in range(2))
    gpu = object.__new__(_GpuCopy)
    gpu._index, gpu._one_at_a_time = codes._index, threading.Lock()
    with_gpu._gpu = gpu
    query = vectors[0]
    nearest = np.argsort(-(vectors @ query))
    lists = np.arange(len(codes.centroids))
    list_scores = codes.centroids @ query
    for n_removed, n in ((0, 64), (20, 64), (1000, 64), (20, 3000)):
        alive = np.ones(4000, dtype=np.bool_)
        alive[nearest[:n_removed]] = False
        bitmap = np.packbits(alive, bitorder="little") if n_removed else None
        selection = Selection(4000, bitmap, 4000 - n_removed, False)
        expected = codes.scan(query, lists, list_scores, n, selection)
        found = with_gpu.scan(query, lists, list_scores, n, selection)
        assert expected[0].size == n
        assert np.allclose(found[0], expected[0])
        assert set(found[1].tolist()) == set(expected[1].tolist())
