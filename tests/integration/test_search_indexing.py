"""Descriptions become records, and the index is made equal to them, whatever was killed in between."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from catalog.models import ProductImage
from search.descriptions import forget_failures, rechoose_products
from search.index.base import IndexDamaged, Where
from search.index.registry import open_reader
from search.indexing import (
    index_is_whole,
    sync_index,
    sync_index_if_worthwhile,
    unpublished_garments,
)
from search.models import Garment, ImageDescription, Space
from search.neighbours import Query, find_products
from search.selectors import due_images, indexable_garments, read_embedding
from segmentation.types import PhotoError
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


def published(settings: Settings, space: Space) -> set[int]:
    return set(open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim).ids().tolist())


def test_the_products_garment_is_indexed_and_the_trousers_worn_with_it_are_not(settings: Settings) -> None:
    space, image = make_space(), image_of("Denim Jacket")
    store(space, [image], [photo(seen(JACKET, unit_vector(1)), seen(PANTS, unit_vector(2)))])
    sync_index(space)
    (jacket,) = Garment.objects.filter(is_product=True)
    assert jacket.category_id == JACKET
    assert published(settings, space) == {jacket.pk}


def test_a_vector_of_record_comes_back_bit_for_bit() -> None:
    space, image = make_space(), image_of()
    vector = unit_vector(5)
    store(space, [image], [photo(seen(JACKET, vector))])
    stored = Garment.objects.get(is_product=True)
    assert np.array_equal(read_embedding(stored.embedding), vector)


def test_a_photo_in_which_the_product_was_not_found_is_indexed_as_a_whole(settings: Settings) -> None:
    space, image = make_space(), image_of("Leather Belt")
    store(space, [image], [photo(seen(PANTS), whole=unit_vector(3))])
    sync_index(space)
    (whole,) = Garment.objects.filter(is_product=True)
    assert whole.category_id is None
    assert published(settings, space) == {whole.pk}


def test_a_batch_that_arrives_twice_changes_nothing() -> None:
    space, image = make_space(), image_of()
    for _ in range(2):
        store(space, [image], [photo(seen(JACKET))])
    assert ImageDescription.objects.count() == 1
    before = list(Garment.objects.values_list("pk", flat=True))
    store(space, [image], [photo(seen(PANTS))])
    assert list(Garment.objects.values_list("pk", flat=True)) == before


def test_a_replaced_file_is_due_and_its_old_garments_leave_the_index(settings: Settings) -> None:
    space, image = make_space(), image_of()
    store(space, [image], [photo(seen(JACKET))])
    sync_index(space)
    (old,) = published(settings, space)
    image.sha256 = "f" * 64
    image.save()
    assert list(due_images(space)) == [image]
    assert not indexable_garments(space).exists()
    store(space, [image], [photo(seen(JACKET, unit_vector(9)))])
    sync_index(space)
    (new,) = published(settings, space)
    assert new != old


def test_an_image_replaced_while_it_was_described_keeps_nothing_of_the_old_file() -> None:
    space, image = make_space(), image_of()
    described = ProductImage.objects.get(pk=image.pk)
    ProductImage.objects.filter(pk=image.pk).update(sha256="e" * 64)
    store(space, [described], [photo(seen(JACKET))])
    assert not ImageDescription.objects.exists()
    assert due_images(space).count() == 1


def test_one_bad_photo_is_recorded_with_its_reason_and_spoils_no_other() -> None:
    space, good, bad = make_space(), image_of(), image_of()
    store(space, [good, bad], [photo(seen(JACKET)), PhotoError("truncated", "the file ends early")])
    failed = ImageDescription.objects.get(image=bad)
    assert (failed.state, failed.error_code, failed.error) == ("failed", "truncated", "the file ends early")
    assert ImageDescription.objects.get(image=good).state == "ok"


def test_a_failed_photo_is_due_again_only_when_asked_or_when_its_file_changes() -> None:
    space, bad = make_space(), image_of()
    store(space, [bad], [PhotoError("truncated", "the file ends early")])
    assert not due_images(space).exists()
    assert forget_failures(space, make_retailer()) == 1
    assert due_images(space).exists()
    store(space, [bad], [PhotoError("truncated", "the file ends early")])
    ProductImage.objects.filter(pk=bad.pk).update(sha256="d" * 64)
    assert due_images(space).exists()


def test_a_new_model_makes_everything_due_and_leaves_the_old_space_alone() -> None:
    old, new, image = make_space("old@1"), make_space("new@2"), image_of()
    store(old, [image], [photo(seen(JACKET))])
    assert not due_images(old).exists()
    assert list(due_images(new)) == [image]
    store(new, [image], [photo(seen(JACKET))])
    assert Garment.objects.filter(description__space=old).exists()


def test_what_a_kill_left_between_record_and_index_is_healed(settings: Settings) -> None:
    space, first, second = make_space(), image_of(), image_of()
    store(space, [first], [photo(seen(JACKET))])
    sync_index(space)
    store(space, [second], [photo(seen(JACKET, unit_vector(7)))])
    assert unpublished_garments(space) == 1
    first.product.delete()
    change = sync_index(space)
    assert (change.added, change.removed, change.n_vectors) == (1, 1, 1)
    assert published(settings, space) == set(indexable_garments(space).values_list("pk", flat=True))
    assert index_is_whole(space)


def test_as_many_other_garments_are_not_taken_for_the_same() -> None:
    space, first, second = make_space(), image_of(), image_of()
    store(space, [first], [photo(seen(JACKET))])
    sync_index(space)
    first.product.delete()
    store(space, [second], [photo(seen(JACKET))])
    assert unpublished_garments(space) == 2
    sync_index(space)
    assert unpublished_garments(space) == 0


def test_images_are_locked_before_it_is_asked_whether_another_worker_stored_them() -> None:
    space, image = make_space(), image_of()
    with CaptureQueriesContext(connection) as captured:
        store(space, [image], [photo(seen(JACKET))])
    reads = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    locking, looking = (
        next(number for number, sql in enumerate(reads) if f'FROM "{table}"' in sql)
        for table in (ProductImage._meta.db_table, ImageDescription._meta.db_table)
    )
    assert locking < looking


def test_nothing_is_published_where_nothing_changed() -> None:
    space, image = make_space(), image_of()
    store(space, [image], [photo(seen(JACKET))])
    assert sync_index(space).generation == sync_index(space).generation


def test_a_withdrawn_product_leaves_the_index(settings: Settings) -> None:
    space, image = make_space(), image_of()
    store(space, [image], [photo(seen(JACKET))])
    sync_index(space)
    image.product.withdrawn_at = datetime.now(UTC)
    image.product.save()
    sync_index(space)
    assert published(settings, space) == set()


def test_the_last_batch_publishes_and_earlier_ones_wait() -> None:
    space, first, second = make_space(), image_of(), image_of()
    store(space, [first], [photo(seen(JACKET))])
    assert sync_index_if_worthwhile(space, [first.pk]) is None
    store(space, [second], [photo(seen(JACKET))])
    change = sync_index_if_worthwhile(space, [second.pk])
    assert change is not None
    assert change.n_vectors == 2


def test_a_damaged_index_is_reported_and_rebuilt_from_the_database(settings: Settings, tmp_path: Path) -> None:
    space, image = make_space(), image_of()
    store(space, [image], [photo(seen(JACKET))])
    sync_index(space)
    for file in (tmp_path / "index").rglob("vectors.npy"):
        file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(IndexDamaged):
        sync_index(space)
    assert not index_is_whole(space)
    sync_index(space, fresh=True)
    assert index_is_whole(space)


def test_changed_words_choose_the_product_anew_without_looking_at_the_photo_again(settings: Settings) -> None:
    space, image = make_space(), image_of("Denim Jacket")
    store(space, [image], [photo(seen(JACKET), seen(PANTS))])
    image.product.title = "Cargo Pants"
    image.product.save()
    assert rechoose_products(space, image.product.retailer) == 1
    assert [garment.category_id for garment in Garment.objects.filter(is_product=True)] == [PANTS]
    assert rechoose_products(space, image.product.retailer) == 0
    image.product.title = "Umbrella"
    image.product.save()
    rechoose_products(space, image.product.retailer)
    assert [garment.category_id for garment in Garment.objects.filter(is_product=True)] == [None]


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
    found = find_products(index, [Query(query, ANYWHERE)], limit=4)
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
        find_products(index, queries, limit=3)
    assert len(captured) == 1


def test_stock_and_withdrawal_are_read_from_the_database_now(settings: Settings) -> None:
    space, query = make_space(), unit_vector(0)
    best, second, third = index_products(space, [near(query, score) for score in (0.9, 0.8, 0.7)])
    best.product.withdrawn_at = datetime.now(UTC)
    best.product.save()
    second.product.availability = "out_of_stock"
    second.product.save()
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, DIM)
    (all_on_sale,) = find_products(index, [Query(query, ANYWHERE)], limit=9).matches
    assert [match.product_id for match in all_on_sale] == [second.product_id, third.product_id]
    (in_stock,) = find_products(index, [Query(query, ANYWHERE)], limit=9, in_stock_only=True).matches
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
    found = [[match.product_id for match in of_query] for of_query in find_products(index, queries, limit=9).matches]
    assert found == [[pants.product_id], [jacket.product_id], []]
