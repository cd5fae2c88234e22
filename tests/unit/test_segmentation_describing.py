"""Colors, crops, averages, projections, average precision: the small pieces between pixels and vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from segmentation.boxes import clipped_box, containment, iou
from segmentation.checkpoint import SHIPPED_EMBEDDER, read_info, read_space
from segmentation.colors import COLOR_NAMES, garment_colors, seen_colors
from segmentation.config import EmbedderConfig
from segmentation.config_files import from_mapping, to_mapping
from segmentation.crops import garment_crop
from segmentation.data.annotations import AnnotatedPhoto, Instance
from segmentation.drawn import draw_packshot, first_products
from segmentation.embedding import CropEmbedder, Embedder, fit_projection
from segmentation.errors import CheckpointError, ConfigError
from segmentation.evaluation.coco_ap import average_precision
from segmentation.masks import rle_from_mask
from segmentation.types import Detection
from segmentation.weights import load_into, read_initial_weights, save_checkpoint

CONFIG = EmbedderConfig("test", dim=16, input_side_px=64)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((10, 10, 12), "black"),
        ((250, 250, 248), "white"),
        ((130, 130, 130), "gray"),
        ((25, 35, 80), "navy"),
        ((205, 30, 40), "red"),
        ((45, 135, 70), "green"),
        ((245, 215, 70), "yellow"),
        ((110, 72, 48), "brown"),
        ((240, 165, 185), "pink"),
        ((55, 100, 180), "blue"),
    ],
)
def test_plain_colors_have_the_name_a_shopper_would_use(rgb: tuple[int, int, int], name: str) -> None:
    color, shares = seen_colors(np.full((50, 3), rgb, np.uint8))
    assert shares == {name: 1.0}
    assert color.name == name
    assert color.rgb == rgb
    assert color.name in COLOR_NAMES


def test_the_color_is_the_garments_not_the_backgrounds() -> None:
    crop = np.full((40, 40, 3), 255, np.uint8)
    crop[10:30, 10:30] = (205, 30, 40)
    mask = np.zeros((40, 40), np.uint8)
    mask[9:31, 9:31] = 1  # a rim of background, as real masks have
    assert garment_colors(crop, mask)[0].name == "red"
    assert garment_colors(crop, None)[0].name == "white"


def test_the_commonest_color_is_the_one_a_pixel_by_pixel_search_finds() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        pixels = np.clip(rng.integers(0, 256, 3) + rng.normal(0, 25, (200, 3)), 0, 255).astype(np.uint8)
        names = [seen_colors(pixel[None])[0].name for pixel in pixels]
        counts = {name: names.count(name) for name in names}
        found, shares = seen_colors(pixels)
        assert shares == {name: n / len(pixels) for name, n in counts.items() if n >= 0.02 * len(pixels)}
        assert counts[found.name] == max(counts.values())
        of_that_name = pixels[[name == found.name for name in names]]
        assert found.rgb == tuple(np.median(of_that_name, axis=0).astype(int))


def test_a_crop_shows_the_garment_centered_and_nothing_else() -> None:
    image = np.full((100, 200, 3), 10, np.uint8)
    image[20:80, 50:80] = 250
    mask = np.ones((60, 30), np.uint8)
    crop = garment_crop(image, (50.0, 20.0, 80.0, 80.0), CONFIG, window=(mask, 50, 20))
    assert crop.shape == (64, 64, 3)
    mean = np.array([round(255 * value) for value in CONFIG.image_mean])
    assert (crop[32, 32] > 240).all()
    assert (crop[:, 0] == mean).all(), "left of the garment there is neutral ground"
    assert not (crop == 10).all(axis=2).any(), "none of the dark background is left"
    assert (garment_crop(image, (50.0, 20.0, 80.0, 80.0), CONFIG) <= 12).all(axis=2).any(), "without a mask it stays"


@pytest.mark.parametrize("box", [(-50.0, -50.0, 5.0, 5.0), (195.0, 95.0, 400.0, 300.0), (10.0, 10.0, 10.2, 10.2)])
def test_a_crop_at_or_over_the_edge_still_has_its_size(box: tuple[float, float, float, float]) -> None:
    assert garment_crop(np.zeros((100, 200, 3), np.uint8), box, CONFIG).shape == (64, 64, 3)


def test_boxes_overlap_and_are_clipped_as_defined() -> None:
    assert iou((0, 0, 2, 2), (2, 0, 4, 2)) == 0.0
    assert iou((0, 0, 4, 4), (1, 1, 3, 3)) == pytest.approx(4 / 16)
    assert containment((0, 0, 4, 4), (2, 0, 6, 4)) == pytest.approx(0.5)
    assert clipped_box((-5, 2, 50, 9), (20, 8)) == (0.0, 2.0, 20.0, 8.0)


def test_whitening_makes_unequal_directions_equal() -> None:
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(2000, 8)) * np.array([9, 5, 3, 2, 1, 0.5, 0.2, 0.1]) + 4).astype(np.float32)
    weight, bias = fit_projection(features, 4, shrinkage=1.0)
    projected = features @ weight.T + bias
    assert projected.mean(axis=0) == pytest.approx(np.zeros(4), abs=1e-3)
    assert projected.std(axis=0) / projected.std(axis=0)[0] == pytest.approx(np.ones(4), rel=0.02)
    with pytest.raises(ConfigError, match="cannot fit"):
        fit_projection(features[:4], 4)


@pytest.fixture(scope="module")
def embedder_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("model") / "embedder.safetensors"
    state = CropEmbedder(CONFIG).state_dict()
    save_checkpoint(file, state, kind="embedder", config=to_mapping(CONFIG), metrics={}, provenance={"data": "none"})
    return file


def test_embeddings_have_unit_length_and_do_not_depend_on_their_batch(embedder_file: Path) -> None:
    embedder, info = Embedder.from_file(embedder_file)
    crops = [np.random.default_rng(seed).integers(0, 255, (64, 64, 3), dtype=np.uint8) for seed in range(11)]
    together = embedder.embed(crops)
    assert together.shape == (11, 16)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(11), abs=1e-5)
    assert embedder.embed([crops[9]])[0] == pytest.approx(together[9], abs=1e-4)
    assert embedder.embed([]).shape == (0, 16)
    assert info.kind == "embedder"
    assert info.version == f"test@{info.sha8}"


NEEDS_GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")]


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_GPU)])
def test_the_served_embedder_describes_crops_as_its_model_does_on_every_device(device: str) -> None:
    config = from_mapping(EmbedderConfig, read_info(SHIPPED_EMBEDDER).config, where="shipped")
    model = CropEmbedder(config).eval()
    load_into(model, SHIPPED_EMBEDDER)
    packshots = [draw_packshot(product, np.random.default_rng(0))[0] for product in first_products(2, 6)]
    crops = [garment_crop(image, (90.0, 90.0, 390.0, 550.0), config) for image in packshots]
    batch = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        expected = model(batch).numpy()
    found = Embedder(model, config, device=device).embed(crops)
    assert ((found * expected).sum(axis=1) > 1 - (1e-5 if device == "cpu" else 1e-4)).all()
    assert (expected @ expected.T).min() < 0.9, "the crops differ"


def test_a_checkpoint_of_the_other_kind_a_damaged_one_and_none_are_told_apart(
    embedder_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="kind embedder, expected segmenter"):
        read_info(embedder_file, kind="segmenter")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(embedder_file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="damaged"):
        read_info(damaged)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        read_space(tmp_path / "none.safetensors", embedder_file)
    with pytest.raises(CheckpointError, match="does not fit"):
        load_into(CropEmbedder(EmbedderConfig("other", dim=8)), embedder_file)


def test_initial_weights_are_never_executed(tmp_path: Path) -> None:
    import pickle  # only here: to build the file that must not be run

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    file = tmp_path / "weights.pth"
    file.write_bytes(pickle.dumps({"conv1.weight": Bomb()}))
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_initial_weights(file)
    assert not (tmp_path / "ran").exists()


def test_perfect_detections_have_ap_one_and_none_have_zero() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[20:80, 30:70] = 1
    rle = rle_from_mask(mask)
    photos = (AnnotatedPhoto("a", Path("a"), 100, 100, (Instance(4, rle), Instance(23, rle))),)
    perfect = [[Detection(4, 0.9, (30.0, 20.0, 70.0, 80.0), rle), Detection(23, 0.8, (30.0, 20.0, 70.0, 80.0), rle)]]
    report = average_precision(photos, perfect)
    assert (report.mask_ap, report.mask_ap50, report.box_ap) == pytest.approx((1.0, 1.0, 1.0))
    assert report.per_category == pytest.approx({"jacket": 1.0, "shoe": 1.0})
    assert average_precision(photos, [[]]).mask_ap == 0.0


def test_a_shifted_mask_counts_only_at_the_thresholds_it_reaches() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[:, :50] = 1
    shifted = np.roll(mask, 10, axis=1)
    overlap = (mask & shifted).sum() / (mask | shifted).sum()  # 40 / 60: reaches 0.50, 0.55, 0.60, 0.65
    assert 0.65 < overlap < 0.70
    photos = (AnnotatedPhoto("a", Path("a"), 100, 100, (Instance(4, rle_from_mask(mask)),)),)
    found = [[Detection(4, 0.9, (10.0, 0.0, 60.0, 100.0), rle_from_mask(shifted))]]
    report = average_precision(photos, found)
    assert report.mask_ap == pytest.approx(0.4)
    assert report.mask_ap50 == pytest.approx(1.0)
    assert report.mask_ap75 == 0.0


def test_a_mixed_up_category_costs_category_ap_but_not_supercategory_ap() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[20:80, 30:70] = 1
    rle = rle_from_mask(mask)
    photos = (AnnotatedPhoto("a", Path("a"), 100, 100, (Instance(0, rle),)),)
    report = average_precision(photos, [[Detection(1, 0.9, (30.0, 20.0, 70.0, 80.0), rle)]])
    assert report.mask_ap == 0.0
    assert report.supercategory_mask_ap == pytest.approx(1.0)
