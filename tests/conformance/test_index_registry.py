"""Spaces under one URL: which there are, what is known of them, dropping one; and URLs that name no index."""

from __future__ import annotations

import pytest

from search.index.base import IndexBusy, IndexMissing, UnsupportedIndexUrl
from search.index.registry import (
    compact,
    compaction_due,
    drop_space,
    index_facts,
    open_reader,
    open_writer,
    published_spaces,
)
from tests.conformance.filling import DIM, ONE, filled, ids_of
from tests.conformance.keepers import OTHER_SPACE, SPACE, KeeperCase
from tests.conformance.oracle import unit_vectors


def test_published_spaces_lists_what_can_be_opened(url: str) -> None:
    assert published_spaces(url) == []
    for space in (SPACE, OTHER_SPACE):
        with open_writer(url, space, DIM) as writer:
            writer.publish()
    with open_writer(url, "neverpublished-emb8@00000000", DIM) as writer:
        writer.upsert(ids_of(1), unit_vectors(1, DIM, seed=31), [ONE])
    assert published_spaces(url) == [OTHER_SPACE, SPACE]


def test_a_dropped_space_is_gone_for_open_readers_and_can_be_built_again(url: str) -> None:
    filled(url, 3)
    reader = open_reader(url, SPACE, DIM)
    with open_writer(url, OTHER_SPACE, DIM) as writer:
        writer.publish()
    drop_space(url, SPACE)
    assert published_spaces(url) == [OTHER_SPACE]
    with pytest.raises(IndexMissing):
        reader.search(unit_vectors(1, DIM, seed=32), 1)
    with pytest.raises(IndexMissing):
        open_reader(url, SPACE, DIM)
    filled(url, 5)
    assert len(open_reader(url, SPACE, DIM)) == 5
    assert len(reader) == 5


def test_dropping_a_space_that_was_never_there_is_no_error(url: str) -> None:
    drop_space(url, SPACE)


def test_a_space_is_not_dropped_under_its_writer(url: str, keeper: KeeperCase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"search.index.{keeper.module}.DROP_TIMEOUT_S", 0.05)
    with open_writer(url, SPACE, DIM) as writer:
        writer.publish()
        with pytest.raises(IndexBusy):
            drop_space(url, SPACE)
    assert published_spaces(url) == [SPACE]


def test_facts_count_what_can_be_found(url: str) -> None:
    with pytest.raises(IndexMissing):
        index_facts(url, SPACE, DIM)
    filled(url, 30)
    with open_writer(url, SPACE, DIM) as writer:
        writer.remove(writer.ids()[:4])
        number = writer.publish()
    facts = index_facts(url, SPACE, DIM)
    assert (facts.n_vectors, facts.generation) == (26, number)
    assert facts.bytes_on_disk > 26 * DIM * 4
    assert facts.kind


def test_an_index_without_many_changes_needs_no_compaction(url: str) -> None:
    assert not compaction_due(url, SPACE, DIM)
    assert not compact(url, SPACE, DIM)
    filled(url, 30)
    assert not compaction_due(url, SPACE, DIM)
    assert not compact(url, SPACE, DIM)


@pytest.mark.parametrize("bad", ["redis://localhost", "faiss://relative/path", "faiss:///", "/srv/index", ""])
def test_an_unknown_url_is_refused_with_what_is_supported(bad: str) -> None:
    with pytest.raises(UnsupportedIndexUrl, match="faiss:///absolute/folder"):
        open_reader(bad, SPACE, DIM)
    with pytest.raises(UnsupportedIndexUrl, match="faiss:///absolute/folder"):
        open_writer(bad, SPACE, DIM)
