"""A new model without a gap: its space is built in the shadow, compared, promoted, and gone back from."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from pytest_django import Settings

from catalog.models import Product, ProductImage
from deploy import health
from search.errors import SpaceRefused, SpaceUnknown
from search.index.registry import published_spaces
from search.models import Garment, ImageDescription, SearchLog, Space
from search.results import SearchOptions
from search.services import search_by_photo
from search.spaces import begin_shadow, find_space, serving_record, serving_space, shadow_spaces, switch_serving
from search.trends import count_catalog_garments, count_trends
from tests.factories import make_image, make_product
from tests.pretend_models import PretendModel, by_chance, by_colors, write_pair
from tests.search_shop import packshot, write_shop
from workers import model_files, runtime
from workers.model_files import CheckpointPair, configured_pair

pytestmark = pytest.mark.django_db

Lend = Callable[..., PretendModel]
N_QUERIES = 12


@pytest.fixture(autouse=True)
def _own_folders(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything below a temporary folder; pair 0 is the configured one."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"
    pair = write_pair(tmp_path / "configured", 0)
    for name, value in (
        ("SELVEDGE_MEDIA_ROOT", tmp_path / "media"),
        ("SELVEDGE_MODELS_DIR", tmp_path / "models"),
        ("SELVEDGE_SEGMENTER", pair.segmenter),
        ("SELVEDGE_EMBEDDER", pair.embedder),
    ):
        monkeypatch.setenv(name, str(value))


@pytest.fixture
def lend() -> Iterator[Lend]:
    """Puts a pretended model in the place of a pair's."""
    with ExitStack() as stack:

        def put(pair: CheckpointPair, embed: Callable[[bytes], object] = by_colors) -> PretendModel:
            model = PretendModel(pair.space(), embed)
            stack.enter_context(runtime.lent(model))
            return model

        yield put


@pytest.fixture
def old(lend: Lend, tmp_path: Path) -> PretendModel:
    """The model of the configured pair; five products are indexed with it and it serves."""
    model = lend(configured_pair())
    write_shop(tmp_path / "shop")
    index(tmp_path)
    return model


@pytest.fixture
def other(lend: Lend, tmp_path: Path) -> PretendModel:
    """A model of another pair, as good as the configured one's."""
    return lend(write_pair(tmp_path / "given", 1))


def run(*arguments: object, **options: object) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=err, verbosity=0, **options)
    return out.getvalue(), err.getvalue()


def index(tmp_path: Path) -> tuple[str, str]:
    return run("index_catalog", "--retailer", "acme", "--feed", tmp_path / "shop" / "feed.csv")


def build_shadow(tmp_path: Path, number: int = 1) -> str:
    given = tmp_path / "given"
    files = ["--segmenter", given / f"s{number}.safetensors", "--embedder", given / f"e{number}.safetensors"]
    return run("index_catalog", "--space", "new", *files)[0]


def described(space: str) -> int:
    return ImageDescription.objects.filter(space__name=space, state=ImageDescription.State.OK).count()


def first_found(number: int) -> tuple[str, str]:
    """The space that answers a packshot, and the product that it finds first."""
    result = search_by_photo(packshot(number), SearchOptions(verdict="none"))
    return result.space, result.objects[0].results[0].product.external_id


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


def test_the_first_indexing_makes_the_configured_space_serve_and_keeps_its_checkpoints(old: PretendModel) -> None:
    assert serving_space() == old.space_info
    assert model_files.kept_spaces() == [old.space]
    assert Space.objects.get().state == Space.State.SERVING


def test_a_shadow_is_built_while_the_old_space_serves_and_trends_stay(
    old: PretendModel, other: PretendModel, tmp_path: Path
) -> None:
    before = count_catalog_garments()
    out = build_shadow(tmp_path)
    assert "images: 5 described, 0 failed" in out
    assert f"promote_space {other.space}" in out
    assert first_found(3) == (old.space, "T3")
    assert described(other.space) == described(old.space) == 5
    assert count_catalog_garments() == before
    assert sum(total.catalog for total in count_trends(days=1).totals) == 5


def test_while_a_shadow_exists_a_feed_reaches_both_spaces(
    old: PretendModel, other: PretendModel, tmp_path: Path
) -> None:
    build_shadow(tmp_path)
    write_shop(tmp_path / "shop", 7)
    out, _ = index(tmp_path)
    assert out.count("images: 2 described, 0 failed") == 2
    assert described(other.space) == described(old.space) == 7


def test_an_interrupted_shadow_goes_on_where_it_was(old: PretendModel, other: PretendModel, tmp_path: Path) -> None:
    write_shop(tmp_path / "shop", 20)
    index(tmp_path)
    other.interrupted_after = 9
    with pytest.raises(CommandError, match="Interrupted"):
        build_shadow(tmp_path)
    done = described(other.space)
    assert 0 < done < 20
    assert first_found(3) == (old.space, "T3")
    other.interrupted_after = None
    # No file is named: the only shadow is meant.
    assert f"images: {20 - done} described, 0 failed" in run("index_catalog", "--space", "new")[0]


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


def test_replacing_the_configured_checkpoints_leaves_the_serving_space_serving(
    old: PretendModel, lend: Lend, tmp_path: Path
) -> None:
    configured, newer = configured_pair(), write_pair(tmp_path / "given", 1)
    shutil.copyfile(newer.segmenter, configured.segmenter)
    shutil.copyfile(newer.embedder, configured.embedder)
    replaced = lend(configured)
    assert first_found(3) == (old.space, "T3")
    assert model_files.find_pair(old.space).space() == old.space_info
    _, err = index(tmp_path)
    assert f"{old.space} goes on serving until that one is built" in err
    assert replaced.space in err
    for _ in range(2):
        # What the demo does after every change: new checkpoints take over, the same ones change nothing.
        run("index_catalog", "--space", "configured")
        run("promote_space", "configured", "--live", 0)
        assert first_found(3) == (replaced.space, "T3")


def test_a_space_that_never_saw_a_photo_gives_way_to_the_configured_one(
    old: PretendModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ImageDescription.objects.all().delete()
    newer = write_pair(tmp_path / "given", 1)
    monkeypatch.setenv("SELVEDGE_SEGMENTER", str(newer.segmenter))
    assert serving_record().name == configured_pair().space().name
    assert serving_space().name != old.space
    assert shadow_spaces() == []


def test_checkpoints_that_serve_already_are_no_new_space(old: PretendModel) -> None:
    with pytest.raises(SpaceRefused, match="serves already"):
        begin_shadow()


def test_a_promotion_over_another_space_than_was_compared_is_refused(
    old: PretendModel, other: PretendModel, tmp_path: Path
) -> None:
    build_shadow(tmp_path)
    compared, candidate = serving_record(), find_space("new")
    third = begin_shadow(*[getattr(write_pair(tmp_path / "given", 2), kind) for kind in ("segmenter", "embedder")])
    switch_serving(third, instead_of=compared)
    with pytest.raises(SpaceRefused, match=f"{third.name} serves; look again"):
        switch_serving(candidate, instead_of=compared)


def test_spaces_are_named_by_their_hash_too_and_unknown_ones_with_those_there_are(
    old: PretendModel, other: PretendModel, tmp_path: Path
) -> None:
    build_shadow(tmp_path)
    assert find_space(other.space.rpartition("@")[2]).name == find_space("new").name == other.space
    assert find_space("configured").name == find_space("serving").name == old.space
    with pytest.raises(SpaceUnknown, match=f"{old.space} \\(serving\\)"):
        find_space("@")


def test_a_removed_space_gives_back_rows_index_and_checkpoints_and_keeps_the_searches_counted(
    old: PretendModel, other: PretendModel, tmp_path: Path
) -> None:
    first_found(3)
    build_shadow(tmp_path)
    run("promote_space", "new", "--live", 0)
    with pytest.raises(CommandError, match="promote another space or roll back first"):
        run("remove_space", other.space)
    assert "5 descriptions" in run("remove_space", old.space)[0]
    assert not Garment.objects.exclude(description__space__name=other.space).exists()
    assert published_spaces(f"faiss://{tmp_path / 'index'}") == [other.space]
    assert model_files.kept_spaces() == [other.space]
    assert sum(total.searches for total in count_trends(days=1).totals) == 1
    with pytest.raises(CommandError, match="no space to go back to"):
        run("rollback_space")
    listed = run("list_spaces")[0]
    assert f"{other.space}: serves since" in listed
    assert "photos     5 described, 0 failed, 0 due" in listed


def test_a_shadow_that_is_given_up_vanishes(old: PretendModel, other: PretendModel, tmp_path: Path) -> None:
    build_shadow(tmp_path)
    run("remove_space", "new")
    assert [space.name for space in Space.objects.all()] == [old.space]
    assert "images: 0 described" in index(tmp_path)[0]


def test_readiness_is_about_the_space_that_serves(old: PretendModel, other: PretendModel, tmp_path: Path) -> None:
    build_shadow(tmp_path)
    run("promote_space", "new", "--live", 0)
    assert health.check_model() == other.space
    assert health.check_index().startswith("5 garments")
    model_files.forget_pair(other.space)
    with pytest.raises(health.NotReadyError, match="space that serves"):
        health.check_model()


def test_options_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    for arguments in (
        [],
        ["--feed", "feed.csv"],
        ["--space", "new", "--dry-run"],
        ["--space", "serving", "--embedder", "e.safetensors"],
    ):
        with pytest.raises(CommandError):
            run("index_catalog", *arguments)
