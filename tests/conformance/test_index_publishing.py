"""Publishing: what readers see and when, who may write, and what is said where nothing can be opened."""

from __future__ import annotations

import pytest

from search.index.base import IndexBusy, IndexMissing, IndexNotWritable, SpaceMismatch
from search.index.registry import open_reader, open_writer
from tests.conformance.filling import DIM, ONE, filled, ids_of
from tests.conformance.keepers import OTHER_SPACE, SPACE
from tests.conformance.oracle import unit_vectors


def test_readers_see_published_changes_only_and_at_once(url: str) -> None:
    filled(url, 3)
    reader = open_reader(url, SPACE, DIM)
    new = unit_vectors(1, DIM, seed=11)
    with open_writer(url, SPACE, DIM) as writer:
        assert writer.generation == 1
        writer.upsert(ids_of(1000), new, [ONE])
        assert writer.search(new, 1).ids.tolist() == [[1000]]
        assert (len(reader), reader.generation) == (3, 1)
        assert reader.search(new, 1).ids.tolist() != [[1000]]
        assert writer.publish() == 2
        assert (len(reader), reader.generation) == (4, 2)
        hits = reader.search(new, 1)
        assert (hits.ids.tolist(), hits.generation) == ([[1000]], 2)


def test_changes_that_were_not_published_are_forgotten(url: str) -> None:
    filled(url, 3)
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(ids_of(1000), unit_vectors(1, DIM, seed=12), [ONE])
    with open_writer(url, SPACE, DIM) as writer:
        assert len(writer) == 3


def test_a_fresh_writer_starts_empty_and_its_generation_is_still_newer(url: str) -> None:
    filled(url, 3)
    with open_writer(url, SPACE, DIM, fresh=True) as writer:
        assert len(writer) == 0
        assert len(open_reader(url, SPACE, DIM)) == 3
        assert writer.publish() == 2
    assert len(open_reader(url, SPACE, DIM)) == 0


def test_one_process_opens_one_reader(url: str) -> None:
    filled(url, 3)
    assert open_reader(url, SPACE, DIM) is open_reader(url, SPACE, DIM)


def test_a_reader_refuses_to_change(url: str) -> None:
    filled(url, 3)
    reader = open_reader(url, SPACE, DIM)
    with pytest.raises(IndexNotWritable):
        reader.upsert(ids_of(1), unit_vectors(1, DIM, seed=13), [ONE])
    with pytest.raises(IndexNotWritable):
        reader.remove(ids_of(1))
    with pytest.raises(IndexNotWritable):
        reader.publish()


def test_a_writer_refuses_to_change_after_its_lock_is_released(url: str) -> None:
    with open_writer(url, SPACE, DIM) as writer:
        writer.publish()
    with pytest.raises(IndexNotWritable):
        writer.upsert(ids_of(1), unit_vectors(1, DIM, seed=14), [ONE])
    with pytest.raises(IndexNotWritable):
        writer.publish()


def test_a_second_writer_waits_and_then_says_so(url: str) -> None:
    with open_writer(url, SPACE, DIM):
        with pytest.raises(IndexBusy, match=r"for 0\.1 s"), open_writer(url, SPACE, DIM, timeout_s=0.1):
            pass
        with open_writer(url, OTHER_SPACE, DIM, timeout_s=0.1) as other:
            assert len(other) == 0
    with open_writer(url, SPACE, DIM, timeout_s=0.1) as writer:
        assert len(writer) == 0


def test_an_exception_inside_the_writer_releases_its_lock(url: str) -> None:
    with pytest.raises(RuntimeError, match="feed is broken"), open_writer(url, SPACE, DIM):
        raise RuntimeError("feed is broken")
    with open_writer(url, SPACE, DIM, timeout_s=0.1) as writer:
        writer.publish()


def test_a_space_that_was_never_published_is_missing(url: str) -> None:
    with pytest.raises(IndexMissing, match="testnet-emb8@0123abcd"):
        open_reader(url, SPACE, DIM)
    filled(url, 3)
    with pytest.raises(IndexMissing, match="published here"):
        open_reader(url, OTHER_SPACE, DIM)


def test_another_dimension_is_a_mismatch_for_readers_and_writers(url: str) -> None:
    filled(url, 3)
    with pytest.raises(SpaceMismatch, match="dimension 8"):
        open_reader(url, SPACE, 16)
    with pytest.raises(SpaceMismatch), open_writer(url, SPACE, 16):
        pass
