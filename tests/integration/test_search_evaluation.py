"""Evaluation: a benchmark asked end to end in a world of its own, its report, and scores fitted to it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from PIL import Image

from catalog.models import Product, Retailer
from search.evaluation.evaluation import Evaluation, evaluate
from search.evaluation.layouts.reading import read_benchmark
from search.models import SearchLog, Space
from segmentation.calibration import Calibration
from segmentation.checkpoint import read_info
from tests.benchmark_files import shop_benchmark, write_ccp_robust, write_json
from tests.factories import make_product
from tests.pretend_models import PretendModel, by_chance, by_colors, write_pair
from workers import runtime
from workers.celery import app
from workers.client import is_embedded
from workers.config import WorkersConfig
from workers.model_files import CheckpointPair

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(tmp_path: Path) -> CheckpointPair:
    """Checkpoints whose model is only pretended."""
    return write_pair(tmp_path / "checkpoints", 3)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The benchmark file of five packshots."""
    return write_json(tmp_path / "shop" / "shop.json", shop_benchmark(tmp_path / "shop"))


def run(file: Path, pair: CheckpointPair, embed=by_colors, **options) -> Evaluation:
    with runtime.lent(PretendModel(pair.space(), embed)):
        return evaluate(read_benchmark(file, pictures=file.parent / "pictures"), pair, **options)


def test_what_looks_alike_is_found_and_what_is_not_sold_does_not_count(shop, pair):
    evaluation = run(shop, pair, with_boxes=True)
    report = evaluation.report
    assert set(report.measures) == {"photo", "tapped", "box", "embedding"}
    for measure in report.measures.values():
        assert measure.all.recall_at[1] == 1.0
        assert measure.all.n_queries == 5
    assert {kind: each.n_queries for kind, each in report.measures["photo"].by_kind.items()} == {
        "wild": 3,
        "studio": 2,
    }
    assert report.index_recall_at_10 == 1.0
    assert report.confidence is not None
    assert sum(report.confidence.best.n) == 6, "the photo of something not sold is judged by its verdict"
    assert evaluation.pairs.is_same.sum() == 10, "by its garment and by its photo as a whole"


def test_a_model_that_sees_nothing_finds_little(shop, pair):
    assert run(shop, pair, embed=by_chance).report.measures["photo"].all.recall_at[1] < 1.0


def test_variants_are_not_merged_because_the_truth_names_single_products(shop, pair):
    report = run(shop, pair).report
    assert all(len(outcome.found) == 5 for outcome in report.outcomes["photo"]), "all five are of one item group"


def test_this_installation_is_left_alone(shop, pair, settings, monkeypatch):
    make_product(external_id="MINE")
    monkeypatch.setitem(app.conf, "task_always_eager", False)
    before = (django_settings.MEDIA_ROOT, django_settings.VECTOR_INDEX_URL, WorkersConfig.from_environment())
    seen = []
    run(shop, pair, on_progress=lambda stage, done, total: seen.append((is_embedded(), Product.objects.count())))
    assert seen[-1] == (True, 5)
    assert not is_embedded()
    assert (django_settings.MEDIA_ROOT, django_settings.VECTOR_INDEX_URL, WorkersConfig.from_environment()) == before
    assert [product.external_id for product in Product.objects.all()] == ["MINE"]
    assert not SearchLog.objects.exists()
    assert not Space.objects.exists()


def test_an_evaluation_that_fails_leaves_this_installation_alone_too(shop, pair):
    (shop.parent / "images" / "q3.jpg").write_bytes(b"no picture")
    with pytest.raises(Exception, match="Query 'q3'"):
        run(shop, pair)
    assert not Retailer.objects.exists()


def test_a_catalog_picture_that_cannot_be_used_is_told_by_its_item(shop, pair):
    (shop.parent / "images" / "1.jpg").write_bytes(b"no picture")
    with pytest.raises(Exception, match="catalog item 2, image_link"):
        run(shop, pair)


def test_garments_of_one_photo_are_cut_out_as_catalog_items(tmp_path, pair):
    report = run(write_ccp_robust(tmp_path / "robust"), pair).report
    assert report.n_catalog == 2
    assert report.measures["photo"].by_kind.keys() == {"background"}


def test_a_second_run_describes_nothing_again(shop, pair, tmp_path):
    first = run(shop, pair, cache=tmp_path / "cache").report
    second = run(shop, pair, cache=tmp_path / "cache").report
    assert (first.n_described, second.n_described) == (11, 0)
    assert second.outcomes == first.outcomes
    torn = next((tmp_path / "cache").glob("*/*"))
    torn.write_bytes(torn.read_bytes()[:100])
    assert run(shop, pair, cache=tmp_path / "cache").report.n_described == 1


def test_the_command_writes_figures_and_a_report(shop, pair, tmp_path, capsys):
    with runtime.lent(PretendModel(pair.space())):
        call_command(
            "evaluate_search",
            benchmark=shop,
            segmenter=pair.segmenter,
            embedder=pair.embedder,
            json=tmp_path / "out" / "figures.json",
            out=tmp_path / "report",
            given_boxes=True,
            kinds="studio",
            verbosity=0,
        )
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert figures["measures"]["photo"]["all"]["recall_at"] == {"1": 1.0, "5": 1.0, "10": 1.0}
    assert figures["n_queries"] == 3
    assert "recall@10 1.0000" in capsys.readouterr().out
    text = (tmp_path / "report" / "report.md").read_text()
    assert "manage.py evaluate_search" in text
    for name in ("recall.png", "reliability.png", "good.jpg"):
        assert name in text
        with Image.open(tmp_path / "report" / name) as opened:
            assert opened.width > 300
    assert "bad.jpg" not in text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"benchmark": Path("nowhere.json")}, "there is no such file"),
        ({"kinds": "street"}, "no queries of kind 'street'"),
        ({"embedder": Path("gone.safetensors")}, "no checkpoint at gone.safetensors"),
        ({"limit_queries": 0}, "At least one query"),
    ],
)
def test_the_command_tells_what_is_wrong_before_it_looks_at_a_photo(shop, pair, options, told):
    given = {"benchmark": shop, "segmenter": pair.segmenter, "embedder": pair.embedder, "verbosity": 0, **options}
    with pytest.raises(CommandError, match=told):
        call_command("evaluate_search", **given)


def write_pairs(file: Path) -> Path:
    rng = np.random.default_rng(0)
    similarities = rng.uniform(0.2, 0.95, 600)
    np.savez(
        file,
        similarities=similarities.astype(np.float32),
        is_same=rng.random(600) < similarities**3,
        category_ids=np.full(600, 6),
        query_ids=np.arange(600) // 10,
    )
    return file


def test_scores_are_fitted_into_a_checkpoint(pair, tmp_path, capsys):
    out = tmp_path / "calibrated.safetensors"
    call_command(
        "calibrate_scores",
        pairs=write_pairs(tmp_path / "pairs.npz"),
        embedder=pair.embedder,
        segmenter=pair.segmenter,
        out=out,
        plot=tmp_path / "plot.png",
    )
    carried = Calibration.from_mapping(read_info(out, kind="embedder").metrics["calibration"])
    assert carried.score(0.9, 6) > carried.score(0.4, 6)
    assert (tmp_path / "plot.png").stat().st_size > 1000
    assert "600 pairs" in capsys.readouterr().out


def test_scores_are_fitted_into_a_space_and_change_what_searches_say(shop, pair, tmp_path, monkeypatch):
    monkeypatch.setenv("SELVEDGE_SEGMENTER", str(pair.segmenter))
    monkeypatch.setenv("SELVEDGE_EMBEDDER", str(pair.embedder))
    space = Space.objects.create(name=pair.space().name, dim=48)
    call_command("calibrate_scores", pairs=write_pairs(tmp_path / "pairs.npz"), space=space.name)
    space.refresh_from_db()
    confidence = run(shop, pair, calibration=space.calibration).report.confidence
    assert confidence is not None
    assert confidence.best_verdicts["exact"] >= 5, "the same picture, a little darker"
    raw = run(shop, pair).report.confidence
    assert raw is not None
    assert raw.best_verdicts["exact"] == 0, "without a calibration no verdict is ventured"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "either --benchmark or --pairs"),
        ({"pairs": Path("p.npz")}, "either --space, or --out"),
        ({"pairs": Path("p.npz"), "space": "serving", "embedder": Path("e")}, "has its own checkpoints"),
        ({"pairs": Path("p.npz"), "out": Path("o"), "absent_share": 1.0}, "between 0 and 1"),
        ({"pairs": Path("gone.npz"), "out": Path("o")}, "is no pairs.npz"),
        ({"pairs": Path("gone.npz"), "space": "other"}, "No space is meant by 'other'"),
    ],
)
def test_calibrating_tells_what_is_wrong(options, told):
    with pytest.raises(CommandError, match=told):
        call_command("calibrate_scores", **options)
