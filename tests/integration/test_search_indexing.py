"""Descriptions become records, and the index is made equal to them, whatever was killed in between."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from catalog.models import Product, ProductImage
from search import comparing, indexing, selectors
from search.comparing import compare
from search.descriptions import forget_failures, rechoose_products
from search.filters import Filters
from search.index import registry
from search.index.registry import open_reader
from search.indexing import (
    build_index,
    garments_of,
    index_garments,
    index_images,
    index_is_whole,
    index_products,
    sync_index,
)
from search.management.describing import DescribingRun
from search.models import Garment, ImageDescription, Space
from search.selectors import due_images, indexable_garments, read_embedding
from segmentation.types import PhotoError
from tests.factories import make_image, make_product, make_retailer
from tests.search_factories import JACKET, PANTS, make_space, photo, seen, store, unit_vector

pytestmark = pytest.mark.django_db


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
    assert compare(space).differing.size == 1
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
    assert compare(space).differing.size == 2
    sync_index(space)
    assert index_is_whole(space)


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


@pytest.mark.parametrize("filters", [Filters(), Filters(retailer_ids=frozenset({1}), in_stock=True)])
def test_few_garments_are_looked_up_by_their_keys_whatever_there_is_beside_them(filters: Filters) -> None:
    space = make_space()
    asked = [
        indexable_garments(space, Q(pk__in=[1, 2])),
        indexable_garments(space, Q(pk__gte=1, pk__lt=9)),
        Garment.objects.filter(filters.garments(), pk__in=[1, 2]),
    ]
    for garments in asked:
        assert garments.explain().splitlines()[0].split(maxsplit=3)[3].startswith("SEARCH search_garment USING INTEGER")


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


def found(settings: Settings, space: Space, filters: Filters) -> set[int]:
    """The garments that the index alone, without the records, would let pass."""
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
    hits = index.search(unit_vector(1)[None], 100, filters.where())
    return set(hits.ids[hits.ids >= 0].tolist())


def test_a_batch_is_published_as_soon_as_it_is_stored(settings: Settings) -> None:
    space, first, second = make_space(), image_of(), image_of()
    for number, image in enumerate((first, second), start=1):
        gone = store(space, [image], [photo(seen(JACKET))])
        assert index_images(space, [image.pk], gone=gone).n_vectors == number
    assert index_is_whole(space)


def test_garments_of_a_replaced_photo_leave_the_index_with_it(settings: Settings) -> None:
    space, image = make_space(), image_of()
    store(space, [image], [photo(seen(JACKET))])
    (old,) = published_after(settings, space, image)
    ProductImage.objects.filter(pk=image.pk).update(sha256="f" * 64)
    image.refresh_from_db()
    gone = store(space, [image], [photo(seen(JACKET, unit_vector(9)))])
    assert old in gone
    change = index_images(space, [image.pk], gone=gone)
    assert (change.added, change.removed, change.n_vectors) == (1, 1, 1)


def published_after(settings: Settings, space: Space, *images: ProductImage) -> set[int]:
    index_images(space, [image.pk for image in images])
    return published(settings, space)


def test_price_stock_brand_and_gender_reach_the_index_and_cost_no_other_product_anything(settings: Settings) -> None:
    space, changing, other = make_space(), image_of(brand="Acme", gender="male"), image_of(brand="Acme", gender="male")
    store(space, [changing, other], [photo(seen(JACKET)), photo(seen(JACKET))])
    first, second = sorted(published_after(settings, space, changing, other))
    cheap, bought_now = Filters(price_max=Decimal("52.00"), currency="USD"), Filters(in_stock=True)
    brand, women = Filters(brands=frozenset({"acme"})), Filters(genders=frozenset({"women"}))
    assert found(settings, space, cheap) == found(settings, space, bought_now) == {first, second}
    changes = {"price": Decimal("52.01"), "availability": "out_of_stock", "brand": "Other", "gender": "Ladies"}
    Product.objects.filter(pk=changing.product_id).update(**changes)
    change = index_products(space, [changing.product_id])
    assert (change.added, change.removed) == (1, 0)
    assert found(settings, space, cheap) == found(settings, space, bought_now) == {second}
    assert found(settings, space, brand) == {second}
    assert found(settings, space, women) == {first}
    assert index_products(space, [changing.product_id]).generation == change.generation


def test_withdrawn_and_deleted_products_leave_the_index_at_the_cost_of_the_change(settings: Settings) -> None:
    space, withdrawn, deleted, kept = make_space(), image_of(), image_of(), image_of()
    store(space, [withdrawn, deleted, kept], [photo(seen(JACKET)) for _ in range(3)])
    assert len(published_after(settings, space, withdrawn, deleted, kept)) == 3
    Product.objects.filter(pk=withdrawn.product_id).update(withdrawn_at=datetime.now(UTC))
    assert index_products(space, [withdrawn.product_id]).removed == 1
    gone = garments_of([deleted.product_id])
    deleted.product.delete()
    assert index_products(space, [deleted.product_id], gone=gone).removed == 1
    assert published(settings, space) == set(garments_of([kept.product_id]))
    Product.objects.filter(pk=withdrawn.product_id).update(withdrawn_at=None)
    assert index_products(space, [withdrawn.product_id]).added == 1


def test_a_change_of_one_product_in_a_lost_index_brings_all_products_back(settings: Settings, tmp_path: Path) -> None:
    space, first, second = make_space(), image_of(), image_of()
    store(space, [first, second], [photo(seen(JACKET)), photo(seen(JACKET))])
    sync_index(space)
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'burnt'}"
    assert index_products(space, [first.product_id]).n_vectors == 2


def test_tags_that_lag_behind_the_records_are_found_and_repaired(settings: Settings) -> None:
    space, first, second = make_space(), image_of(), image_of()
    store(space, [first, second], [photo(seen(JACKET)), photo(seen(JACKET))])
    sync_index(space)
    Product.objects.filter(pk=first.product_id).update(sale_price=Decimal(10))
    assert compare(space).differing.tolist() == garments_of([first.product_id])
    assert index_is_whole(space, make_retailer("of-others"))
    change = sync_index(space)
    assert (change.added, change.removed) == (1, 0)
    assert found(settings, space, Filters(price_max=Decimal(10))) == set(garments_of([first.product_id]))


def test_an_index_that_is_mostly_wrong_is_built_anew(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "BUILD_ANEW_LEAST", 2)
    space, images = make_space(), [image_of() for _ in range(6)]
    store(space, images, [photo(seen(JACKET)) for _ in images])
    sync_index(space)
    Product.objects.update(price=Decimal(1))
    assert not compare(space).is_complete
    seen_by_bar: list[int] = []
    assert sync_index(space, on_progress=seen_by_bar.append).added == 6
    assert sum(seen_by_bar) == 6
    assert index_is_whole(space)


def test_garments_are_compared_in_windows_across_gaps_of_their_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "IDS_A_WINDOW", 3)
    space, images = make_space(), [image_of() for _ in range(8)]
    store(space, images, [photo(seen(JACKET)) for _ in images])
    sync_index(space)
    for image in (images[0], images[3], images[4], images[7]):
        image.product.delete()
    late = image_of()
    store(space, [late], [photo(seen(JACKET))])
    change = sync_index(space)
    assert (change.added, change.removed, change.n_vectors) == (1, 4, 5)
    assert index_is_whole(space)


def test_a_new_space_holds_only_its_own_garments(settings: Settings) -> None:
    old, new, image = make_space("old@1"), make_space("new@2"), image_of()
    for space in (old, new):
        store(space, [image], [photo(seen(JACKET))])
        index_products(space, [image.product_id])
    assert published(settings, old).isdisjoint(published(settings, new))
    assert index_is_whole(old)
    assert index_is_whole(new)


def test_a_damaged_index_is_built_anew_from_the_database(settings: Settings, tmp_path: Path) -> None:
    space, image = make_space(), image_of()
    store(space, [image], [photo(seen(JACKET))])
    sync_index(space)
    for file in (tmp_path / "index").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    # A reader that has the files mapped already goes on; another process would look at them.
    registry._readers.clear()
    assert not index_is_whole(space)
    assert sync_index(space).added == 1
    assert index_is_whole(space)


def test_whoever_waited_while_another_built_the_index_does_not_build_it_again(settings: Settings) -> None:
    space, image = make_space(), image_of()
    store(space, [image], [photo(seen(JACKET))])
    built = build_index(space)
    assert build_index(space, unless_whole=True).generation == built.generation


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


def test_records_are_indexed_changed_and_found_in_milvus_with_nothing_but_the_url(
    settings: Settings, tmp_path: Path
) -> None:
    pytest.importorskip("milvus_lite", reason="the engine of this test; see tests/requirements.txt")
    settings.VECTOR_INDEX_URL = f"milvus://{tmp_path}/index.db"
    space, first, second = make_space(), image_of(), image_of(price=Decimal(20))
    store(space, [first, second], [photo(seen(JACKET, unit_vector(1))), photo(seen(JACKET, unit_vector(2)))])
    sync_index(space)
    assert index_is_whole(space)
    pants = image_of("Cargo Pants")
    store(space, [pants], [photo(seen(PANTS, unit_vector(3)))])
    index_images(space, [pants.pk])
    reader = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
    found = reader.search(np.array([unit_vector(3)], dtype=np.float32), 1).ids[0, 0]
    assert Garment.objects.get(pk=int(found)).description.image == pants
    gone = garments_of([second.product_id])
    second.product.delete()
    index_products(space, [], gone=gone)
    assert published(settings, space) == set(Garment.objects.filter(is_product=True).values_list("pk", flat=True))
    assert sync_index(space).generation == reader.generation == 3


def test_a_change_on_its_way_is_waited_for_without_another_pass_over_all(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, repriced, deleted = make_space(), image_of(), image_of()
    store(space, [repriced, deleted], [photo(seen(JACKET)), photo(seen(JACKET))])
    sync_index(space)
    (kept,), (gone,) = garments_of([repriced.product_id]), garments_of([deleted.product_id])
    Product.objects.filter(pk=repriced.product_id).update(price=Decimal(7))
    deleted.product.delete()
    assert not index_is_whole(space)
    on_their_way, passes = [[kept], [gone]], []

    def compare_and_count(*arguments: Any) -> comparing.Comparison:
        passes.append(arguments)
        return compare(*arguments)

    arrive = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: index_garments(space, on_their_way.pop(0)))
    monkeypatch.setattr(indexing, "time", arrive)
    monkeypatch.setattr(indexing, "compare", compare_and_count)
    assert index_is_whole(space, patience_s=60.0)
    assert (on_their_way, len(passes)) == ([], 1)
    DescribingRun(space, 1.0, on_progress=lambda _: None).wait_until_published(None)
    assert len(passes) == 2
