"""Two spaces compared, the better one promoted, a worse one refused, and the way back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError
from PIL import Image

from catalog.models import Product, ProductImage, WebhookDelivery, WebhookEndpoint
from search.errors import SpaceRefused
from search.indexing import index_is_whole
from search.models import SearchLog
from search.promotion import switching
from search.spaces import begin_shadow, find_space, serving_record, serving_space, switch_serving
from segmentation.types import Embedding
from tests.factories import make_image, make_product
from tests.pretend_models import PretendModel, by_chance, by_colors, write_pair
from tests.search_shop import packshot
from tests.spaces_shop import build_shadow, first_found, run

pytestmark = pytest.mark.django_db

Lend = Callable[..., PretendModel]
N_QUERIES = 12


def write_benchmark(folder: Path) -> Path:
    """Packshots as a catalog, and smaller copies of them as queries."""
    folder.mkdir()
    catalog, queries = [], []
    for number in range(N_QUERIES):
        (folder / f"{number}.jpg").write_bytes(packshot(number))
        with Image.open(io.BytesIO(packshot(number))) as picture:
            picture.resize((180, 240)).save(folder / f"{number}-query.jpg")
        catalog.append({"id": f"p{number}", "file": f"{number}.jpg"})
        asked = {"id": f"q{number}", "file": f"{number}-query.jpg", "kind": "copy", "relevant": {f"p{number}": 2}}
        queries.append(asked)
    file = folder / "benchmark.json"
    file.write_text(json.dumps({"name": "copies", "catalog": catalog, "queries": queries}))
    return file


def test_a_promoted_space_answers_at_once_and_rollback_goes_back(
    old: PretendModel, other: PretendModel, tmp_path: Path
) -> None:
    build_shadow(tmp_path)
    out, err = run("promote_space", "new", "--live", 4)
    assert first_found(3) == (other.space, "T3")
    assert "overlap@10 1.00" in out
    assert "own product first           1.00        1.00" in out
    assert "give --benchmark" in err
    assert "serves already" in run("promote_space", other.space)[0]
    # While it is retired, a product comes and one goes.
    fresh = make_image(make_product(external_id="N1", title="New Tee"), packshot(8))
    run("index_catalog", "--space", "serving")
    Product.objects.get(external_id="T3").delete()
    told, _ = run("rollback_space")
    assert f"{old.space} serves again" in told
    assert "images that came since: 1 described, 0 failed" in told
    assert first_found(8) == (old.space, fresh.product.external_id)
    assert first_found(3)[1] != "T3"
    with pytest.raises(CommandError, match="no space to go back to"):
        run("rollback_space")


def test_whoever_subscribed_is_told_of_a_promotion_and_of_the_way_back(
    old: PretendModel, other: PretendModel, tmp_path: Path
) -> None:
    WebhookEndpoint.objects.create(url="https://shop.example/", events=["space.promoted"])
    build_shadow(tmp_path)
    run("promote_space", "new", "--dry-run", "--live", 0)
    assert not WebhookDelivery.objects.exists()
    run("promote_space", "new", "--live", 0)
    run("rollback_space", "--switch-only")
    told = [delivery.payload for delivery in WebhookDelivery.objects.order_by("created_at")]
    assert [(each["change"], each["space"], each["previous_space"]) for each in told] == [
        ("promoted", other.space, old.space),
        ("rolled_back", old.space, other.space),
    ]
    assert told[0]["promoted_at"]


def test_searches_that_compare_are_not_counted(old: PretendModel, other: PretendModel, tmp_path: Path) -> None:
    build_shadow(tmp_path)
    run("promote_space", "new", "--dry-run", "--live", 2)
    assert not SearchLog.objects.exists()
    assert serving_space().name == old.space


def test_a_space_that_lacks_photos_is_refused_unless_forced(
    old: PretendModel, other: PretendModel, tmp_path: Path
) -> None:
    build_shadow(tmp_path)
    make_image(make_product(external_id="N1"), packshot(8))
    with pytest.raises(CommandError, match=rf"1 photos are not described .*index_catalog --space {other.space}"):
        run("promote_space", "new")
    assert serving_space().name == old.space
    run("promote_space", "new", "--force", "--live", 0)
    assert serving_space().name == other.space


def test_photos_that_only_the_new_model_fails_at_speak_against_it(
    old: PretendModel, other: PretendModel, tmp_path: Path
) -> None:
    other.fails_at = {packshot(2)}
    build_shadow(tmp_path)
    with pytest.raises(CommandError, match=r"1 photos that the serving space shows .*--retry-failed"):
        run("promote_space", "new")
    other.fails_at = set()
    run("index_catalog", "--space", "new", "--retry-failed")
    run("promote_space", "new", "--live", 0)
    assert serving_space().name == other.space


def test_a_space_that_finds_less_of_a_benchmark_is_refused_unless_forced(
    old: PretendModel, lend: Lend, tmp_path: Path
) -> None:
    worse = lend(write_pair(tmp_path / "given", 1), by_chance)
    build_shadow(tmp_path)
    benchmark = write_benchmark(tmp_path / "benchmark")
    with pytest.raises(CommandError, match=r"recall@1 falls from 1\.000 to 0\.\d+, beyond chance"):
        run("promote_space", "new", "--benchmark", benchmark, "--live", 0)
    assert serving_space().name == old.space
    out, _ = run("promote_space", "new", "--benchmark", benchmark, "--live", 0, "--force")
    assert "worse beyond chance" in out
    assert serving_space().name == worse.space
    # The other way round nothing has to be forced.
    out, _ = run("promote_space", old.space, "--benchmark", benchmark, "--live", 0)
    assert f"{N_QUERIES} queries" in out
    assert serving_space().name == old.space
    assert ProductImage.objects.count() == 5, "the benchmark's catalog is none of this shop's"


def test_a_space_in_which_photos_of_the_catalog_lose_their_product_is_refused_unless_forced(
    old: PretendModel, lend: Lend, tmp_path: Path
) -> None:
    indexed: set[bytes] = set()

    def turn_away(data: bytes) -> Embedding:
        vector = by_colors(data) * (-1 if data in indexed else 1)
        indexed.add(data)
        return vector

    fickle = lend(write_pair(tmp_path / "given", 1), turn_away)
    build_shadow(tmp_path)
    with pytest.raises(CommandError, match=r"their own product first in 0\.\d\d of cases instead of 1\.00"):
        run("promote_space", "new", "--live", 5)
    assert serving_space().name == old.space
    run("promote_space", "new", "--live", 5, "--force")
    assert serving_space().name == fickle.space


def test_photos_of_a_folder_are_asked_too(old: PretendModel, other: PretendModel, tmp_path: Path) -> None:
    build_shadow(tmp_path)
    (tmp_path / "street").mkdir()
    (tmp_path / "street" / "a.jpg").write_bytes(packshot(7))
    (tmp_path / "street" / "broken.jpg").write_bytes(b"no photo")
    out, _ = run("promote_space", "new", "--dry-run", "--live", 0, "--queries", tmp_path / "street")
    assert "photos asked                   1           1" in out
    assert "1 could not be used" in out
    (tmp_path / "none").mkdir()
    with pytest.raises(CommandError, match="no photos"):
        run("promote_space", "new", "--queries", tmp_path / "none")


def test_a_promotion_over_another_space_than_was_compared_is_refused(
    old: PretendModel, other: PretendModel, tmp_path: Path
) -> None:
    build_shadow(tmp_path)
    compared, candidate = serving_record(), find_space("new")
    third = begin_shadow(*[getattr(write_pair(tmp_path / "given", 2), kind) for kind in ("segmenter", "embedder")])
    switch_serving(third, instead_of=compared)
    with pytest.raises(SpaceRefused, match=f"{third.name} serves; look again"):
        switch_serving(candidate, instead_of=compared)


@pytest.mark.parametrize("command", [("rollback_space", "--switch-only"), ("promote_space", "{old}", "--live", 0)])
def test_what_changes_while_a_retired_space_is_put_back_is_found_in_it(
    old: PretendModel, other: PretendModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[object, ...]
) -> None:
    build_shadow(tmp_path)
    run("promote_space", "new", "--live", 0)

    def change_then_switch(*arguments: object, **options: object) -> None:
        Product.objects.filter(external_id="T3").update(price=Decimal("3.50"))
        switch_serving(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(switching, "switch_serving", change_then_switch)
    run(*(str(word).format(old=old.space) for word in command))
    assert serving_space().name == old.space
    assert index_is_whole(serving_record())
