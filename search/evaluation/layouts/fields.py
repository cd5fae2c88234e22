"""Reads values of a JSON file strictly: whatever is not as documented is told by its place in the file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.errors import BenchmarkError
from segmentation.taxonomy import N_CATEGORIES
from segmentation.types import BoxXyxyPx


def read_json(file: Path) -> Any:
    """The file's content.

    Raises:
        BenchmarkError: It cannot be read, or is no JSON.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BenchmarkError(f"{file}: {error.strerror}.") from error
    except ValueError as error:
        raise BenchmarkError(f"{file} is no JSON file: {error}.") from error


@dataclass(frozen=True, slots=True)
class Place:
    """A value and where it stands in its file."""

    value: Any
    where: str

    def field(self, name: str) -> Place:
        """A field that must be there.

        Raises:
            BenchmarkError: This is no object, or has no such field.
        """
        if not isinstance(self.value, Mapping):
            raise self.error("must be an object")
        if name not in self.value:
            raise self.error(f"has no {name!r}")
        return Place(self.value[name], f"{self.where}.{name}")

    def optional(self, name: str) -> Place | None:
        """A field that may be missing or null; None then."""
        if isinstance(self.value, Mapping) and self.value.get(name) is None:
            return None
        return self.field(name)

    def items(self) -> list[Place]:
        """The members of a list."""
        if not isinstance(self.value, list):
            raise self.error("must be a list")
        return [Place(value, f"{self.where}[{number}]") for number, value in enumerate(self.value)]

    def text(self) -> str:
        """A text that is not blank."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.error("must be a text that is not blank")
        return self.value

    def file(self, folder: Path) -> Path:
        """A file's path, relative to a folder."""
        path = Path(self.text())
        if path.is_absolute():
            raise self.error("must be a path relative to the benchmark's folder")
        return folder / path

    def category_id(self) -> int:
        """A category of the taxonomy."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not 0 <= self.value < N_CATEGORIES:
            raise self.error(f"must be a category id, 0..{N_CATEGORIES - 1}")
        return self.value

    def box_of_xywh(self) -> BoxXyxyPx:
        """Left, top, width, height in pixels as a box of corners."""
        edges = self._four_numbers("x, y, width, height")
        x, y, width, height = edges
        if width <= 0 or height <= 0:
            raise self.error("must have a width and a height above 0")
        return (x, y, x + width, y + height)

    def box_of_corners(self) -> BoxXyxyPx:
        """x_min, y_min, x_max, y_max in pixels."""
        x_min, y_min, x_max, y_max = self._four_numbers("x_min, y_min, x_max, y_max")
        if x_max <= x_min or y_max <= y_min:
            raise self.error("must have x_min < x_max and y_min < y_max")
        return (x_min, y_min, x_max, y_max)

    def _four_numbers(self, names: str) -> tuple[float, float, float, float]:
        numbers = self.value if isinstance(self.value, list) else []
        if len(numbers) != 4 or not all(_is_finite(number) for number in numbers):
            raise self.error(f"must be four finite numbers: {names}")
        first, second, third, fourth = (float(number) for number in numbers)
        return (first, second, third, fourth)

    def error(self, expected: str) -> BenchmarkError:
        """What to raise where the value is not as expected."""
        shown = json.dumps(self.value, default=str)
        return BenchmarkError(f"{self.where} {expected}, not {shown if len(shown) <= 80 else f'{shown[:80]}…'}.")


def _is_finite(number: object) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
