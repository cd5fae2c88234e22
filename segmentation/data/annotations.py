"""Annotated photos in memory, whatever file they came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class AnnotationProblem:
    """One row that cannot be used, and why."""

    file: Path
    row: int
    reason: str

    def __str__(self) -> str:
        """As a person reads it: file, row, reason."""
        return f"{self.file.name}, row {self.row}: {self.reason}"


@dataclass(frozen=True, slots=True)
class AnnotationSet:
    """All usable photos of a data set, in the file's order, and the problems met on the way."""

    photos: tuple[AnnotatedPhoto, ...]
    problems: tuple[AnnotationProblem, ...]

    @property
    def n_instances(self) -> int:
        """How many garments are annotated in all photos together."""
        return sum(len(photo.instances) for photo in self.photos)
