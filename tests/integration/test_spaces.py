"""A new model without a gap: its space is built in the shadow while another one serves; spaces come and go."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError

from deploy import health
from search.errors import SpaceRefused, SpaceUnknown
from search.index.registry import published_spaces
from search.models import Garment, ImageDescription, Space
from search.spaces import begin_shadow, find_space, serving_record, serving_space, shadow_spaces
from search.trends import count_catalog_garments, count_trends
from tests.pretend_models import PretendModel, write_pair
from tests.search_shop import write_shop
from tests.spaces_shop import build_shadow, described, first_found, index, run
from workers import model_files
from workers.model_files import configured_pair

pytestmark = pytest.mark.django_db

Lend = Callable[..., PretendModel]


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
