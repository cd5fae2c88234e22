"""The predictor with the shipped checkpoints: one result a photo, in displayed pixels, bad neighbours or not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segmentation.calibration import Calibration
from segmentation.checkpoint import SHIPPED_EMBEDDER, SHIPPED_SEGMENTER, read_info, read_space
from segmentation.drawn import draw_scene, first_products
from segmentation.masks import mask_from_rle
from segmentation.overlay import draw_overlay
from segmentation.predictor import GarmentPredictor
from segmentation.steering import read_axes
from segmentation.types import EncodedPhoto, PhotoDescription, PhotoError

MAX_CHECKPOINT_BYTES = 30_000_000


@pytest.fixture(scope="module")
def predictor() -> GarmentPredictor:
    return GarmentPredictor.from_files(SHIPPED_SEGMENTER, SHIPPED_EMBEDDER)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    products = first_products(3, 60)
    return draw_scene(products, np.random.default_rng(4))[0]


def jpeg(pixels: np.ndarray, orientation: int = 1, format_name: str = "JPEG") -> bytes:
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    image.save(stream, format_name, quality=92, exif=exif)
    return stream.getvalue()


def described(predictor: GarmentPredictor, data: bytes) -> PhotoDescription:
    (result,) = predictor.describe([EncodedPhoto(data)])
    assert isinstance(result, PhotoDescription), result
    return result


def test_garments_of_a_scene_are_found_with_mask_color_and_unit_vector(
    predictor: GarmentPredictor, scene: np.ndarray
) -> None:
    result = described(predictor, jpeg(scene))
    height, width = scene.shape[:2]
    assert (result.width_px, result.height_px) == (width, height)
    assert result.garments, "a drawn person wears something"
    assert [garment.score for garment in result.garments] == sorted((g.score for g in result.garments), reverse=True)
    for garment in (*result.garments, result.whole_image):
        assert garment.embedding.dtype == np.float32
        assert garment.embedding.shape == (predictor.dim,)
        assert np.linalg.norm(garment.embedding) == pytest.approx(1.0, abs=1e-5)
        x_min, y_min, x_max, y_max = garment.box_xyxy_px
        assert 0 <= x_min < x_max <= width
        assert 0 <= y_min < y_max <= height
    for garment in result.garments:
        assert garment.mask is not None
        mask = mask_from_rle(garment.mask)
        assert mask.shape == (height, width)
        rows, columns = np.nonzero(mask)
        assert columns.min() >= np.floor(garment.box_xyxy_px[0])
        assert columns.max() <= np.ceil(garment.box_xyxy_px[2])
        assert rows.min() >= np.floor(garment.box_xyxy_px[1])
        assert rows.max() <= np.ceil(garment.box_xyxy_px[3])
    assert result.whole_image.mask is None
    assert result.whole_image.category_id is None
    assert set(result.latency_ms) == {"decode", "segment", "embed"}


def test_a_photo_turned_by_its_tag_is_described_as_displayed(predictor: GarmentPredictor, scene: np.ndarray) -> None:
    upright = described(predictor, jpeg(scene, format_name="PNG"))
    stored = np.rot90(scene, k=1)  # orientation 6: the camera was turned, the viewer turns back by 90 degrees clockwise
    turned = described(predictor, jpeg(np.ascontiguousarray(stored), orientation=6, format_name="PNG"))
    assert (turned.width_px, turned.height_px) == (upright.width_px, upright.height_px)
    assert [g.category_id for g in turned.garments] == [g.category_id for g in upright.garments]
    for one, other in zip(turned.garments, upright.garments, strict=True):
        assert one.box_xyxy_px == pytest.approx(other.box_xyxy_px, abs=2)
        assert float(one.embedding @ other.embedding) > 0.99


def test_a_large_photo_has_boxes_and_masks_at_its_own_resolution(
    predictor: GarmentPredictor, scene: np.ndarray
) -> None:
    small = described(predictor, jpeg(scene))
    large_scene = np.asarray(Image.fromarray(scene).resize((scene.shape[1] * 5, scene.shape[0] * 5)))
    large = described(predictor, jpeg(large_scene))
    assert (large.width_px, large.height_px) == (small.width_px * 5, small.height_px * 5)
    assert large.garments
    first = large.garments[0]
    assert first.mask is not None
    assert first.mask["size"] == [large.height_px, large.width_px]
    twin = max(small.garments, key=lambda garment: float(garment.embedding @ first.embedding))
    assert np.array(first.box_xyxy_px) / 5 == pytest.approx(np.array(twin.box_xyxy_px), abs=6)


def test_bad_photos_get_their_own_error_and_spoil_no_neighbour(predictor: GarmentPredictor, scene: np.ndarray) -> None:
    good = jpeg(scene)
    results = predictor.describe([EncodedPhoto(data) for data in (b"", good, b"text", good[:500], good)])
    errors = [result.code if isinstance(result, PhotoError) else None for result in results]
    assert errors == ["empty", None, "not_an_image", "truncated", None]
    alone = described(predictor, good)
    for result in (results[1], results[4]):
        assert isinstance(result, PhotoDescription)
        assert [g.category_id for g in result.garments] == [g.category_id for g in alone.garments]
        for one, other in zip(result.garments, alone.garments, strict=True):
            assert float(one.embedding @ other.embedding) > 0.99, "a batch changes nothing"
    assert predictor.describe([]) == []


def test_a_region_yields_its_garment_or_else_itself(predictor: GarmentPredictor, scene: np.ndarray) -> None:
    data = jpeg(scene)
    garment = described(predictor, data).garments[0]
    (asked,) = predictor.describe([EncodedPhoto(data, garment.box_xyxy_px)])
    assert isinstance(asked, PhotoDescription)
    assert [g.category_id for g in asked.garments] == [garment.category_id]
    corner = (0.0, 0.0, 30.0, 30.0)
    (empty,) = predictor.describe([EncodedPhoto(data, corner)])
    assert isinstance(empty, PhotoDescription)
    assert empty.garments == ()
    assert empty.whole_image.box_xyxy_px == corner
    for region in ((5000.0, 5000.0, 6000.0, 6000.0), (float("nan"), 0.0, 90.0, 90.0)):
        (outside,) = predictor.describe([EncodedPhoto(data, region)])
        assert isinstance(outside, PhotoError)
        assert outside.code == "region_outside"


def test_the_same_garment_is_nearer_to_itself_than_to_others(predictor: GarmentPredictor, scene: np.ndarray) -> None:
    dimmed = (scene.astype(np.float32) * 0.85).astype(np.uint8)
    originals, copies = described(predictor, jpeg(scene)).garments, described(predictor, jpeg(dimmed)).garments
    for copy in copies[:2]:
        nearest = max(originals, key=lambda garment: float(garment.embedding @ copy.embedding))
        assert nearest.box_xyxy_px == pytest.approx(copy.box_xyxy_px, abs=12)


def test_the_shipped_checkpoints_are_small_and_say_what_they_are() -> None:
    for file, kind in ((SHIPPED_SEGMENTER, "segmenter"), (SHIPPED_EMBEDDER, "embedder")):
        info = read_info(file, kind=kind)
        assert file.stat().st_size <= MAX_CHECKPOINT_BYTES
        assert len(info.categories) == 46
    seen, embedded = read_info(SHIPPED_SEGMENTER), read_info(SHIPPED_EMBEDDER)
    for member in seen.provenance["averaged"]:
        stage = member["provenance"]
        while "initial_provenance" in stage:
            assert stage["data"] == "ccp"
            stage = stage["initial_provenance"]
        assert (stage["data"], stage["initial_weights"]) == ("ccp", "mobilenet_v2_imagenet.pth")
    assert embedded.provenance["data"] == ["ccp", "luma", "wardrobe", "drawn2"]
    trunk = embedded.provenance["trunk"]
    assert trunk["data"] == ["luma", "ccp", "wardrobe", "drawn2"]
    assert trunk["initial_weights"] == "mobilenet_v2_imagenet.pth"
    assert Calibration.from_mapping(embedded.metrics["calibration"]).by_category, "scores are chances out of the box"
    assert read_axes(SHIPPED_EMBEDDER) is not None, "searches can be steered out of the box"
    space = read_space(SHIPPED_SEGMENTER, SHIPPED_EMBEDDER)
    assert space.name.startswith("mobilenet_v2-emb")
    assert f"-emb{space.dim}@" in space.name
    assert read_info(SHIPPED_SEGMENTER).metrics["operating_point"]["cross_validated"] > 0.3


def test_the_overlay_has_the_photos_size_and_marks_the_garments(
    predictor: GarmentPredictor, scene: np.ndarray, tmp_path: Path
) -> None:
    result = described(predictor, jpeg(scene))
    overlay = draw_overlay(scene, result.garments)
    assert overlay.size == (scene.shape[1], scene.shape[0])
    changed = np.abs(np.asarray(overlay).astype(int) - scene).sum(axis=2) > 0
    assert result.garments[0].mask is not None
    inside = mask_from_rle(result.garments[0].mask).astype(bool)
    assert changed[inside].mean() > 0.9
