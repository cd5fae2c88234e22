"""One picture is described once, however many products show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from django.utils import timezone
from pytest_django import Settings

from catalog.models import Product, ProductImage, Retailer
from search.description_reuse import copy_descriptions
from search.index.registry import open_reader
from search.indexing import index_is_whole, register_space
from search.management.catching_up import catch_up
from search.models import Garment, ImageDescription
from search.selectors import due_images
from search.tasks import dispatch_batch
from segmentation.types import PhotoError
from tests.factories import make_image, make_product, make_retailer
from tests.pretend_models import PretendModel
from tests.search_factories import JACKET, PANTS, make_space, photo, seen, store, unit_vector
from tests.search_shop import packshot
from workers.model_files import configured_pair

pytestmark = pytest.mark.django_db


@pytest.fixture
def model(lend: Callable[..., PretendModel]) -> PretendModel:
    return lend(configured_pair())


def in_sizes(retailer: Retailer, number: int, sizes: Sequence[str] = ("XS", "S", "M", "L", "XL")) -> list[ProductImage]:
    """One product in several sizes, all of which show the same photo."""
    return [
        make_image(make_product(retailer, title="Striped Tee", item_group_id=f"G{number}", size=size), packshot(number))
        for size in sizes
    ]


def test_five_sizes_cost_one_description_and_are_all_found(model: PretendModel, settings: Settings) -> None:
    retailer = make_retailer()
    for number in range(4):
        in_sizes(retailer, number)
    space = register_space()
    run, _ = catch_up(space, [retailer], shown=False)
    assert (model.n_described, run.described, run.n_reused, run.failed) == (4, 20, 16, [])
    assert index_is_whole(space)
    assert len(open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)) == 20
    assert catch_up(space, [retailer], shown=False)[0].described == 0


def test_another_retailers_product_with_the_same_picture_needs_no_model_either(model: PretendModel) -> None:
    mine, yours = make_retailer("mine"), make_retailer("yours")
    in_sizes(mine, 0, ["M"])
    catch_up(register_space(), [mine], shown=False)
    (image,) = in_sizes(yours, 0, ["M"])
    run, _ = catch_up(register_space(), [yours], shown=False)
    assert (model.n_described, run.described, run.n_reused) == (1, 1, 1)
    assert Garment.objects.filter(product=image.product, is_product=True).count() == 1


def test_a_photo_that_fails_does_so_for_each_of_its_products(model: PretendModel) -> None:
    retailer = make_retailer()
    images = in_sizes(retailer, 0, ["S", "M"])
    model.fails_at.add(packshot(0))
    run, _ = catch_up(register_space(), [retailer], shown=False)
    assert sorted(failed.image_id for failed in run.failed) == [image.pk for image in images]
    model.fails_at.clear()
    run, _ = catch_up(register_space(), [retailer], retry_failed=True, shown=False)
    assert (run.described, run.n_reused) == (2, 1)


def test_a_batch_asks_once_for_a_file_and_stores_it_for_all_its_images(model: PretendModel) -> None:
    retailer, space = make_retailer(), register_space()
    first, *rest = in_sizes(retailer, 0)
    good, bad = in_sizes(retailer, 1, ["S", "M"]), in_sizes(retailer, 2, ["S", "M"])
    model.fails_at.add(packshot(2))
    dispatch_batch([first, *good, *bad], space)
    assert model.n_described == 2
    assert due_images(space).count() == 0
    assert ImageDescription.objects.filter(state="ok").count() == len([first, *rest, *good])
    assert set(ImageDescription.objects.filter(image__in=bad).values_list("state", "error_code")) == {
        ("failed", "not_an_image")
    }
    (late,) = in_sizes(retailer, 0, ["XXL"])
    dispatch_batch([late], space)
    assert (model.n_described, due_images(space).count(), index_is_whole(space)) == (2, 0, True)


def test_what_was_seen_is_copied_and_what_is_sold_is_chosen_by_each_products_words() -> None:
    space = make_space()
    jacket = make_image(make_product(title="Denim jacket", product_type="Jackets"))
    pants = make_image(make_product(title="Chinos", product_type="Pants"))
    plain = make_image(make_product(title="42"))
    store(space, [jacket], [photo(seen(JACKET, unit_vector(1)), seen(PANTS, unit_vector(2)))])
    copied = copy_descriptions(space, [jacket.pk, pants.pk, plain.pk])
    assert (copied.image_ids, copied.gone) == ([pants.pk, plain.pk], [])
    assert sold(jacket.product) == [JACKET]
    assert sold(pants.product) == [PANTS]
    assert sold(plain.product) == [JACKET, PANTS]
    first, second = (Garment.objects.filter(description__image=image).order_by("position") for image in (jacket, pants))
    same = ("category_id", "score", "x_max_px", "mask", "color_name", "color_histogram", "position")
    assert list(first.values_list(*same)) == list(second.values_list(*same))
    assert [bytes(one.embedding) for one in first] == [bytes(one.embedding) for one in second]
    described = ImageDescription.objects.get(image=pants)
    assert (described.width_px, described.segmenter_version, described.image_sha256) == (200, "seg@1", pants.sha256)


def sold(product: Product) -> list[int | None]:
    garments = Garment.objects.filter(product=product, is_product=True)
    return list(garments.order_by("position").values_list("category_id", flat=True))


def test_a_replaced_picture_forgets_what_was_seen_in_the_one_before() -> None:
    space = make_space()
    donor, image = make_image(make_product()), make_image(make_product(), packshot(1))
    store(space, [donor, image], [photo(seen(JACKET)), photo(seen(PANTS))])
    gone = list(Garment.objects.filter(description__image=image).values_list("pk", flat=True))
    ProductImage.objects.filter(pk=image.pk).update(sha256=donor.sha256, file=donor.file)
    assert copy_descriptions(space, [image.pk]).gone == gone
    assert sold(image.product) == [JACKET]


def test_nothing_is_copied_from_another_space_a_failure_or_a_photo_that_was_replaced() -> None:
    space, other = make_space(), make_space("other-emb8@11111111")
    donors = [make_image(make_product()) for _ in range(3)]
    image = make_image(make_product())
    store(other, [donors[0]], [photo(seen(JACKET))])
    store(space, [donors[1]], [PhotoError("truncated", "It ends early.")])
    store(space, [donors[2]], [photo(seen(JACKET))])
    ProductImage.objects.filter(pk=donors[2].pk).update(sha256="f" * 64)
    assert copy_descriptions(space, [image.pk]).image_ids == []


def test_a_withdrawn_products_picture_is_left_alone() -> None:
    space = make_space()
    donor = make_image(make_product())
    store(space, [donor], [photo(seen(JACKET))])
    image = make_image(make_product(withdrawn_at=timezone.now()))
    assert copy_descriptions(space, [image.pk]).image_ids == []
