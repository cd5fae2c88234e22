"""Identity from catalogs: feeds in Google's columns, and shops that `manage.py draw_catalog` drew."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentation.errors import AnnotationError
from segmentation.metric_learning.identities import DRAWN, FEED, IdentityItem, aisle_of, category_of_words

FEED_FILE = "feed.csv"
SCENES_FILE = "scenes_instances.json"
LEAST_SCENE_PX = 500
"""Garments of which a drawn scene shows less are not learned from."""


@dataclass(frozen=True)
class FeedSource:
    """A folder with feed.csv whose image links are files: every row a product, `item_group_id` joins colors.

    Links to the web are left out: download them first (`manage.py index_catalog` keeps copies).
    """

    folder: Path
    kind: str = FEED

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    def items(self) -> Iterator[IdentityItem]:
        """Every image of every row.

        Raises:
            AnnotationError: No feed there, or without the columns that are needed.
        """
        for row in _rows(self.folder / FEED_FILE):
            for link in (row["image_link"], *(row.get("additional_image_link") or "").split(",")):
                photo = self.folder / link.strip()
                if link.strip() and "://" not in link and photo.is_file():
                    yield _item(row, photo)


@dataclass(frozen=True)
class DrawnSource:
    """A drawn shop: packshots, second views, and street scenes whose annotations name the product."""

    folder: Path
    kind: str = DRAWN

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    def items(self) -> Iterator[IdentityItem]:
        """Packshots and second views first, then the garments of the scenes.

        Raises:
            AnnotationError: A file is missing or no drawn catalog's.
        """
        rows = {row["id"]: row for row in _rows(self.folder / FEED_FILE)}
        for name in ("instances.json", SCENES_FILE):
            yield from self._annotated(name, rows)
        for row in rows.values():
            view = self.folder / "views" / Path(row["image_link"]).name
            if view.is_file():
                yield _item(row, view)

    def _annotated(self, name: str, rows: dict[str, dict[str, str]]) -> Iterator[IdentityItem]:
        try:
            content: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
            files = {image["id"]: self.folder / image["file_name"] for image in content["images"]}
            for each in content["annotations"]:
                if each["area"] >= LEAST_SCENE_PX:
                    row, mask = rows[each["product_id"]], each["segmentation"]
                    yield _item(row, files[each["image_id"]], int(each["category_id"]), mask)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise AnnotationError(f"{self.folder / name}: no drawn catalog's annotations: {error!r}") from error


def _item(row: dict[str, str], photo: Path, category_id: int | None = None, mask: Any = None) -> IdentityItem:
    words = row.get("product_type") or row.get("google_product_category") or ""
    category_id = category_of_words(words) if category_id is None else category_id
    color = (row.get("color") or "").lower()
    group = (row.get("item_group_id") or "").strip() or row["id"]
    return IdentityItem(photo, row["id"], group, category_id, color, aisle_of(category_id, words), mask)


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = {"id", "image_link"} - set(reader.fieldnames or ())
            if missing:
                raise AnnotationError(f"{file}: no column {', '.join(sorted(missing))}")
            return [row for row in reader if row["id"] and row["image_link"]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(f"{file}: {error}") from error
