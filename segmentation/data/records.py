"""A data set's annotations as arrays: 333,415 masks in a few hundred megabytes, and nothing decoded.

A mask is kept as COCO's compressed run-lengths: about three bytes a mask column, and what pycocotools decodes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segmentation.data.ragged import Ragged, joined_bounds


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Photos and their instances, instances in their photos' order.

    sizes_hw_px: int32, shape (n_photos, 2), annotated height and width.
    bounds: int64, shape (n_photos + 1,); photo i has the instances bounds[i] up to bounds[i + 1].
    category_ids: uint8, shape (n_instances,), 0..45. areas_px: int64, shape (n_instances,).
    attributes: A row an instance, ids 0..91. counts: A row an instance, COCO's compressed run-lengths in ASCII.
    """

    image_ids: tuple[str, ...]
    files: tuple[str, ...]
    sizes_hw_px: NDArray[np.int32]
    bounds: NDArray[np.int64]
    category_ids: NDArray[np.uint8]
    areas_px: NDArray[np.int64]
    attributes: Ragged
    counts: Ragged

    def take(self, photos: NDArray[np.int64]) -> Records:
        """Copy these photos, in this order."""
        instances, bounds = self.instances_of(photos)
        return Records(
            tuple(self.image_ids[index] for index in photos),
            tuple(self.files[index] for index in photos),
            self.sizes_hw_px[photos],
            bounds,
            self.category_ids[instances],
            self.areas_px[instances],
            self.attributes.take(instances),
            self.counts.take(instances),
        )

    def instances_of(self, photos: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The numbers of these photos' instances, photo by photo, and where each photo begins among them."""
        lengths = np.diff(self.bounds)[photos]
        bounds = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        return np.repeat(self.bounds[photos] - bounds[:-1], lengths) + np.arange(bounds[-1]), bounds

    @staticmethod
    def concatenated(parts: Sequence[Records]) -> Records:
        """All photos of all parts, in their order; no part is no photo."""
        parts = parts if parts else [RecordsBuilder().build()]
        return Records(
            tuple(image_id for part in parts for image_id in part.image_ids),
            tuple(file for part in parts for file in part.files),
            np.concatenate([part.sizes_hw_px for part in parts]),
            joined_bounds([part.bounds for part in parts]),
            np.concatenate([part.category_ids for part in parts]),
            np.concatenate([part.areas_px for part in parts]),
            Ragged.concatenated([part.attributes for part in parts]),
            Ragged.concatenated([part.counts for part in parts]),
        )


@dataclass(slots=True)
class RecordsBuilder:
    """Collects photos and instances in whatever order a file brings them."""

    image_ids: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    _sizes: array[int] = field(default_factory=lambda: array("i"))
    _owners: array[int] = field(default_factory=lambda: array("q"))
    _category_ids: bytearray = field(default_factory=bytearray)
    _areas: array[int] = field(default_factory=lambda: array("q"))
    _attributes: bytearray = field(default_factory=bytearray)
    _attribute_bounds: array[int] = field(default_factory=lambda: array("q", [0]))
    _counts: bytearray = field(default_factory=bytearray)
    _count_bounds: array[int] = field(default_factory=lambda: array("q", [0]))

    def add_photo(self, image_id: str, file: str, height_px: int, width_px: int) -> int:
        """Add a photo and give its number."""
        self.image_ids.append(image_id)
        self.files.append(file)
        self._sizes.extend((height_px, width_px))
        return len(self.files) - 1

    def size_hw_px(self, photo: int) -> tuple[int, int]:
        """A photo's height and width."""
        return self._sizes[2 * photo], self._sizes[2 * photo + 1]

    def add_instance(
        self, photo: int, category_id: int, counts: bytes, area_px: int, attribute_ids: Sequence[int]
    ) -> int:
        """Add a garment of a photo and give its number.

        Args:
            photo: The photo's number.
            category_id: 0..45.
            counts: COCO's compressed run-lengths.
            area_px: Of the mask.
            attribute_ids: 0..91 each.
        """
        self._owners.append(photo)
        self._category_ids.append(category_id)
        self._areas.append(area_px)
        self._attributes.extend(attribute_ids)
        self._attribute_bounds.append(len(self._attributes))
        self._counts += counts
        self._count_bounds.append(len(self._counts))
        return len(self._owners) - 1

    def counts(self, instance: int) -> bytes:
        """An instance's run-lengths, as they were added."""
        return bytes(self._counts[self._count_bounds[instance] : self._count_bounds[instance + 1]])

    def build(self) -> Records:
        """What was collected; add nothing afterwards, the arrays are not copied."""
        owners = np.frombuffer(self._owners, np.int64)
        bounds = np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=len(self.files))))).astype(np.int64)
        category_ids = np.frombuffer(self._category_ids, np.uint8)
        areas_px = np.frombuffer(self._areas, np.int64)
        attributes = Ragged(np.frombuffer(self._attributes, np.uint8), np.frombuffer(self._attribute_bounds, np.int64))
        counts = Ragged(np.frombuffer(self._counts, np.uint8), np.frombuffer(self._count_bounds, np.int64))
        if (np.diff(owners) < 0).any():
            order = np.argsort(owners, kind="stable")
            category_ids, areas_px = category_ids[order], areas_px[order]
            attributes, counts = attributes.take(order), counts.take(order)
        sizes = np.frombuffer(self._sizes, np.int32).reshape(-1, 2)
        return Records(
            tuple(self.image_ids), tuple(self.files), sizes, bounds, category_ids, areas_px, attributes, counts
        )
