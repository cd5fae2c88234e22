"""Nearest garments become distinct products: as many as are wanted, joined with the records as they are now."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from catalog.models import ProductImage
from search.filters import Filters
from search.index.base import Where
from search.index.registry import open_reader
from search.indexing import sync_index
from search.models import Space
from search.neighbours import Query, Wanted, find_products
from tests.factories import jpeg_bytes, make_image, make_product, make_retailer
from tests.search_factories import DIM, JACKET, PANTS, TOP, make_space, near, photo, seen, store, unit_vector

pytestmark = pytest.mark.django_db
ANYWHERE = Where()


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"


def image_of(title: str = "Denim Jacket", **values: object) -> ProductImage:
    return make_image(make_product(title=title, **values))


def index_products(space: Space, vectors: list[np.ndarray], **values: object) -> list[ProductImage]:
    images = [image_of(**values) for _ in vectors]
    store(space, images, [photo(seen(JACKET, vector)) for vector in vectors])
    sync_index(space)
    return images


def test_more_is_fetched_until_there_are_enough_distinct_products(settings: Settings) -> None:
    space, query = make_space(), unit_vector(0)
    crowd = make_product(title="Denim Jacket")
    images = [make_image(crowd, jpeg_bytes((n, 0, 0)), position=n) for n in range(30)]
    store(space, images, [photo(seen(JACKET, near(query, 0.99, seed=n))) for n in range(30)])
    others = index_products(space, [near(query, 0.5, seed=n) for n in range(3)])
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, DIM)
    found = find_products(index, [Query(query, ANYWHERE)], Wanted(limit=4))
    expected = {crowd.pk, *(image.product_id for image in others)}
    assert found.matches[0][0].product_id == crowd.pk
    assert {match.product_id for match in found.matches[0]} == expected


def test_all_queries_of_a_photo_share_one_look_at_the_products(settings: Settings) -> None:
    space = make_space()
    index_products(space, [unit_vector(n) for n in range(6)])
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, DIM)
    queries = [Query(unit_vector(n), ANYWHERE) for n in range(5)]
    with CaptureQueriesContext(
        connection,
    ) as captured:
        find_products(index, queries, Wanted(limit=3))
    assert len(captured) == 1


def test_stock_and_withdrawal_are_read_from_the_database_now(settings: Settings) -> None:
    space, query = make_space(), unit_vector(0)
    best, second, third = index_products(space, [near(query, score) for score in (0.9, 0.8, 0.7)])
    best.product.withdrawn_at = datetime.now(UTC)
    best.product.save()
    second.product.availability = "out_of_stock"
    second.product.save()
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, DIM)
    (all_on_sale,) = find_products(index, [Query(query, ANYWHERE)], Wanted(limit=9)).matches
    assert [match.product_id for match in all_on_sale] == [second.product_id, third.product_id]
    (in_stock,) = find_products(index, [Query(query, ANYWHERE)], Wanted(9, Filters(in_stock=True))).matches
    assert [match.product_id for match in in_stock] == [third.product_id]


def test_categories_and_retailers_restrict_what_may_answer(settings: Settings) -> None:
    space, query = make_space(), unit_vector(0)
    jacket = image_of("Denim Jacket", retailer=make_retailer("one"))
    pants = image_of("Cargo Pants", retailer=make_retailer("two"))
    store(space, [jacket, pants], [photo(seen(JACKET, query)), photo(seen(PANTS, query))])
    sync_index(space)
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, DIM)
    queries = [
        Query(query, Where(category_ids=frozenset({PANTS}))),
        Query(query, Where(retailer_ids=frozenset({jacket.product.retailer_id}))),
        Query(query, Where(category_ids=frozenset({TOP}))),
    ]
    found = [
        [match.product_id for match in of_query] for of_query in find_products(index, queries, Wanted(limit=9)).matches
    ]
    assert found == [[pants.product_id], [jacket.product_id], []]
