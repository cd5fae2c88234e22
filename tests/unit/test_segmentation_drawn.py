"""The drawn catalog: deterministic, exact in its masks, consistent in its files."""

from __future__ import annotations

import csv
import hashlib
import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image
from pycocotools.coco import COCO

from segmentation.drawn import (
    CatalogExists,
    DrawnCatalog,
    draw_catalog,
    draw_packshot,
    draw_scene,
    first_products,
    read_drawn_catalog,
)
from segmentation.drawn.assortment import BUYERS, CATEGORY_CYCLE
from segmentation.drawn.instances import Instance
from segmentation.drawn.listing import FEED_COLUMNS, feed_row
from segmentation.taxonomy import category_by_id

SEED = 5
PRODUCTS, SCENES = 12, 3
REQUIRED_CATEGORIES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 16, 18, 19, 22, 23, 24, 25}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> DrawnCatalog:
    return draw_catalog(tmp_path_factory.mktemp("drawn") / "shop", products=PRODUCTS, scenes=SCENES, seed=SEED)


def rng(*numbers: int) -> np.random.Generator:
    return np.random.default_rng(numbers)


def digests(root: Path) -> dict[str, str]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def assert_masks_are_exact(image: np.ndarray, instances: list[Instance]) -> None:
    covered = np.zeros(image.shape[:2], dtype=int)
    for instance in instances:
        mask = instance.to_array()
        rows, cols = np.nonzero(mask)
        x, y, width, height = instance.box_xywh
        assert mask.shape == image.shape[:2]
        assert mask.sum() == instance.area_px > 0
        assert (cols.min(), rows.min()) == (x, y)
        assert (cols.max() + 1, rows.max() + 1) == (x + width, y + height)
        covered += mask
    assert covered.max() <= 1, "two instances claim one pixel"


def test_every_required_category_is_sold_within_the_first_run_of_groups() -> None:
    assert set(BUYERS) == set(CATEGORY_CYCLE) >= REQUIRED_CATEGORIES
    products = first_products(SEED, 4 * len(CATEGORY_CYCLE))
    assert {product.category_id for product in products} >= REQUIRED_CATEGORIES


@pytest.mark.parametrize("category_id", sorted(REQUIRED_CATEGORIES))
def test_a_packshot_of_each_category_shows_the_product_inside_the_picture(category_id: int) -> None:
    product = next(p for p in first_products(SEED, 200) if p.category_id == category_id)
    image, instances = draw_packshot(product, rng(1))
    assert image.dtype == np.uint8
    assert image.shape == (640, 480, 3)
    assert len(instances) == (2 if category_id in (22, 23) else 1)
    assert_masks_are_exact(image, instances)
    together = np.any([instance.to_array() for instance in instances], axis=0)
    assert 0.02 < together.mean() < 0.85
    edge = np.concatenate([together[0], together[-1], together[:, 0], together[:, -1]])
    assert not edge.any(), "the product is cut off"
    assert {instance.category_id for instance in instances} == {category_id}


def test_the_mask_covers_what_differs_from_the_background() -> None:
    product = next(p for p in first_products(SEED, 200) if p.category_id == 10)
    image, instances = draw_packshot(product, rng(2))
    mask = instances[0].to_array()
    inside, border = image[mask].astype(float), image[:20].reshape(-1, 3).astype(float)
    assert np.abs(inside.mean(axis=0) - border.mean(axis=0)).max() > 20
    assert border.std(axis=0).max() < inside.std(axis=0).max() + 15


def test_the_garment_keeps_its_colors_whoever_photographs_it() -> None:
    product = next(p for p in first_products(SEED, 200) if p.category_id == 6)
    means = []
    for number in range(4):
        image, instances = draw_packshot(product, rng(3, number))
        means.append(image[instances[0].to_array()].mean(axis=0))
    assert np.ptp(np.array(means), axis=0).max() < 30


def test_scenes_show_several_disjoint_garments_of_the_products_offered() -> None:
    products = first_products(SEED, 150)
    offered = {product.product_id for product in products}
    for number in range(6):
        image, instances = draw_scene(products, rng(4, number))
        assert image.shape == (720, 480, 3)
        assert len(instances) >= 2
        assert_masks_are_exact(image, instances)
        assert {instance.product.product_id for instance in instances} <= offered


def test_left_and_right_shoe_are_two_instances() -> None:
    products = first_products(SEED, 150)
    counts = []
    for number in range(8):
        _, instances = draw_scene(products, rng(6, number))
        counts.append(sum(instance.category_id == 23 for instance in instances))
    assert max(counts) >= 2


def test_a_scene_can_be_drawn_from_a_shop_that_lacks_most_things() -> None:
    only_hats = [product for product in first_products(SEED, 200) if product.category_id == 14]
    image, instances = draw_scene(only_hats, rng(7))
    assert image.shape == (720, 480, 3)
    assert {instance.category_id for instance in instances} <= {14}


def test_colors_of_one_cut_share_a_group_and_differ_in_color() -> None:
    products = first_products(SEED, 120)
    assert len({product.product_id for product in products}) == len(products)
    groups: dict[str, list[Any]] = {}
    for product in products:
        groups.setdefault(product.item_group_id, []).append(product)
    several = [group for group in groups.values() if len(group) > 1]
    assert several
    for group in several:
        assert len({product.color_name for product in group}) == len(group)
        assert len({product.cut for product in group}) == 1


def test_a_longer_catalog_begins_with_the_shorter_one() -> None:
    assert first_products(SEED, 90)[:30] == first_products(SEED, 30)
    assert first_products(SEED, 30) != first_products(SEED + 1, 30)


def test_a_row_names_its_category_in_ordinary_words() -> None:
    words = {
        0: ("shirt", "blouse"), 1: ("shirt", "top", "hoodie"), 2: ("sweater",), 3: ("cardigan",), 4: ("jacket",),
        5: ("vest",), 6: ("pants", "trousers", "jeans"), 7: ("shorts",), 8: ("skirt",), 9: ("coat",), 10: ("dress",),
        11: ("jumpsuit",), 13: ("glasses",), 14: ("hat", "cap"), 16: ("tie",), 18: ("watch",), 19: ("belt",),
        22: ("sock",), 23: ("shoe", "boot", "sneaker", "sandal"), 24: ("bag",), 25: ("scarf", "scarves"),
    }  # fmt: skip
    for product in first_products(SEED, 150):
        row = feed_row(product, "x.jpg", SEED)
        text = f"{row['title']} {row['product_type']}".lower()
        assert any(word in text for word in words[product.category_id]), text


def test_the_feed_has_googles_columns_and_every_image_exists(catalog: DrawnCatalog) -> None:
    rows = read_rows(catalog.feed)
    assert tuple(rows[0]) == FEED_COLUMNS
    assert len(rows) == PRODUCTS
    for row in rows:
        with Image.open(catalog.root / row["image_link"]) as image:
            assert (image.format, image.size) == ("JPEG", (480, 640))
        amount, currency = row["price"].split()
        assert float(amount) > 0
        assert currency == "USD"
        assert row["availability"] in ("in_stock", "out_of_stock", "preorder", "backorder")
        assert not row["sale_price"] or float(row["sale_price"].split()[0]) < float(amount)


def test_the_annotations_are_valid_coco_with_product_ids(catalog: DrawnCatalog) -> None:
    ids = {row["id"] for row in read_rows(catalog.feed)}
    for path in (catalog.instances, catalog.scenes_instances):
        coco = COCO(str(path))
        assert coco.getImgIds()
        for annotation in coco.loadAnns(coco.getAnnIds()):
            picture = coco.loadImgs(annotation["image_id"])[0]
            mask = coco.annToMask(annotation)
            assert mask.shape == (picture["height"], picture["width"])
            assert int(mask.sum()) == annotation["area"]
            assert (catalog.root / picture["file_name"]).is_file()
            assert annotation["product_id"] in ids
            assert category_by_id(annotation["category_id"]).is_garment


def test_the_benchmark_asks_only_for_products_of_the_feed(catalog: DrawnCatalog) -> None:
    content = json.loads(catalog.benchmark.read_text(encoding="utf-8"))
    groups = {row["id"]: row["item_group_id"] for row in read_rows(catalog.feed)}
    assert {entry["id"] for entry in content["catalog"]} == set(groups)
    assert {query["kind"] for query in content["queries"]} == {"studio", "wild"}
    assert len({query["id"] for query in content["queries"]}) == len(content["queries"])
    for query in content["queries"]:
        assert (catalog.root / query["file"]).is_file()
        assert {groups[pid] for pid in query["relevant"]} == {query["product"]}
        assert sorted(query["relevant"].values())[-1] == 2
        assert list(query["relevant"].values()).count(2) == 1
        assert (query["box_xywh"] is None) == (query["kind"] == "studio")


def test_the_same_seed_draws_the_same_bytes(catalog: DrawnCatalog, tmp_path: Path) -> None:
    again = draw_catalog(tmp_path / "again", products=PRODUCTS, scenes=SCENES, seed=SEED)
    assert digests(again.root) == digests(catalog.root)


def test_growing_a_catalog_keeps_earlier_pictures_and_rows(catalog: DrawnCatalog, tmp_path: Path) -> None:
    larger = draw_catalog(tmp_path / "larger", products=PRODUCTS + 3, scenes=0, seed=SEED)
    before, after = digests(catalog.root), digests(larger.root)
    kept = [name for name in before if name.startswith(("images/", "views/"))]
    assert kept
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert read_rows(larger.feed)[:PRODUCTS] == read_rows(catalog.feed)


def test_an_interrupted_drawing_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_catalog(tmp_path / "shop", products=4, scenes=0, seed=SEED, on_progress=interrupt)
    assert list(tmp_path.iterdir()) == []
    assert read_drawn_catalog(tmp_path / "shop") is None


def test_progress_is_reported_up_to_the_end(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    draw_catalog(tmp_path / "shop", products=2, scenes=1, seed=SEED, on_progress=lambda *step: steps.append(step))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_finished_catalog_is_replaced_but_a_strangers_folder_is_not(tmp_path: Path) -> None:
    first = draw_catalog(tmp_path / "shop", products=2, scenes=0, seed=SEED)
    draw_catalog(tmp_path / "shop", products=1, scenes=0, seed=SEED)
    assert len(read_rows(first.feed)) == 1
    assert read_drawn_catalog(first.root) == DrawnCatalog(first.root, 1, 0, SEED)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(CatalogExists):
        draw_catalog(tmp_path / "mine", products=1, scenes=0, seed=SEED)
    assert (tmp_path / "mine" / "letter.txt").read_text(encoding="utf-8") == "keep me"
    assert {path.name for path in tmp_path.iterdir()} == {"shop", "mine"}


def test_the_command_draws_and_says_what_it_drew(tmp_path: Path) -> None:
    out = StringIO()
    call_command("draw_catalog", out=tmp_path / "shop", products=2, scenes=1, seed=SEED, verbosity=0, stdout=out)
    assert "2 products and 1 street scenes" in out.getvalue()
    with pytest.raises(CommandError, match="cannot draw"):
        call_command("draw_catalog", out=tmp_path / "none", products=0, scenes=1, verbosity=0)
