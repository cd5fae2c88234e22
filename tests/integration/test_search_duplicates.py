"""One picture sold as several products is recognised, saved again or not, and its variants are left in peace."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from pytest_django import Settings

from catalog.models import ProductImage
from search.duplicates import DuplicateGroup, find_duplicates
from search.indexing import sync_index
from search.models import Space
from search.pictures import is_same_picture
from tests.factories import make_image, make_product, make_retailer
from tests.search_factories import JACKET, make_space, near, photo, seen, store, unit_vector
from tests.search_shop import packshot, write_shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"
    # The task reads photos where the environment says, as a worker's own process would.
    monkeypatch.setenv("SELVEDGE_MEDIA_ROOT", str(tmp_path / "media"))


@pytest.fixture
def space() -> Space:
    space = make_space()
    Space.objects.update(state=Space.State.SERVING)
    return space


def saved_again(data: bytes, *, share: float = 0.6, quality: int = 55) -> bytes:
    """The same picture, smaller and in less quality."""
    picture, buffer = Image.open(io.BytesIO(data)), io.BytesIO()
    picture.resize((round(picture.width * share), round(picture.height * share))).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def sold(space: Space, data: bytes, vector: np.ndarray, **values: object) -> ProductImage:
    """A product with one photo, described and indexed."""
    image = make_image(make_product(**values), data)
    store(space, [image], [photo(seen(JACKET, vector), whole=vector)])
    return image


def keys(groups: list[DuplicateGroup]) -> list[list[int]]:
    return [[image.pk for image in group.images] for group in groups]


def test_the_same_file_is_told_from_the_same_picture_and_from_one_that_only_looks_alike(space: Space) -> None:
    alike = unit_vector(3)
    one, again = sold(space, packshot(0), alike), sold(space, packshot(0), alike)
    third = sold(space, packshot(1), unit_vector(4))
    smaller = sold(space, saved_again(packshot(1)), near(unit_vector(4), 0.98))
    sold(space, packshot(2), near(alike, 0.99))
    sync_index(space)
    same, nearly = find_duplicates(space, make_retailer())
    assert keys([same, nearly]) == [[one.pk, again.pk], [third.pk, smaller.pk]]
    assert (same.same_file, same.similarity) == (True, 1.0)
    assert (nearly.same_file, round(nearly.similarity, 2)) == (False, 0.98)


def test_many_copies_are_one_group(space: Space) -> None:
    vector = unit_vector(3)
    images = [sold(space, saved_again(packshot(0), quality=60 + n), vector) for n in range(20)]
    sync_index(space)
    assert keys(find_duplicates(space, make_retailer())) == [[image.pk for image in images]]


def test_variants_and_photos_of_one_product_may_share_a_picture(space: Space) -> None:
    vector = unit_vector(3)
    small, large = (sold(space, packshot(0), vector, item_group_id="tee") for _ in range(2))
    make_image(small.product, packshot(0), position=1)
    sync_index(space)
    assert find_duplicates(space, make_retailer()) == []
    assert len(find_duplicates(space, make_retailer(), with_variants=True)) == 1
    stranger = sold(space, packshot(0), vector)
    sync_index(space)
    (group,) = find_duplicates(space, make_retailer())
    assert {small.pk, large.pk, stranger.pk} <= {image.pk for image in group.images}


def test_only_groups_of_the_asked_images_and_of_one_retailer_are_told(space: Space) -> None:
    vector = unit_vector(3)
    old = [sold(space, packshot(0), vector) for _ in range(2)]
    elsewhere = sold(space, packshot(0), vector, retailer=make_retailer("elsewhere"))
    new = sold(space, packshot(1), unit_vector(4))
    sync_index(space)
    assert find_duplicates(space, make_retailer(), image_ids=[new.pk]) == []
    assert find_duplicates(space, make_retailer(), image_ids=[elsewhere.pk]) == []
    assert keys(find_duplicates(space, make_retailer(), image_ids=[old[1].pk])) == [[image.pk for image in old]]


def test_another_print_on_the_same_shirt_is_another_picture(space: Space) -> None:
    shirt = Image.open(io.BytesIO(packshot(0)))
    buffer = io.BytesIO()
    shirt.paste((10, 10, 10), (100, 120, 140, 160))
    shirt.save(buffer, "JPEG", quality=92)
    plain, printed = (make_image(make_product(), data) for data in (packshot(0), buffer.getvalue()))
    assert not is_same_picture(str(plain.file), str(printed.file))
    assert not is_same_picture(str(plain.file), "no-such-file.jpg")


def test_the_command_tells_groups_as_text_and_json(space: Space) -> None:
    for number in range(2):
        sold(space, packshot(0), unit_vector(3), external_id=f"P{number}")
    sync_index(space)
    out = io.StringIO()
    call_command("find_duplicates", "--retailer", "acme", stdout=out, verbosity=0)
    assert "same file" in out.getvalue()
    assert "2 photos, 1 pictures that several products share" in out.getvalue()
    out = io.StringIO()
    call_command("find_duplicates", "--retailer", "acme", "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert report["photos"] == 2
    assert [image["product_id"] for image in report["groups"][0]["images"]] == ["P0", "P1"]
    with pytest.raises(CommandError, match="no retailer"):
        call_command("find_duplicates", "--retailer", "nobody")


def test_indexing_a_feed_tells_pictures_its_products_share(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    write_shop(folder, 2)
    (folder / "images" / "t1.jpg").write_bytes(saved_again(packshot(0), share=0.9, quality=85))
    told = [io.StringIO(), io.StringIO()]
    for err in told:
        call_command("index_catalog", "--retailer", "acme", "--feed", str(folder / "feed.csv"), stderr=err, verbosity=0)
    assert "the same picture for different products: 1 pictures, 2 photos" in told[0].getvalue()
    assert "picture" not in told[1].getvalue()
