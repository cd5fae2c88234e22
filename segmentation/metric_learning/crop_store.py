"""Prepared crops on disk: encoded small, memory-mapped, made once for all runs that name the same cache."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.errors import AnnotationError
from segmentation.metric_learning.garment_finder import GarmentFinder
from segmentation.metric_learning.identities import IdentityItem, IdentitySource
from segmentation.metric_learning.preparation import PreparedCrop, prepare

FORMAT = 1
ITEMS_A_CHUNK = 128
JPEG_QUALITY = 93
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CropFacts:
    """Whose crop it is. `product` and `group` begin with the source's name, and so are unique among all."""

    source: str
    kind: str
    photo: str
    product: str
    group: str
    category_id: int | None
    color: str
    aisle: str
    is_whole: bool
    box_xyxy_px: tuple[float, float, float, float]


class CropStore:
    """Crops by number; reading one decodes a picture of some hundred pixels' side."""

    def __init__(self, chunks: Sequence[Path]) -> None:
        """Open finished chunks."""
        self.facts: list[CropFacts] = []
        self._places: list[tuple[int, int, int, int]] = []
        self._bytes: list[NDArray[np.uint8]] = []
        for number, chunk in enumerate(chunks):
            for entry in json.loads(chunk.with_suffix(".json").read_text(encoding="utf-8")):
                picture, mask, end = entry.pop("at")
                entry["box_xyxy_px"] = tuple(entry["box_xyxy_px"])
                self.facts.append(CropFacts(**entry))
                self._places.append((number, picture, mask, end))
            self._bytes.append(np.load(chunk, mmap_mode="r"))

    def __len__(self) -> int:
        """How many crops there are."""
        return len(self.facts)

    def __getitem__(self, index: int) -> PreparedCrop:
        """Decode a crop."""
        number, picture, mask, end = self._places[index]
        data, facts = self._bytes[number], self.facts[index]
        image = np.asarray(cv2.imdecode(np.asarray(data[picture:mask]), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
        alpha = None
        if end > mask:
            alpha = np.asarray(cv2.imdecode(np.asarray(data[mask:end]), cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
        return PreparedCrop(image, alpha, facts.box_xyxy_px, facts.category_id, facts.is_whole)

    def digest(self) -> str:
        """Tells stores with other crops apart: 8 hexadecimal digits."""
        text = "\n".join(f"{each.group}|{each.product}|{each.photo}|{each.is_whole}" for each in self.facts)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def prepare_store(
    sources: Sequence[IdentitySource],
    cache: Path,
    *,
    finder: GarmentFinder | None,
    stored_side_px: int,
    limit: int | None = None,
    on_progress: Progress | None = None,
) -> CropStore:
    """Prepare what the cache lacks of these sources, chunk by chunk; a killed preparation goes on where it was.

    Args:
        sources: Where the pictures are.
        cache: A folder; made where missing. Runs may share it.
        finder: See `prepare`.
        stored_side_px: See `prepare`.
        limit: So many identities of each source at most, the first.
        on_progress: Called with items done and items in all.

    Raises:
        AnnotationError: Two sources share a name, or a picture cannot be read.
    """
    names = [source.name for source in sources]
    if len(set(names)) < len(names):
        raise AnnotationError(f"folders need different names: {', '.join(names)}")
    cache.mkdir(parents=True, exist_ok=True)
    listed = [(source, _limited(list(source.items()), limit)) for source in sources]
    done, total, chunks = 0, sum(len(items) for _, items in listed), []
    for source, items in listed:
        for part in _parts(items):
            version = finder.version if finder is not None else ""
            chunk = cache / f"{source.name}-{_key(part, version, stored_side_px)}.npy"
            if not chunk.with_suffix(".json").is_file():
                _write_chunk(chunk, source, part, finder, stored_side_px)
            chunks.append(chunk)
            done += len(part)
            if on_progress is not None:
                on_progress(done, total)
    return CropStore(chunks)


def _limited(items: list[IdentityItem], limit: int | None) -> list[IdentityItem]:
    if limit is None:
        return items
    groups = set(list(dict.fromkeys(item.group for item in items))[:limit])
    return [item for item in items if item.group in groups]


def _parts(items: list[IdentityItem]) -> Iterator[list[IdentityItem]]:
    for start in range(0, len(items), ITEMS_A_CHUNK):
        yield items[start : start + ITEMS_A_CHUNK]


def _key(items: list[IdentityItem], finder_version: str, stored_side_px: int) -> str:
    """What a chunk is made of; photos are told apart by name, size and time of change."""
    digest = hashlib.sha256(f"{FORMAT} {finder_version} {stored_side_px}".encode())
    for item in items:
        try:
            stat = item.photo.stat()
        except OSError as error:
            raise AnnotationError(f"{item.photo}: {error}") from error
        facts = {**asdict(item), "photo": item.photo.name, "stat": (stat.st_size, stat.st_mtime_ns)}
        digest.update(json.dumps(facts, sort_keys=True).encode())
    return digest.hexdigest()[:12]


def _write_chunk(
    chunk: Path, source: IdentitySource, items: list[IdentityItem], finder: GarmentFinder | None, stored_side_px: int
) -> None:
    """The pictures first, the facts last: a chunk without facts is made anew."""
    parts: list[NDArray[np.uint8]] = []
    entries: list[dict[str, Any]] = []
    at = 0
    for item in items:
        for crop in prepare(item, finder, stored_side_px):
            _, picture = cv2.imencode(".jpg", crop.image_rgb[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
            mask = cv2.imencode(".png", crop.mask)[1] if crop.mask is not None else np.zeros(0, np.uint8)
            parts += [picture.ravel(), mask.ravel()]
            ends = (at, at + picture.size, at + picture.size + mask.size)
            entries.append({**asdict(_facts(source, item, crop)), "at": ends})
            at = ends[2]
    partial = chunk.with_suffix(".partial")
    with partial.open("wb") as stream:
        np.save(stream, np.concatenate([np.zeros(0, np.uint8), *parts]))
    partial.replace(chunk)
    partial.write_text(json.dumps(entries), encoding="utf-8")
    partial.replace(chunk.with_suffix(".json"))


def _facts(source: IdentitySource, item: IdentityItem, crop: PreparedCrop) -> CropFacts:
    return CropFacts(
        source.name,
        source.kind,
        item.photo.name,
        f"{source.name}/{item.product}",
        f"{source.name}/{item.group}",
        crop.category_id,
        item.color,
        item.aisle,
        crop.is_whole,
        crop.box_xyxy_px,
    )
