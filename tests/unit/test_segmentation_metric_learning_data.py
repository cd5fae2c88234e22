"""Identities, prepared crops, views and batches of the embedder's training."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from segmentation.config import EmbedderConfig
from segmentation.drawn import draw_catalog
from segmentation.errors import AnnotationError
from segmentation.masks import rle_from_mask
from segmentation.metric_learning.batches import Identities, ViewBatches, epoch_order, n_batches
from segmentation.metric_learning.config import EmbedderTrainConfig, ViewConfig
from segmentation.metric_learning.crop_store import CropStore, prepare_store
from segmentation.metric_learning.foreground import white_background_mask
from segmentation.metric_learning.held_out import split_crops
from segmentation.metric_learning.identities import FEED, IdentityItem, IdentitySource
from segmentation.metric_learning.preparation import prepare
from segmentation.metric_learning.sources import exclude_benchmarks, open_source
from segmentation.metric_learning.validation import validate_benchmark
from segmentation.metric_learning.views import plain_view, random_view
from segmentation.taxonomy import CATEGORIES

MODEL = EmbedderConfig("tiny", dim=8, input_side_px=32)
MEAN = tuple(round(255 * value) for value in MODEL.image_mean)
RED, BLUE = (200, 20, 20), (20, 20, 200)


def packshot(color: tuple[int, int, int], background: int = 255) -> NDArray[np.uint8]:
    image = np.full((80, 60, 3), background, np.uint8)
    image[20:60, 15:45] = color
    return image


def write_feed(folder: Path, rows: list[dict[str, str]]) -> Path:
    (folder / "images").mkdir(parents=True)
    columns = ("id", "item_group_id", "image_link", "additional_image_link", "color", "product_type")
    with (folder / "feed.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows({**dict.fromkeys(columns, ""), **row} for row in rows)
    for number, row in enumerate(rows):
        for link in (row["image_link"], *row.get("additional_image_link", "").split(",")):
            if link:
                image = packshot(RED if number % 2 else BLUE)
                Image.fromarray(np.roll(image, number, axis=0)).save(folder / link)
    return folder


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    rows = [
        {"id": "a-red", "item_group_id": "a", "image_link": "images/1.png", "additional_image_link": "images/2.png"},
        {"id": "a-blue", "item_group_id": "a", "image_link": "images/3.png", "product_type": "Women > Tees"},
        {"id": "b", "image_link": "images/4.png", "product_type": "Pants"},
    ]
    return write_feed(tmp_path / "shop", rows)


@dataclass(frozen=True)
class ListedSource:
    """A source of given items."""

    listed: tuple[IdentityItem, ...]
    name: str = "listed"
    kind: str = FEED

    def items(self) -> Iterator[IdentityItem]:
        yield from self.listed


def many(tmp_path: Path, n_groups: int, *, aisles: int = 2, category_of: dict[int, int] | None = None) -> CropStore:
    """A store of groups with two products, each with one boxed crop."""
    photo = tmp_path / "photo.png"
    if not photo.is_file():
        Image.fromarray(packshot(RED)).save(photo)
    items = tuple(
        IdentityItem(
            photo,
            f"{group}-{product}",
            str(group),
            (category_of or {}).get(group, 1),
            "",
            f"aisle {group % aisles}",
            None,
            (10.0, 10.0, 50.0, 70.0),
        )
        for group in range(n_groups)
        for product in range(2)
    )
    return prepare_store([ListedSource(items)], tmp_path / "crops", finder=None, stored_side_px=64)


def test_a_feed_gives_every_image_of_a_product_and_joins_colors(feed: Path) -> None:
    found = [(item.product, item.group, item.photo.name, item.category_id) for item in open_source(feed).items()]
    assert found == [
        ("a-red", "a", "1.png", None),
        ("a-red", "a", "2.png", None),
        ("a-blue", "a", "3.png", 1),
        ("b", "b", "4.png", 6),
    ]


def test_a_drawn_shops_scenes_show_the_products_of_its_packshots(tmp_path: Path) -> None:
    draw_catalog(tmp_path / "shop", products=24, scenes=1, seed=5)
    items = list(open_source(tmp_path / "shop").items())
    folders = {
        name: {i.product for i in items if i.photo.parent.name == name} for name in ("images", "scenes", "views")
    }
    assert folders["scenes"] <= folders["images"]
    assert folders["scenes"]
    assert folders["views"] <= folders["images"]
    assert len(folders["images"]) == 24


def test_two_shoes_of_one_photo_are_one_identity_but_a_red_and_a_blue_bag_are_two(tmp_path: Path) -> None:
    image = np.full((120, 160, 3), 255, np.uint8)
    places = {23: ((10, RED), (50, RED)), 24: ((90, RED), (130, BLUE))}
    annotations = []
    for category_id, pair in places.items():
        for left, color in pair:
            mask = np.zeros((120, 160), np.uint8)
            mask[40:80, left : left + 26] = 1
            image[mask.astype(bool)] = color
            rle = rle_from_mask(mask)
            annotations.append({"id": len(annotations), "image_id": 1, "category_id": category_id, "segmentation": rle})
    Image.fromarray(image).save(tmp_path / "p.png")
    content = {
        "images": [{"id": 1, "file_name": "p.png", "width": 160, "height": 120}],
        "annotations": annotations,
        "categories": [{"id": category.id, "name": category.name} for category in CATEGORIES],
    }
    content["annotations"] = [{**each, "area": 1040, "iscrowd": 0} for each in annotations]
    (tmp_path / "instances_train.json").write_text(json.dumps(content))
    shoes: list[str] = []
    bags: list[str] = []
    for item in open_source(tmp_path).items():
        (shoes if item.category_id == 23 else bags).append(item.product)
    assert (len(shoes), len(set(shoes))) == (2, 1)
    assert (len(bags), len(set(bags))) == (2, 2)


def test_what_a_benchmark_asks_with_is_never_learned_from(feed: Path) -> None:
    benchmark = {
        "catalog": [{"id": "a-red", "item_group": "a", "file": "images/1.png"}],
        "queries": [
            {"file": "images/2.png", "relevant": {"a-red": 2}, "product": "a"},
            {"file": "images/9.png", "relevant": {"b": 2}, "product": "b"},
        ],
    }
    (feed / "benchmark.json").write_text(json.dumps(benchmark))
    (source,) = exclude_benchmarks([open_source(feed)], [feed / "benchmark.json"])
    assert [item.photo.name for item in source.items()] == ["1.png", "3.png"]


def test_a_file_that_is_no_benchmark_and_a_folder_that_is_no_source_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('{"catalog": [{}], "queries": []}')
    with pytest.raises(AnnotationError, match=r"b.json: no retrieval benchmark"):
        exclude_benchmarks([], [tmp_path / "b.json"])
    with pytest.raises(AnnotationError, match=r"neither feed\.csv"):
        open_source(tmp_path)


def test_white_around_a_thing_is_told_from_the_thing_and_a_wall_from_neither() -> None:
    mask = white_background_mask(packshot(RED))
    assert mask is not None
    assert mask[20:60, 15:45].all()
    assert mask.sum() == 40 * 30
    assert white_background_mask(packshot(RED, background=120)) is None
    assert white_background_mask(np.full((50, 50, 3), 255, np.uint8)) is None


def test_a_packshot_is_learned_from_whole_and_cut_out(feed: Path) -> None:
    item = next(iter(open_source(feed).items()))
    whole, cut = prepare(item, None, stored_side_px=40)
    assert (whole.is_whole, cut.is_whole) == (True, False)
    assert max(whole.image_rgb.shape) == max(cut.image_rgb.shape) == 40
    corner = plain_view(whole, MODEL)[2, 16], plain_view(cut, MODEL)[16, 1]
    assert corner[0].tolist() == [255, 255, 255], "a whole photo keeps its background"
    assert np.abs(corner[1].astype(int) - MEAN).max() <= 2, "a garment stands on the mean color"


def test_a_photo_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo at all")
    item = IdentityItem(tmp_path / "broken.jpg", "a", "a", None, "", "x")
    with pytest.raises(AnnotationError, match=r"broken.jpg"):
        prepare(item, None, stored_side_px=40)


def test_prepared_crops_are_made_once_and_a_half_made_chunk_again(feed: Path, tmp_path: Path) -> None:
    def store() -> CropStore:
        return prepare_store([open_source(feed)], tmp_path / "crops", finder=None, stored_side_px=40)

    first = store()
    (chunk,) = (tmp_path / "crops").glob("*.npy")
    written = chunk.stat().st_mtime_ns
    assert store().digest() == first.digest()
    assert chunk.stat().st_mtime_ns == written
    chunk.with_suffix(".json").unlink()  # as a kill between the two files leaves it
    chunk.write_bytes(b"half")
    again = store()
    for index in range(len(first)):
        assert again.facts[index] == first.facts[index]
        assert again[index].image_rgb.shape[2] == 3
    masks = [again[index].mask for index in range(len(again))]
    assert all(mask is not None and set(np.unique(mask)) <= {0, 1} for mask in masks)


def test_changed_photos_are_prepared_anew(feed: Path, tmp_path: Path) -> None:
    def shade() -> int:
        store = prepare_store([open_source(feed)], tmp_path / "crops", finder=None, stored_side_px=40)
        return int(store[0].image_rgb[store[0].image_rgb.shape[0] // 2, 15, 0])

    before = shade()
    Image.fromarray(packshot((90, 90, 90))).save(feed / "images" / "1.png")
    assert abs(shade() - before) > 30


def test_folders_of_one_name_are_refused(feed: Path, tmp_path: Path) -> None:
    sources: list[IdentitySource] = [open_source(feed), open_source(feed)]
    with pytest.raises(AnnotationError, match="different names: shop, shop"):
        prepare_store(sources, tmp_path / "crops", finder=None, stored_side_px=40)


def test_views_differ_but_the_same_numbers_give_the_same_view(feed: Path) -> None:
    _, cut = prepare(next(iter(open_source(feed).items())), None, stored_side_px=64)
    changes = ViewConfig()

    def view(seed: int) -> NDArray[np.uint8]:
        return random_view(cut, MODEL, changes, lambda: cut, np.random.default_rng(seed))

    views = [view(seed) for seed in range(20)]
    assert all(each.shape == (32, 32, 3) and each.dtype == np.uint8 for each in views)
    assert np.array_equal(view(3), views[3])
    assert len({each.tobytes() for each in views}) == 20


def test_a_view_without_changes_is_the_served_crop(feed: Path) -> None:
    _, cut = prepare(next(iter(open_source(feed).items())), None, stored_side_px=64)
    names = [field.name for field in dataclasses.fields(ViewConfig) if isinstance(field.default, float)]
    still = dataclasses.replace(ViewConfig(), **{**dict.fromkeys(names, 0.0), "suppressed": 1.0})
    view = random_view(cut, MODEL, still, lambda: cut, np.random.default_rng(0))
    assert np.abs(view.astype(int) - plain_view(cut, MODEL)).mean() < 2


def test_a_swapped_backdrop_keeps_the_garment_and_an_occlusion_hides_a_part(feed: Path) -> None:
    _, cut = prepare(next(iter(open_source(feed).items())), None, stored_side_px=64)
    other = dataclasses.replace(cut, image_rgb=np.full_like(cut.image_rgb, (0, 255, 0)))
    names = [field.name for field in dataclasses.fields(ViewConfig) if isinstance(field.default, float)]
    still = dataclasses.replace(ViewConfig(), **dict.fromkeys(names, 0.0))

    def green_and_blue(changes: ViewConfig) -> tuple[float, float]:
        views = np.stack(
            [random_view(cut, MODEL, changes, lambda: other, np.random.default_rng(seed)) for seed in range(12)]
        ).astype(int)
        green = (views[..., 1] > 150) & (views[..., 0] < 100)
        blue = (views[..., 2] > 150) & (views[..., 1] < 100)
        return float(green.mean()), float(blue.mean())

    green, blue = green_and_blue(dataclasses.replace(still, context=1.0))
    swapped, kept = green_and_blue(dataclasses.replace(still, context=1.0, backdrop=1.0))
    _, hidden = green_and_blue(dataclasses.replace(still, context=1.0, occlusion=1.0, occlusion_max_share=0.6))
    assert green == 0
    assert swapped > 0.2
    assert kept > 0.8 * blue
    assert hidden < 0.97 * blue


def test_held_out_groups_are_in_no_training_crop_and_keep_their_side(tmp_path: Path) -> None:
    train = EmbedderTrainConfig(validation_percent=30, n_distractors=5)
    few, more = (many(tmp_path / str(n), n) if (tmp_path / str(n)).mkdir() is None else None for n in (40, 60))
    assert few is not None
    assert more is not None

    def held(store: CropStore) -> set[str]:
        split = split_crops(store, train)
        held_out = {store.facts[index].group for index in split.queries}
        assert held_out.isdisjoint(store.facts[index].group for index in split.train)
        return held_out

    assert held(few) == {name for name in held(more) if int(name.split("/")[1]) < 40}
    with pytest.raises(AnnotationError, match="no identity to validate on"):
        split_crops(more, dataclasses.replace(train, validation_percent=0))


def test_batches_are_the_same_whenever_they_are_made_and_differ_by_epoch(tmp_path: Path) -> None:
    identities = Identities(store := many(tmp_path, 12), range(len(store)))
    train = EmbedderTrainConfig(groups_per_batch=4, views_per_group=2, same_aisle_run=2)
    whole = ViewBatches(identities, MODEL, train, 0, 0, 3)
    rest = ViewBatches(identities, MODEL, train, 0, 2, 3)
    assert np.array_equal(whole[2].crops, rest[0].crops)
    assert len(rest) == 1
    assert whole[0].crops.shape == (8, 32, 32, 3)
    assert not np.array_equal(ViewBatches(identities, MODEL, train, 1, 0, 3)[0].groups, whole[0].groups)
    groups = np.concatenate([np.unique(whole[number].groups) for number in range(3)])
    assert sorted(groups.tolist()) == list(range(12)), "each group once an epoch"


@pytest.mark.parametrize(("same_product", "products"), [(1.0, 1), (0.0, 2)])
def test_views_of_a_group_are_of_one_product_or_of_several(tmp_path: Path, same_product: float, products: int) -> None:
    identities = Identities(store := many(tmp_path, 4), range(len(store)))
    train = EmbedderTrainConfig(groups_per_batch=4, views_per_group=2, same_product=same_product)
    batch = ViewBatches(identities, MODEL, train, 0, 0, 1)[0]
    for group in range(4):
        assert len(set(batch.products[batch.groups == group].tolist())) == products


def test_runs_of_one_aisle_stand_together(tmp_path: Path) -> None:
    identities = Identities(store := many(tmp_path, 16, aisles=2), range(len(store)))
    order = epoch_order(identities, EmbedderTrainConfig(same_aisle_run=4), 0)
    for start in range(0, 16, 4):
        assert len({identities.aisles[group] for group in order[start : start + 4]}) == 1


def test_repeats_by_folder_and_balance_by_category_decide_how_often_a_group_is_seen(tmp_path: Path) -> None:
    identities = Identities(store := many(tmp_path, 20, category_of=dict.fromkeys(range(16), 23)), range(len(store)))
    twice = EmbedderTrainConfig(groups_per_batch=4, repeats={"listed": 2.5, "feed": 1.0})
    assert n_batches(identities, twice) == 12
    seen = Counter(np.concatenate([epoch_order(identities, twice, epoch) for epoch in range(4)]).tolist())
    assert set(seen.values()) == {10}
    even = EmbedderTrainConfig(groups_per_batch=4, category_power=0.0)
    order = np.concatenate([epoch_order(identities, even, epoch) for epoch in range(4)])
    assert (order < 16).sum() == (order >= 16).sum() == 40


def test_a_benchmarks_queries_are_asked_with_their_boxes(tmp_path: Path) -> None:
    class Looks:
        """An embedder that sees the mean color."""

        config = dataclasses.replace(MODEL, dim=3)

        def embed(self, crops: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
            means = np.stack([crop[8:24, 8:24].reshape(-1, 3).mean(axis=0) for crop in crops]).astype(np.float32) - 110
            return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)

    both = np.concatenate((packshot(RED, 128), packshot(BLUE, 128)), axis=1)
    for name, image in (("red", packshot(RED)), ("blue", packshot(BLUE)), ("street", both)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), image[..., ::-1])
    queries = [
        {"file": "street.png", "kind": "wild", "box_xywh": [75, 20, 30, 40], "relevant": {"blue": 2}},
        {"file": "street.png", "kind": "wild", "box_xywh": [15, 20, 30, 40], "relevant": {"red": 2}},
        {"file": "red.png", "kind": "studio", "box_xywh": None, "relevant": {"blue": 1}},
    ]
    catalog = [{"id": name, "file": f"{name}.png"} for name in ("red", "blue")]
    (tmp_path / "b.json").write_text(json.dumps({"catalog": catalog, "queries": queries}))
    figures = validate_benchmark(Looks(), tmp_path / "b.json")  # type: ignore[arg-type]
    assert figures["benchmark_wild_recall_at_1"] == 1
    assert figures["benchmark_studio_recall_at_1"] == 0
    assert figures["benchmark_studio_recall_at_5"] == 1
    assert figures["benchmark_recall_at_1"] == 0.5
