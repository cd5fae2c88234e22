"""Annotated photos in memory, whatever file they came from."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.data.problems import AnnotationProblem
from segmentation.data.records import Records, RecordsBuilder
from segmentation.masks import rle_area
from segmentation.taxonomy import N_CATEGORIES
from segmentation.types import MaskRLE


@dataclass(frozen=True, slots=True)
class Instance:
    """One annotated garment: its category (0..45), mask at the photo's size, and attributes (0..91)."""

    category_id: int
    mask: MaskRLE
    attribute_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AnnotatedPhoto:
    """A photo file and what is in it. `height_px` and `width_px` are the annotated, not the decoded, size."""

    image_id: str
    file: Path
    height_px: int
    width_px: int
    instances: tuple[Instance, ...]


class Photos(Sequence[AnnotatedPhoto]):
    """Annotated photos as a tuple would hold them, but made when asked for, out of arrays.

    A part (`take`, a slice) shares the arrays of the whole. Sent to another process, a part brings its own photos
    alone, as a few arrays.
    """

    __slots__ = ("_indices", "_records")

    def __init__(self, records: Records, indices: NDArray[np.int64] | None = None) -> None:
        """Show `indices` of the records' photos, all where None."""
        self._records = records
        self._indices = np.arange(len(records.files)) if indices is None else indices

    @classmethod
    def of(cls, photos: Iterable[AnnotatedPhoto]) -> Photos:
        """Gather photos that are at hand."""
        if isinstance(photos, Photos):
            return photos
        builder = RecordsBuilder()
        for photo in photos:
            number = builder.add_photo(photo.image_id, str(photo.file), photo.height_px, photo.width_px)
            for each in photo.instances:
                counts, area_px = each.mask["counts"].encode("ascii"), rle_area(each.mask)
                builder.add_instance(number, each.category_id, counts, area_px, each.attribute_ids)
        return cls(builder.build())

    @classmethod
    def concatenated(cls, parts: Iterable[Photos]) -> Photos:
        """The photos of all parts, in their order."""
        parts = list(parts)
        return parts[0] if len(parts) == 1 else cls(Records.concatenated([part._own_records() for part in parts]))

    def __len__(self) -> int:
        """How many photos there are."""
        return len(self._indices)

    @overload
    def __getitem__(self, key: int) -> AnnotatedPhoto: ...
    @overload
    def __getitem__(self, key: slice) -> Photos: ...
    def __getitem__(self, key: int | slice) -> AnnotatedPhoto | Photos:
        """One photo with its instances, or a part of the photos."""
        if isinstance(key, slice):
            return Photos(self._records, self._indices[key])
        records, index = self._records, int(self._indices[operator.index(key)])
        height_px, width_px = (int(side) for side in records.sizes_hw_px[index])
        instances = tuple(
            Instance(
                int(records.category_ids[number]),
                {"size": [height_px, width_px], "counts": records.counts.row(number).tobytes().decode("ascii")},
                tuple(records.attributes.row(number).tolist()),
            )
            for number in range(records.bounds[index], records.bounds[index + 1])
        )
        return AnnotatedPhoto(records.image_ids[index], Path(records.files[index]), height_px, width_px, instances)

    def __eq__(self, other: object) -> bool:
        """Whether another sequence holds equal photos."""
        if not isinstance(other, Photos | tuple):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as the masks' dicts in it

    def __repr__(self) -> str:
        """Sizes, not contents."""
        return f"<{len(self)} photos, {self.n_instances} instances>"

    def __reduce__(self) -> tuple[Any, ...]:
        """For processes: arrays of the own photos alone."""
        return Photos, (self._own_records(),)

    def take(self, indices: ArrayLike) -> Photos:
        """These photos, in this order; one may come twice.

        Args:
            indices: Whole numbers, shape (n,), negative ones counted from the end.
        """
        return Photos(self._records, self._indices[np.asarray(indices, dtype=np.int64)])

    def with_instances(self) -> Photos:
        """The photos on which a garment is annotated."""
        return self.take(np.flatnonzero(self.instance_counts()))

    @property
    def n_instances(self) -> int:
        """How many garments are annotated in all photos together."""
        return int(self.instance_counts().sum())

    @property
    def image_ids(self) -> list[str]:
        """Every photo's id."""
        return [self._records.image_ids[index] for index in self._indices]

    @property
    def files(self) -> list[Path]:
        """Every photo's file."""
        return [Path(self._records.files[index]) for index in self._indices]

    @property
    def sizes_hw_px(self) -> NDArray[np.int32]:
        """Annotated height and width, shape (n_photos, 2)."""
        return self._records.sizes_hw_px[self._indices]

    def instance_counts(self) -> NDArray[np.int64]:
        """How many garments each photo has, shape (n_photos,)."""
        return np.diff(self._records.bounds)[self._indices]

    def category_counts(self) -> NDArray[np.int32]:
        """How many garments of each category each photo has, shape (n_photos, 46)."""
        records = self._records
        owners = np.repeat(np.arange(len(records.files)), np.diff(records.bounds))
        cells = np.bincount(owners * N_CATEGORIES + records.category_ids, minlength=len(records.files) * N_CATEGORIES)
        return cells.reshape(-1, N_CATEGORIES).astype(np.int32)[self._indices]

    def area_shares(self) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Every garment's category (0..45) and the share of its photo that it covers, both of shape (n_instances,)."""
        records = self._records
        instances, bounds = records.instances_of(self._indices)
        photo_areas = self.sizes_hw_px.astype(np.float64).prod(axis=1)
        return records.category_ids[instances], records.areas_px[instances] / np.repeat(photo_areas, np.diff(bounds))

    def _own_records(self) -> Records:
        whole = np.array_equal(self._indices, np.arange(len(self._records.files)))
        return self._records if whole else self._records.take(self._indices)


@dataclass(frozen=True, slots=True)
class AnnotationSet:
    """All usable photos of a data set, in the file's order, and the problems met on the way."""

    photos: Photos
    problems: tuple[AnnotationProblem, ...]

    @property
    def n_instances(self) -> int:
        """How many garments are annotated in all photos together."""
        return self.photos.n_instances
