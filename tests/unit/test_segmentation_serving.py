"""The serving path finds what torchvision's own forward pass finds, whatever was done to make it fast."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.models.detection import MaskRCNN

from segmentation.boxes import iou
from segmentation.checkpoint import SHIPPED_SEGMENTER, read_info
from segmentation.config import ModelConfig
from segmentation.config_files import from_mapping
from segmentation.drawn import draw_scene, first_products
from segmentation.model import build_mask_rcnn
from segmentation.operating_point import visible
from segmentation.segmenter import Found, Segmenter
from segmentation.serving.detector import ServingDetector
from segmentation.serving.graphs import ServingOptions
from segmentation.weights import load_into

WEAK = 0.05
UNSURE = 0.12
"""In bfloat16 a garment whose score is this near the threshold may come or go."""
needs_gpu = pytest.param(
    "cuda",
    marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")],
)


@pytest.fixture(scope="module")
def config() -> ModelConfig:
    return from_mapping(ModelConfig, read_info(SHIPPED_SEGMENTER).config["model"], where="shipped")


@pytest.fixture(scope="module")
def model(config: ModelConfig) -> MaskRCNN:
    built = build_mask_rcnn(config).eval()
    load_into(built, SHIPPED_SEGMENTER)
    return built


@pytest.fixture(scope="module")
def photos(config: ModelConfig, model: MaskRCNN) -> list[NDArray[np.uint8]]:
    """Two scenes of one padded size and a broad one, as the model sees them."""
    products = first_products(3, 60)
    segmenter = Segmenter(model, config)
    scenes = [segmenter.fit(draw_scene(products, np.random.default_rng(seed))[0]) for seed in (4, 5)]
    return [*scenes, np.ascontiguousarray(segmenter.fit(scenes[0][150:400]))]


@torch.inference_mode()
def by_torchvision(model: MaskRCNN, photo: NDArray[np.uint8]) -> dict[str, Tensor]:
    """The steps of torchvision in full precision, up to the pasting of masks; its transform must not resize here."""
    images, _ = model.transform([torch.from_numpy(photo).permute(2, 0, 1).float() / 255])
    assert images.image_sizes == [photo.shape[:2]]
    features = model.backbone(images.tensors)
    proposals, _ = model.rpn(images, features)
    found: list[dict[str, Tensor]] = model.roi_heads(features, proposals, images.image_sizes)[0]
    return found[0]


def assert_same(found: Sequence[Found], expected: Sequence[Found], *, atol: float = 1e-4) -> None:
    assert [item.category_id for item in found] == [item.category_id for item in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.score == pytest.approx(other.score, abs=atol)
        assert one.box == pytest.approx(other.box, abs=atol)
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=10 * atol)


@pytest.mark.parametrize("device", ["cpu", needs_gpu])
@pytest.mark.parametrize(
    "options",
    [ServingOptions(), ServingOptions(fuse=False), ServingOptions(False, False, False, False, False)],
    ids=repr,
)
def test_in_full_precision_all_is_found_that_torchvision_finds(
    model: MaskRCNN, photos: list[NDArray[np.uint8]], options: ServingOptions, device: str
) -> None:
    detector = ServingDetector(model, device=device, options=options)
    tolerance = 1e-4 if device == "cpu" else 1e-3  # another order of summing
    for photo in photos:
        expected = by_torchvision(model, photo)
        assert len(expected["scores"]) > 5
        look = detector.look([photo], min_score=0.0)
        [boxes] = look.boxes
        assert (boxes.category_ids.cpu() + 1 == expected["labels"]).all()
        torch.testing.assert_close(boxes.scores.cpu(), expected["scores"], atol=tolerance, rtol=0)
        torch.testing.assert_close(boxes.boxes_xyxy_px.cpu(), expected["boxes"], atol=50 * tolerance, rtol=0)
        [masks] = detector.masks(look, [range(len(boxes.scores))])
        np.testing.assert_allclose(masks, expected["masks"][:, 0].numpy(), atol=10 * tolerance)


@pytest.mark.parametrize("device", ["cpu", needs_gpu])
def test_in_bfloat16_the_same_garments_are_found_in_the_same_places(
    model: MaskRCNN, config: ModelConfig, photos: list[NDArray[np.uint8]], device: str
) -> None:
    exact, rounded = Segmenter(model, config), Segmenter(model, config, device=device, bf16=True)
    overlaps: list[float] = []
    apart: list[float] = []
    for photo in photos:
        expected, found = (each.find([photo], min_score=0.2)[0] for each in (exact, rounded))
        for ours, theirs in ((found, expected), (expected, found)):
            for item in visible(ours, config):
                if item.score >= config.predictor_score_threshold + UNSURE:
                    twin = nearest(item, theirs)
                    overlaps.append(iou(item.box, twin.box))
                    apart.append(abs(item.score - twin.score))
                    if overlaps[-1] >= 0.9:  # the same proposal, or one just beside it
                        assert apart[-1] <= UNSURE
                        assert np.abs(item.probabilities - twin.probabilities).mean() <= 0.1
    assert len(overlaps) >= 6, "the photos show garments that both are sure of"
    assert min(overlaps) >= 0.5, "a neighbouring proposal may win, but never another garment"
    assert np.mean(np.array(overlaps) >= 0.9) >= 0.8
    assert np.mean(apart) <= 0.05


def nearest(item: Found, others: Sequence[Found]) -> Found:
    same = [other for other in others if other.category_id == item.category_id]
    return max(same, key=lambda other: iou(item.box, other.box))


def test_only_weak_detections_are_missing_at_a_higher_score(
    model: MaskRCNN, config: ModelConfig, photos: list[NDArray[np.uint8]]
) -> None:
    segmenter = Segmenter(model, config)
    for photo in photos:
        everything = segmenter.find([photo], min_score=WEAK)[0]
        strong = segmenter.find([photo], min_score=0.4)[0]
        assert len(strong) < len(everything)
        assert_same(strong, [item for item in everything if item.score >= 0.4])
        assert_same(segmenter.find([photo])[0], visible(everything, config))


@pytest.mark.parametrize("device", ["cpu", needs_gpu])
def test_what_is_found_in_a_photo_does_not_depend_on_its_neighbours(
    model: MaskRCNN, config: ModelConfig, photos: list[NDArray[np.uint8]], device: str
) -> None:
    segmenter = Segmenter(model, config, device=device)
    tiny = np.full((20, 70, 3), 200, np.uint8)
    together = segmenter.find([photos[2], photos[0], tiny, photos[1]], min_score=WEAK)
    for found, photo in zip(together, (photos[2], photos[0], tiny, photos[1]), strict=True):
        assert_same(found, segmenter.find([photo], min_score=WEAK)[0], atol=1e-4 if device == "cpu" else 1e-3)
    assert segmenter.find([]) == []


def test_photos_of_one_padded_size_may_share_a_batch(model: MaskRCNN, photos: list[NDArray[np.uint8]]) -> None:
    detector = ServingDetector(model)
    pair = [photos[0], np.ascontiguousarray(photos[1][:-3, :-5])]
    both = detector.look(pair, min_score=WEAK)
    masks = detector.masks(both, [range(len(boxes.scores)) for boxes in both.boxes])
    for photo, boxes, squares in zip(pair, both.boxes, masks, strict=True):
        alone = detector.look([photo], min_score=WEAK)
        assert boxes.category_ids.tolist() == alone.boxes[0].category_ids.tolist()
        torch.testing.assert_close(boxes.boxes_xyxy_px, alone.boxes[0].boxes_xyxy_px, atol=5e-3, rtol=0)
        [expected] = detector.masks(alone, [range(len(boxes.scores))])
        np.testing.assert_allclose(squares, expected, atol=1e-3)
    assert [part.shape for part in detector.masks(both, [[1], []])] == [(1, 28, 28), (0, 28, 28)]
    assert [part.shape for part in detector.masks(both, [[], []])] == [(0, 28, 28)] * 2


def test_threads_that_share_a_segmenter_find_what_one_finds(
    model: MaskRCNN, config: ModelConfig, photos: list[NDArray[np.uint8]]
) -> None:
    segmenter = Segmenter(model, config)
    queue = [photos[index % 3] for index in range(6)]
    with ThreadPoolExecutor(3) as pool:  # before anything is cached
        found = list(pool.map(lambda photo: segmenter.find([photo], min_score=WEAK)[0], queue))
    for items, photo in zip(found, queue, strict=True):
        assert_same(items, segmenter.find([photo], min_score=WEAK)[0])


def tiny(backbone: str = "mobilenet_v2", **changes: Any) -> ModelConfig:
    return ModelConfig(
        backbone=backbone,
        anchor_sizes_px=((16,), (32,), (64,), (96,)),
        fpn_channels=16,
        box_head_dim=16,
        mask_head_channels=(16,),
        score_threshold=0.0,
        **changes,
    )


def test_a_photo_is_seen_at_the_size_it_was_fitted_to() -> None:
    torch.manual_seed(0)
    configs = [tiny(max_side_px=side, min_side_px=side) for side in (96, 512)]
    models = [build_mask_rcnn(one) for one in configs]
    models[1].load_state_dict(models[0].state_dict())
    photo = np.random.default_rng(0).integers(0, 255, (80, 96, 3), dtype=np.uint8)
    small, large = (
        Segmenter(built, one).find([photo], min_score=0.0)[0] for built, one in zip(models, configs, strict=True)
    )
    assert small
    assert_same(large, small)


def test_the_model_that_is_served_can_go_on_training() -> None:
    torch.manual_seed(0)
    trained = build_mask_rcnn(tiny()).train()
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    segmenter = Segmenter(trained, tiny())
    photo = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    found = segmenter.find([photo], min_score=0.0)[0]
    assert trained.training
    assert all(parameter.requires_grad for parameter in trained.parameters())
    after = trained.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], value) for name, value in before.items())
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.zero_()
    assert_same(segmenter.find([photo], min_score=0.0)[0], found)
