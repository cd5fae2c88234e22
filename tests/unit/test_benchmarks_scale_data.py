"""What the benchmark of the index searches is what its tables say it is."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.generated_vectors import GeneratedVectors
from benchmarks.scale_data import RELATIONS, SHARES, K, ScaleData


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ScaleData:
    drawn = ScaleData(tmp_path_factory.mktemp("scale"), 6_000, 32, 12, seed=3)
    drawn.draw()
    return drawn


def test_generated_chunks_are_the_same_each_time_and_differ_from_each_other() -> None:
    vectors, categories = GeneratedVectors(32, seed=1).chunk(2, 500)
    again, same = GeneratedVectors(32, seed=1).chunk(2, 500)
    np.testing.assert_array_equal(vectors, again)
    np.testing.assert_array_equal(categories, same)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert not np.isclose(vectors, GeneratedVectors(32, seed=1).chunk(3, 500)[0]).all(axis=1).any()


def test_generated_vectors_lie_near_their_category() -> None:
    vectors, categories = GeneratedVectors(64, seed=1).chunk(0, 2_000)
    cosines = vectors @ vectors.T
    same = categories[:, None] == categories[None]
    assert cosines[same].mean() > cosines[~same].mean() + 0.3
    assert np.bincount(categories).max() > 4 * np.median(np.bincount(categories))


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("share", SHARES)
def test_filters_allow_the_share_they_promise_with_the_query_or_without_it(
    data: ScaleData, relation: str, share: float
) -> None:
    for where, category in zip(data.wheres(relation, share), data.queries[1], strict=True):
        assert data.mask(where).mean() == pytest.approx(share, rel=0.35, abs=2e-3)
        if relation != "random":
            assert where.category_ids is not None
            assert (int(category) in where.category_ids) == (relation == "correlated")


def test_exact_answers_are_those_of_one_multiplication(data: ScaleData) -> None:
    wheres = data.wheres("correlated", 0.1)
    unfiltered, filtered = data.truth([None, wheres])
    scores = data.queries[0] @ data.vectors.T
    np.testing.assert_allclose(unfiltered, -np.sort(-scores, axis=1)[:, :K], atol=1e-6)
    for row, where, best in zip(scores, wheres, filtered, strict=True):
        np.testing.assert_allclose(best, np.sort(row[data.mask(where)])[::-1][:K], atol=1e-6)
