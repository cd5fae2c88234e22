"""Tasks keep the index up to date: what they store is searchable, what they cannot write waits, changes are folded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest_django import Settings

from catalog.models import Product, ProductImage
from search import indexing, tasks
from search.compaction import compact_in_background, finish_compaction, is_due
from search.index import compaction
from search.index.base import IndexBusy
from search.index.registry import index_facts, open_reader
from search.indexing import index_is_whole, index_products, sync_index
from search.models import Garment, Space
from segmentation.types import EncodedPhoto, PhotoDescription
from tests.factories import make_image, make_product
from tests.search_factories import JACKET, make_space, photo, seen, store, unit_vector
from tests.search_shop import packshot
from workers.codec import Payload, decode_descriptions, encode_photos
from workers.tasks import describe_images

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"


def described(*photos: bytes) -> tuple[Payload, Space]:
    """What the vision worker sends of photos, and the record of the space it names."""
    payload: Payload = describe_images(encode_photos([EncodedPhoto(data) for data in photos]))
    (whole, *_) = [result for result in decode_descriptions(payload) if isinstance(result, PhotoDescription)]
    name = payload["space"]
    return payload, Space.objects.create(name=name, dim=len(whole.whole_image.embedding))


def arguments(images: Sequence[ProductImage]) -> tuple[list[int], list[str]]:
    return [image.pk for image in images], [image.sha256 for image in images]


def test_a_stored_batch_is_searchable_when_its_task_is_done_with_the_colors_seen(settings: Settings) -> None:
    images = [make_image(make_product(title="Striped Tee"), packshot(number)) for number in range(2)]
    payload, space = described(packshot(0), packshot(1))
    tasks.store_garments(payload, *arguments(images))
    assert len(open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)) == 2
    assert index_is_whole(space)
    for garment in Garment.objects.filter(is_product=True):
        assert garment.color_histogram[garment.color_name] == max(garment.color_histogram.values())


def test_an_index_that_is_being_built_makes_garments_wait_and_loses_none_of_those_that_went(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = make_image(make_product(title="Striped Tee"), packshot(0))
    payload, space = described(packshot(0))
    tasks.store_garments(payload, *arguments([image]))
    ProductImage.objects.update(sha256="f" * 64)
    image.refresh_from_db()
    free, busy = indexing.index_images, iter([True, False])

    def first_busy(*given: object, **more: object) -> object:
        if next(busy):
            raise IndexBusy("another process builds the index")
        return free(*given, **more)

    monkeypatch.setattr(indexing, "index_images", first_busy)
    tasks.store_garments(payload, *arguments([image]))
    assert next(busy, None) is None
    assert index_is_whole(space)
    assert len(open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)) == 1


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Space:
    """A space of three garments, of which two were changed; that is a lot here."""
    monkeypatch.setattr(compaction, "DUE_ABOVE_ROWS", 1)
    monkeypatch.setattr(compaction, "DUE_ABOVE_SHARE", 0.0)
    space, images = make_space(), [make_image(make_product()) for _ in range(3)]
    store(space, images, [photo(seen(JACKET, unit_vector(number))) for number in range(3)])
    sync_index(space)
    Product.objects.filter(images__in=images[:2]).update(brand="Acme")
    index_products(space, Product.objects.values_list("pk", flat=True))
    return space


def test_changes_are_folded_in_the_background_and_the_answers_stay_the_same(changed: Space, settings: Settings) -> None:
    index = open_reader(settings.VECTOR_INDEX_URL, changed.name, changed.dim)
    before = index.search(unit_vector(0)[None], 3)
    assert is_due(changed)
    compact_in_background(changed)
    compact_in_background(changed)
    finish_compaction(changed)
    facts = index_facts(settings.VECTOR_INDEX_URL, changed.name, changed.dim)
    assert (facts.n_base, facts.n_delta, facts.n_removed) == (3, 0, 0)
    assert not is_due(changed)
    after = index.search(unit_vector(0)[None], 3)
    assert after.ids.tolist() == before.ids.tolist()
    assert after.scores.tolist() == before.scores.tolist()


def test_a_task_that_finds_many_changes_has_them_folded(changed: Space, settings: Settings) -> None:
    tasks.index_garments(list(Garment.objects.values_list("pk", flat=True)))
    finish_compaction(changed)
    assert index_facts(settings.VECTOR_INDEX_URL, changed.name, changed.dim).n_delta == 0
