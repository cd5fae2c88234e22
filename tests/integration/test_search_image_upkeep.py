"""What the web did not give at first is fetched and described later, by nobody's request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from catalog.downloads.stage import fetch_images
from catalog.images import take_link
from catalog.models import FetchedUrl, ProductImage
from search.image_upkeep import forget_old_validators, retry_images
from search.indexing import index_is_whole, register_space
from search.models import Garment
from tests.factories import make_product
from tests.pretend_models import PretendModel
from tests.search_shop import packshot
from tests.web_server import ALLOWED, running_site
from workers.model_files import configured_pair

pytestmark = pytest.mark.django_db


def test_an_image_that_failed_is_searchable_after_a_chore_once_its_time_has_come(
    lend: Callable[..., PretendModel], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lend(configured_pair())
    space = register_space()
    monkeypatch.setattr("catalog.downloads.run.RETRY_S", 0.01)
    settings.SELVEDGE_ALLOWED_NETWORKS = [f"{ALLOWED}/32"]
    with running_site() as site:
        settings.SELVEDGE_ALLOWED_PORTS = [site.port]
        site.routes["/photo"] = lambda visit: visit.answer(503)
        image = take_link(make_product(title="Striped Tee"), site.url("/photo"))
        assert fetch_images().later == {"http_503": 1}
        site.serve("/photo", packshot(0))
        assert retry_images() == 0
        ProductImage.objects.update(next_attempt_at=timezone.now())
        assert retry_images() == 1
    assert Garment.objects.filter(product=image.product, is_product=True).count() == 1
    assert index_is_whole(space)


def test_validators_that_nobody_confirmed_for_long_are_forgotten() -> None:
    now = timezone.now()
    for number, age in enumerate((timedelta(days=1), timedelta(days=100))):
        FetchedUrl.objects.create(
            url_sha256=str(number), url="https://shop.example/a.jpg", sha256="a", size=1, fetched_at=now - age
        )
    assert forget_old_validators() == 1
    assert FetchedUrl.objects.get().url_sha256 == "0"
