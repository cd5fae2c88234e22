"""Photos in, described garments out: the one way from pixels to vectors."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from segmentation.boxes import clipped_box, iou
from segmentation.checkpoint import SpaceInfo, read_space
from segmentation.colors import garment_colors
from segmentation.config import ModelConfig
from segmentation.crops import garment_crop
from segmentation.device import best_device
from segmentation.embedding import Embedder
from segmentation.errors import PhotoRejected
from segmentation.images import decode_displayed
from segmentation.masks import Mask
from segmentation.mixing import mix_looks
from segmentation.operating_point import is_large_enough
from segmentation.resizing import resize
from segmentation.segmenter import Found, Segmenter
from segmentation.types import (
    BoxXyxyPx,
    Color,
    ColorHistogram,
    EncodedPhoto,
    GarmentDescriptor,
    MaskRLE,
    PhotoDescription,
    PhotoError,
)

WORKING_SIDE_PX = 1024
"""Crops are cut from photos of at most about this longer side; finer detail is invisible to the embedder."""
REGION_IOU = 0.5
"""A garment that overlaps the asked region by this much is taken to be what was meant."""


@dataclass(slots=True)
class _Photo:
    """A photo on its way through the stages."""

    working_rgb: NDArray[np.uint8]
    width_px: int
    height_px: int
    region_xyxy_px: BoxXyxyPx | None
    decode_ms: float


@dataclass(slots=True)
class _Piece:
    """A garment, or the whole photo, before its crop is embedded."""

    category_id: int | None
    score: float
    box_xyxy_px: BoxXyxyPx
    mask: MaskRLE | None
    color: Color
    color_histogram: ColorHistogram
    crops_rgb: tuple[NDArray[np.uint8], ...]
    """What the embedder looks at: the piece cut out and, of a garment, perhaps its box."""


class GarmentPredictor:
    """Segments, crops, names colors and embeds; batched; one bad photo never spoils its neighbours."""

    def __init__(self, segmenter: Segmenter, embedder: Embedder, config: ModelConfig, space: SpaceInfo) -> None:
        self._segmenter = segmenter
        self._embedder = embedder
        self._config = config
        self.space_info = space

    @classmethod
    def from_files(cls, segmenter: Path, embedder: Path, *, threads: int | None = None) -> GarmentPredictor:
        """Load both checkpoints, onto the GPU where there is one.

        Args:
            segmenter: A segmenter checkpoint.
            embedder: An embedder checkpoint.
            threads: CPU threads torch may use; its own choice where None.

        Raises:
            CheckpointError: One is missing, damaged or of the wrong kind.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        device = best_device()
        seen, _ = Segmenter.from_file(segmenter, device=device.name, bf16=device.bf16)
        embedded, _ = Embedder.from_file(embedder, device=device.name)
        return cls(seen, embedded, seen.config, read_space(segmenter, embedder))

    @property
    def space(self) -> str:
        """The name of the space that embeddings of this predictor live in."""
        return self.space_info.name

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self.space_info.dim

    @property
    def model_version(self) -> str:
        """`name@sha8` of the segmenter."""
        return self.space_info.segmenter_version

    def describe(self, photos: Sequence[EncodedPhoto]) -> list[PhotoDescription | PhotoError]:
        """Describe every garment of every photo.

        Args:
            photos: Files as they arrived. With a region, `garments` holds the garment that fills the region, if
                one does, and `whole_image` describes the region.

        Returns:
            One result a photo, in order. A photo that cannot be used yields a `PhotoError`, the others are
            described all the same.
        """
        opened = [_open(photo) for photo in photos]
        usable = [photo for photo in opened if isinstance(photo, _Photo)]
        started = time.perf_counter()
        found = self._segmenter.find([self._segmenter.fit(photo.working_rgb) for photo in usable]) if usable else []
        pieces = [self._pieces(photo, items) for photo, items in zip(usable, found, strict=True)]
        segmented = time.perf_counter()
        vectors = self._vectors(pieces)
        embedded = time.perf_counter()
        share = 1e3 / max(1, len(usable))
        segment_ms, embed_ms = (segmented - started) * share, (embedded - segmented) * share
        described = iter(_described(usable, pieces, vectors, segment_ms, embed_ms))
        return [next(described) if isinstance(photo, _Photo) else photo for photo in opened]

    def _vectors(self, pieces: list[list[_Piece]]) -> NDArray[np.float32]:
        """Embed every piece of every photo, one row a piece: float32 (N, dim), unit length."""
        crops = [crop for group in pieces for piece in group for crop in piece.crops_rgb]
        vectors = self._embedder.embed(crops)
        rows: list[NDArray[np.float32]] = []
        used = 0
        for group in pieces:
            whole = vectors[used]  # the photo comes first, and is looked at once
            rows.append(whole)
            used += 1
            for piece in group[1:]:
                looks = vectors[used : used + len(piece.crops_rgb)]
                rows.append(mix_looks(looks, whole, self._embedder.config))
                used += len(looks)
        return np.stack(rows) if rows else vectors

    def _pieces(self, photo: _Photo, found: list[Found]) -> list[_Piece]:
        """The whole photo (or region) first, then its garments by falling score."""
        size = (photo.width_px, photo.height_px)
        whole = photo.region_xyxy_px
        if whole is None:
            whole = (0.0, 0.0, float(size[0]), float(size[1]))
        garments = [piece for item in found if (piece := self._garment(photo, item, size))]
        if photo.region_xyxy_px is not None:
            overlaps = [(iou(piece.box_xyxy_px, whole), piece) for piece in garments]
            garments = [
                piece for overlap, piece in sorted(overlaps, key=lambda pair: -pair[0]) if overlap >= REGION_IOU
            ]
            garments = garments[:1]
        return [self._piece(photo, None, 1.0, whole, None, None), *garments]

    def _garment(self, photo: _Photo, found: Found, size: tuple[int, int]) -> _Piece | None:
        detection = self._segmenter.detection(found, size)
        if detection is None or not is_large_enough(detection, self._config):
            return None
        height, width = photo.working_rgb.shape[:2]
        window = self._segmenter.mask_window(found, (width, height))
        box = clipped_box(detection.box_xyxy_px, size)
        return self._piece(photo, found.category_id, found.score, box, detection.mask, window)

    def _piece(
        self,
        photo: _Photo,
        category_id: int | None,
        score: float,
        box: BoxXyxyPx,
        mask: MaskRLE | None,
        window: tuple[Mask, int, int] | None,
    ) -> _Piece:
        height, width = photo.working_rgb.shape[:2]
        x, y = width / photo.width_px, height / photo.height_px
        working_box = (box[0] * x, box[1] * y, box[2] * x, box[3] * y)
        config = self._embedder.config
        crops = [garment_crop(photo.working_rgb, working_box, config, window=window)]
        if window is not None and config.box_weight > 0:
            crops.append(garment_crop(photo.working_rgb, working_box, config, window=None))
        return _Piece(category_id, score, box, mask, *_colors(photo.working_rgb, working_box, window), tuple(crops))


def _open(photo: EncodedPhoto) -> _Photo | PhotoError:
    started = time.perf_counter()
    try:
        rgb, (width, height) = decode_displayed(photo.data, working_side_px=WORKING_SIDE_PX)
    except PhotoRejected as error:
        return PhotoError(error.code, str(error))
    region = photo.region_xyxy_px
    if region is not None:
        region = clipped_box(region, (width, height))
        if not (region[2] - region[0] >= 1 and region[3] - region[1] >= 1):  # as "<" would let NaN through
            return PhotoError("region_outside", "the region lies outside the photo")
    return _Photo(rgb, width, height, region, (time.perf_counter() - started) * 1e3)


def _colors(
    image_rgb: NDArray[np.uint8], box: BoxXyxyPx, window: tuple[Mask, int, int] | None
) -> tuple[Color, ColorHistogram]:
    if window is not None:
        mask, left, top = window
        return garment_colors(image_rgb[top : top + mask.shape[0], left : left + mask.shape[1]], mask)
    left, top = int(box[0]), int(box[1])
    crop = image_rgb[top : max(top + 1, int(np.ceil(box[3]))), left : max(left + 1, int(np.ceil(box[2])))]
    return garment_colors(resize(crop, (64, 64)), None)


def _described(
    photos: list[_Photo], pieces: list[list[_Piece]], vectors: NDArray[np.float32], segment_ms: float, embed_ms: float
) -> list[PhotoDescription]:
    descriptions, row = [], 0
    for photo, group in zip(photos, pieces, strict=True):
        garments = [
            GarmentDescriptor(
                piece.category_id,
                piece.score,
                piece.box_xyxy_px,
                piece.mask,
                piece.color,
                vectors[row + offset],
                piece.color_histogram,
            )
            for offset, piece in enumerate(group)
        ]
        row += len(group)
        latency = {"decode": photo.decode_ms, "segment": segment_ms, "embed": embed_ms}
        descriptions.append(
            PhotoDescription(photo.width_px, photo.height_px, tuple(garments[1:]), garments[0], latency)
        )
    return descriptions
