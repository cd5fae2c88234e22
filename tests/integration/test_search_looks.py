"""Lists with many groups of variants, and looks of them: what one answer reads from the database."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytest_django import Settings

from search import answering
from search.results import SearchOptions
from search.services import search_by_photo
from search.space_traits import SpaceTraits
from search.variants import variants_of
from segmentation.steering import SteeringAxes
from tests.factories import jpeg_bytes, make_product
from tests.search_factories import DIM, JACKET, seen
from tests.search_market import QUERY, Market, alike, shopper_sees

pytestmark = pytest.mark.django_db


def test_more_groups_than_a_statement_takes_are_listed_with_their_variants() -> None:
    products = [make_product(external_id=f"{n}", item_group_id=f"G{n // 2}") for n in range(2200)]
    found = variants_of(products[::2])
    assert [each.external_id for each in found[products[0].pk].products] == ["0", "1"]
    assert {(each.n_products, len(each.products)) for each in found.values()} == {(2, 2)}


@pytest.mark.parametrize(("group_variants", "n_listed"), [(True, 2), (False, 0)])
def test_a_look_lists_variants_where_they_are_grouped(
    settings: Settings, tmp_path: Path, *, group_variants: bool, n_listed: int
) -> None:
    settings.MEDIA_ROOT, settings.VECTOR_INDEX_URL = tmp_path / "media", f"faiss://{tmp_path / 'index'}"
    market = Market()
    for size in ("S", "M"):
        market.sell(size, alike(0.9), size=size, item_group_id="G")
    market.publish()
    with shopper_sees(market, seen(JACKET, QUERY)):
        options = SearchOptions(combine=True, group_variants=group_variants)
        (look,) = search_by_photo(jpeg_bytes(size=(200, 400)), options).looks or ()
    assert [len(item.result.variants.products) for item in look.items] == [n_listed]


def test_a_look_by_pattern_scores_patterns(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT, settings.VECTOR_INDEX_URL = tmp_path / "media", f"faiss://{tmp_path / 'index'}"
    axes = np.eye(DIM, dtype=np.float32)
    steering = SteeringAxes(color_axes=axes[:1], pattern_axes=axes[-2:], center=np.zeros(DIM, np.float32))
    monkeypatch.setattr(answering, "read_traits", lambda _: SpaceTraits(axes=steering))
    market = Market()
    market.sell("long", (0.6 * axes[6] + 0.8 * axes[7]).astype(np.float32))
    market.sell("same pattern", (0.8 * axes[1] + 0.6 * axes[6]).astype(np.float32))
    market.publish()
    garment = (0.8 * axes[2] + 0.6 * axes[6]).astype(np.float32)
    with shopper_sees(market, seen(JACKET, garment)):
        options = SearchOptions(combine=True, match="pattern", min_score=0.9)
        result = search_by_photo(jpeg_bytes(size=(200, 400)), options)
    (look,) = result.looks or ()
    assert [item.result.product.external_id for item in look.items] == ["same pattern"]
    assert look.items[0].result.score == result.objects[0].results[0].score
