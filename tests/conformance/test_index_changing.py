"""Changing: what upsert and remove do, and what they refuse."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from search.index.base import ABSENT, NO_CATEGORY, TAG_NAMES, InvalidVectors, Tags, Where
from search.index.registry import open_reader, open_writer
from tests.conformance.filling import DIM, ONE, filled, ids_of
from tests.conformance.keepers import SPACE
from tests.conformance.oracle import unit_vectors


def test_ids_lists_what_is_there_in_rising_order(url: str) -> None:
    with open_writer(url, SPACE, DIM) as writer:
        assert writer.ids().tolist() == []
        writer.upsert(ids_of(30, 2, 10), unit_vectors(3, DIM, seed=16), [ONE] * 3)
        writer.publish()
        writer.remove(ids_of(2))
        assert writer.ids().tolist() == [10, 30]
    assert open_reader(url, SPACE, DIM).ids().tolist() == [2, 10, 30]


def test_tags_tells_the_tags_of_known_ids_and_absent_for_others(url: str) -> None:
    first, second = Tags(1, NO_CATEGORY), Tags(2, 3, 4, 5, 6, 7, 12_900, 1)
    with open_writer(url, SPACE, DIM) as writer:
        assert writer.tags(ids_of(1, 2)).tolist() == [[ABSENT] * len(TAG_NAMES)] * 2
        writer.upsert(ids_of(10, 20, 30), unit_vectors(3, DIM, seed=21), [first, second, second])
        writer.publish()
        reader = open_reader(url, SPACE, DIM)
        writer.upsert(ids_of(10), unit_vectors(1, DIM, seed=22), [second])
        writer.remove(ids_of(30))
        wanted = ids_of(20, 15, 10, 30, 10)
        two, one, absent = list(astuple(second)), list(astuple(first)), [ABSENT] * len(TAG_NAMES)
        assert writer.tags(wanted).tolist() == [two, absent, two, absent, two]
        assert reader.tags(wanted).tolist() == [two, absent, one, two, one]
        assert reader.tags(ids_of()).shape == (0, len(TAG_NAMES))


def test_an_upserted_id_replaces_vector_and_tags(url: str) -> None:
    first, second = unit_vectors(2, DIM, seed=8)
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(ids_of(7), first[None], [Tags(1, 2)])
        writer.upsert(ids_of(7), second[None], [Tags(5, 6)])
        writer.publish()
    reader = open_reader(url, SPACE, DIM)
    assert len(reader) == 1
    hits = reader.search(second[None], 2)
    assert hits.ids.tolist() == [[7, -1]]
    assert hits.scores[0, 0] == pytest.approx(1.0, abs=1e-6)
    assert reader.search(second[None], 1, Where(retailer_ids=frozenset({1}))).ids.tolist() == [[-1]]
    assert reader.search(second[None], 1, Where(frozenset({5}), frozenset({6}))).ids.tolist() == [[7]]


def test_remove_counts_what_was_there_and_ignores_the_rest(url: str) -> None:
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(ids_of(1, 2, 3), unit_vectors(3, DIM, seed=9), [ONE] * 3)
        assert writer.remove(ids_of(2, 99, 2)) == 1
        assert writer.remove(ids_of()) == 0
        assert len(writer) == 2
        hits = writer.search(unit_vectors(1, DIM, seed=9), 3)
        assert set(hits.ids[0].tolist()) == {1, 3, -1}


def unit(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float32)


BAD_UPSERTS = {
    "not unit length": (ids_of(1), unit(2, 0), [ONE], "length 2"),
    "zero": (ids_of(1), unit(0, 0), [ONE], "length 0"),
    "nan": (ids_of(1), unit(np.nan, 1), [ONE], "length nan"),
    "infinite": (ids_of(1), unit(np.inf, 0), [ONE], "length inf"),
    "wrong dimension": (ids_of(1), unit(1, 0, 0), [ONE], r"\(N, 2\)"),
    "one-dimensional": (ids_of(1), unit(1, 0)[0], [ONE], r"\(N, 2\)"),
    "float64": (ids_of(1), np.array([[1.0, 0.0]]), [ONE], "float64"),
    "a list": (ids_of(1), [[1.0, 0.0]], [ONE], "list"),
    "a negative id": (ids_of(-1), unit(1, 0), [ONE], "ids must lie"),
    "an id beyond int64": (np.array([2**63], dtype=np.uint64), unit(1, 0), [ONE], "ids must lie"),
    "ids that are not whole": (np.array([1.0]), unit(1, 0), [ONE], "integers"),
    "a repeated id": (ids_of(3, 3), np.repeat(unit(1, 0), 2, axis=0), [ONE] * 2, "id 3 occurs more than once"),
    "too few ids": (ids_of(1), np.repeat(unit(1, 0), 2, axis=0), [ONE], "2 vectors came with 1 ids"),
    "too few tags": (ids_of(1, 2), np.repeat(unit(1, 0), 2, axis=0), [ONE], "1 tags"),
    "a category of None": (ids_of(1), unit(1, 0), [Tags(1, None)], "NO_CATEGORY"),  # type: ignore[arg-type]
    "a tag below unknown": (ids_of(1), unit(1, 0), [Tags(1, 4, brand_id=-2)], "-1.."),
    "a price that is not whole": (ids_of(1), unit(1, 0), [Tags(1, 4, price=9.99)], "whole"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", BAD_UPSERTS)
def test_what_breaks_the_contract_is_refused_and_changes_nothing(url: str, name: str) -> None:
    ids, vectors, tags, message = BAD_UPSERTS[name]
    with open_writer(url, SPACE, 2) as writer:
        writer.upsert(ids_of(5), unit(0, 1), [ONE])
        with pytest.raises(InvalidVectors, match=message):
            writer.upsert(ids, vectors, tags)
        assert len(writer) == 1
        assert writer.search(unit(0, 1), 2).ids.tolist() == [[5, -1]]


@pytest.mark.parametrize("query", [unit(3, 0), unit(np.nan, 0), unit(1, 0, 0), np.array([[1.0, 0.0]])])
def test_a_query_that_breaks_the_contract_is_refused(url: str, query: np.ndarray) -> None:
    filled(url, 3, 2)
    with pytest.raises(InvalidVectors):
        open_reader(url, SPACE, 2).search(query, 1)


def test_what_the_caller_does_to_its_arrays_later_changes_nothing(url: str) -> None:
    vectors = unit_vectors(2, DIM, seed=10)
    kept = vectors.copy()
    with open_writer(url, SPACE, DIM) as writer:
        writer.upsert(ids_of(1, 2), vectors, [ONE] * 2)
        vectors[:] = 0
        assert writer.search(kept, 1).ids.tolist() == [[1], [2]]
