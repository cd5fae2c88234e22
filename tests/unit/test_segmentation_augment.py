"""What augmentation does: masks and boxes follow the picture, whatever happens to it, and always alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.config import AugmentConfig, ModelConfig, SegmenterConfig, TrainConfig
from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.data.augment import check_augment, draw_framing
from segmentation.data.loaders import TrainingPhotos
from segmentation.data.samplers import SampleKey
from segmentation.data.samples import Sample, load_sample, whole_photo
from segmentation.data.sources import read_annotations
from segmentation.data.transforms import blur, boxes_from_masks, jitter_color, rotate, sharpen
from segmentation.errors import AnnotationError, ConfigError
from segmentation.masks import rle_from_mask

COLORS = {4: (220, 30, 40), 6: (30, 200, 60), 23: (40, 60, 230)}
"""Every garment of the test photos is a rectangle in its category's own color, on grey."""
NOTHING = AugmentConfig(horizontal_flip=0.0, color_jitter=0.0)
MODEL = ModelConfig(max_side_px=120, min_side_px=120)
Draw = Callable[..., AnnotatedPhoto]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """Make a photo file of rectangles: name, size (width, height), {category: xyxy}."""

    def draw_photo(name: str, size: tuple[int, int], garments: dict[int, tuple[int, int, int, int]]) -> AnnotatedPhoto:
        pixels = np.full((size[1], size[0], 3), 128, np.uint8)
        instances = []
        for category_id, (x_min, y_min, x_max, y_max) in garments.items():
            pixels[y_min:y_max, x_min:x_max] = COLORS[category_id]
            mask = np.zeros(size[::-1], np.uint8)
            mask[y_min:y_max, x_min:x_max] = 1
            instances.append(Instance(category_id, rle_from_mask(mask)))
        Image.fromarray(pixels).save(tmp_path / name)
        return AnnotatedPhoto(name, tmp_path / name, size[1], size[0], tuple(instances))

    return draw_photo


@pytest.fixture
def photo(draw: Draw) -> AnnotatedPhoto:
    return draw("a.png", (180, 240), {4: (30, 20, 120, 100), 6: (50, 110, 110, 200), 23: (60, 205, 90, 230)})


def configured(augment: AugmentConfig, model: ModelConfig = MODEL, **train: int) -> SegmenterConfig:
    return SegmenterConfig("x", model, TrainConfig(augment=augment, train_sides_px=(120,), **train))


def samples(photos: tuple[AnnotatedPhoto, ...], config: SegmenterConfig, n: int = 12) -> list[Sample]:
    dataset = TrainingPhotos(photos, config)
    return [dataset.sample(SampleKey(0, 120, 3, position)) for position in range(n)]


def assert_masks_lie_on_their_colors(sample: Sample) -> None:
    """Nearly every pixel of a mask has the garment's color, and nearly every pixel of the color is in the mask."""
    assert sample.masks.shape[1:] == sample.image_rgb.shape[:2]
    for category_id, color in COLORS.items():
        mask = sample.masks[sample.category_ids == category_id].any(axis=0)
        colored = np.abs(sample.image_rgb.astype(int) - color).max(axis=-1) < 40
        perimeter = 4 * np.sqrt(max(mask.sum(), colored.sum())) + 4
        assert (mask & ~colored).sum() <= perimeter, f"category {category_id}: the mask is off its garment"
        assert (colored & ~mask).sum() <= perimeter, f"category {category_id}: garment outside of its mask"


CHANGES = {
    "flip": replace(NOTHING, horizontal_flip=1.0),
    "crop": replace(NOTHING, crop=1.0, crop_min_share=0.4),
    "zoom in": replace(NOTHING, scale_jitter=(1.2, 2.0)),
    "zoom out": replace(NOTHING, scale_jitter=(0.3, 0.9)),
    "rotation": replace(NOTHING, rotation=1.0, rotation_max_deg=40.0),
    "all": AugmentConfig(0.5, crop=0.7, crop_min_share=0.5, scale_jitter=(0.6, 1.6), rotation=0.7, color_jitter=0.0),
}


@pytest.mark.parametrize("resize", ["aspect", "squash"])
@pytest.mark.parametrize("change", CHANGES)
def test_masks_and_boxes_follow_the_picture(photo: AnnotatedPhoto, change: str, resize: str) -> None:
    config = configured(CHANGES[change], replace(MODEL, resize=resize))
    for sample in samples((photo,), config):
        assert_masks_lie_on_their_colors(sample)
        for box, mask in zip(boxes_from_masks(sample.masks).astype(int), sample.masks, strict=True):
            rows, columns = np.nonzero(mask)
            assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize("change", [name for name in CHANGES if name != "flip"])
def test_changes_differ_from_sample_to_sample_and_repeat_exactly(photo: AnnotatedPhoto, change: str) -> None:
    config = configured(CHANGES[change])
    first, again = samples((photo,), config, 6), samples((photo,), config, 6)
    for one, other in zip(first, again, strict=True):
        assert (one.image_rgb == other.image_rgb).all()
        assert (one.masks == other.masks).all()
    assert len({sample.image_rgb.tobytes() for sample in first}) > 3


def test_without_any_change_a_sample_is_the_plain_one(photo: AnnotatedPhoto) -> None:
    dataset = TrainingPhotos((photo,), configured(NOTHING))
    key = SampleKey(0, 100, 5, 7)
    sample, plain = dataset.sample(key), dataset.plain(key)
    loaded = load_sample(photo, MODEL, whole_photo(photo, MODEL, 100))
    for other in (plain, loaded):
        assert (sample.image_rgb == other.image_rgb).all()
        assert (sample.masks == other.masks).all()
        assert (sample.category_ids == other.category_ids).all()
    assert sample.image_rgb.shape == (100, 75, 3)


def test_the_tensors_are_as_torchvision_wants_them(photo: AnnotatedPhoto) -> None:
    image, target, image_id = TrainingPhotos((photo,), configured(NOTHING))[SampleKey(0, 120, 0, 0)]
    assert image.shape == (3, 120, 90)
    assert float(image.max()) <= 1
    assert image_id == "a.png"
    assert target["boxes"].tolist() == [[15, 10, 60, 50], [25, 55, 55, 100], [30, 102, 45, 115]]
    assert target["labels"].tolist() == [5, 7, 24], "class 0 is background"
    assert target["masks"].shape == (3, 120, 90)


def test_a_full_flip_mirrors_everything(photo: AnnotatedPhoto) -> None:
    plain, flipped = (samples((photo,), configured(each), 1)[0] for each in (NOTHING, CHANGES["flip"]))
    assert (flipped.image_rgb == plain.image_rgb[:, ::-1]).all()
    assert (flipped.masks == plain.masks[:, :, ::-1]).all()


def test_a_crop_always_shows_a_garment(draw: Draw) -> None:
    corner = draw("corner.png", (200, 200), {23: (2, 3, 14, 15)})
    for sample in samples((corner,), configured(CHANGES["crop"]), 30):
        assert sample.category_ids.tolist() == [23]
        assert sample.masks.sum() >= 0.9 * 12 * 12 * (120 / 200) ** 2, "and all of it, where it fits"


def test_slivers_at_an_edge_are_not_trained_on(photo: AnnotatedPhoto) -> None:
    config = configured(replace(NOTHING, crop=1.0, crop_min_share=0.2), min_area_px=200)
    found = [int(mask.sum()) for sample in samples((photo,), config, 30) for mask in sample.masks]
    assert found
    assert min(found) >= 200


def test_where_nothing_is_large_enough_a_sample_is_empty_and_well_formed(photo: AnnotatedPhoto) -> None:
    config = configured(CHANGES["all"], min_area_px=10**6)
    image, target, _ = TrainingPhotos((photo,), config)[SampleKey(0, 120, 0, 0)]
    assert target["boxes"].shape == (0, 4)
    assert target["labels"].shape == (0,)
    assert target["masks"].shape == (0, *image.shape[1:])


def test_photos_without_garments_are_changed_like_others(draw: Draw) -> None:
    for sample in samples((draw("empty.png", (100, 80), {}),), configured(CHANGES["all"]), 5):
        assert len(sample.masks) == len(sample.category_ids) == 0


def test_scale_jitter_keeps_the_samples_size_and_crops_keep_the_longer_side(photo: AnnotatedPhoto) -> None:
    for change in ("zoom in", "zoom out"):
        assert {sample.image_rgb.shape for sample in samples((photo,), configured(CHANGES[change]))} == {(120, 90, 3)}
    for sample in samples((photo,), configured(CHANGES["crop"])):
        assert max(sample.image_rgb.shape) == 120


def test_what_lies_beside_a_photo_is_zero_for_the_model(photo: AnnotatedPhoto) -> None:
    framing = draw_framing(photo, MODEL, replace(NOTHING, scale_jitter=(0.5, 0.5)), 120, np.random.default_rng(0))
    assert framing.content_size == (45, 60)
    image = load_sample(photo, MODEL, framing).image_rgb.reshape(-1, 3)
    filled = (image == np.round(255 * np.array(MODEL.image_mean))).all(axis=1)
    assert filled.sum() == pytest.approx(120 * 90 - 45 * 60, abs=5)


def test_a_quarter_turn_is_exact() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (31, 31, 3), dtype=np.uint8)
    masks = (pixels.transpose(2, 0, 1) > 128).astype(np.uint8)
    turned = rotate(Sample(pixels, masks, np.arange(3)), 90.0, (0, 0, 0))
    assert (turned.image_rgb == np.rot90(pixels)).all()
    assert (turned.masks == np.rot90(masks, axes=(1, 2))).all()


def test_colors_change_by_their_factors() -> None:
    pixels = np.random.default_rng(0).integers(60, 180, (20, 20, 3), dtype=np.uint8)
    same = jitter_color(pixels, brightness=1, contrast=1, saturation=1)
    assert (same == pixels).all()
    assert jitter_color(pixels, brightness=1.3, contrast=1, saturation=1).mean() == pytest.approx(
        1.3 * pixels.mean(), 0.01
    )
    assert np.ptp(jitter_color(pixels, brightness=1, contrast=1, saturation=0), axis=-1).max() <= 1, "no color is grey"
    flat = jitter_color(pixels, brightness=1, contrast=0.5, saturation=1)
    assert flat.std() == pytest.approx(0.5 * pixels.std(), 0.02)
    assert flat.mean() == pytest.approx(pixels.mean(), abs=2)
    assert jitter_color(pixels, brightness=3, contrast=1, saturation=1).max() == 255, "and never wraps around"


def test_blur_takes_detail_away_and_sharpening_adds_it() -> None:
    pixels = np.random.default_rng(0).integers(60, 180, (60, 60, 3), dtype=np.uint8)
    assert blur(pixels, 1.0).std() < 0.6 * pixels.std()
    assert sharpen(pixels, 1.0).std() > 1.3 * pixels.std()
    assert sharpen(pixels, 1.0).mean() == pytest.approx(pixels.mean(), abs=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rotation": 1.5}, "train.augment.rotation: expected a probability"),
        ({"horizontal_flip": -0.1}, "train.augment.horizontal_flip"),
        ({"crop_min_share": 0.0}, "crop_min_share: expected above 0"),
        ({"scale_jitter": (1.5, 0.5)}, "scale_jitter: expected two factors"),
        ({"scale_jitter": (0.0, 0.5)}, "scale_jitter: expected two factors"),
        ({"rotation_max_deg": 200.0}, "rotation_max_deg"),
        ({"blur_sigma_px": (0.0, 1.0)}, "blur_sigma_px"),
        ({"color_jitter": 1.0}, "color_jitter: expected 0 to below 1"),
        ({"copy_paste_max": 0}, "copy_paste_max: expected at least 1"),
    ],
)
def test_values_that_mean_nothing_are_refused_by_name(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_augment(replace(NOTHING, **changes))  # type: ignore[arg-type]


def test_a_sample_may_be_one_pixel_wide(draw: Draw) -> None:
    narrow = draw("narrow.png", (20, 2000), {4: (0, 100, 20, 1900)})
    config = configured(CHANGES["flip"], replace(MODEL, resize="aspect"), min_area_px=0)
    image, target, _ = TrainingPhotos((narrow,), config)[SampleKey(0, 64, 0, 0)]
    assert image.shape == (3, 64, 1)
    assert target["masks"].sum() > 50


def test_a_photo_of_another_size_than_annotated_is_an_error_with_its_name(photo: AnnotatedPhoto) -> None:
    wrong = replace(photo, width_px=181)
    with pytest.raises(AnnotationError, match=r"a.png: the photo is 180x240, annotated as 181x240"):
        TrainingPhotos((wrong,), configured(NOTHING)).sample(SampleKey(0, 120, 0, 0))


@pytest.mark.realdata
def test_real_photos_stay_usable_under_everything_at_once(shared_data: Path) -> None:
    photos = read_annotations(shared_data / "ccp").photos[:6]
    augment = replace(CHANGES["all"], sharpen=0.5, blur=0.5, color_jitter=0.3, copy_paste=0.8)
    dataset = TrainingPhotos(photos, SegmenterConfig("x", train=TrainConfig(augment=augment)))
    for position in range(18):
        image, target, _ = dataset[SampleKey(position % 6, 256, 0, position)]
        height, width = image.shape[1:]
        assert len(target["boxes"]) > 0
        assert (target["boxes"][:, 2:] > target["boxes"][:, :2]).all()
        assert (target["boxes"] >= 0).all()
        assert (target["boxes"][:, 2:].max(dim=0).values.numpy() <= (width, height)).all()
        assert target["masks"].flatten(1).sum(dim=1).min() >= 16
