"""Measures an embedder on a benchmark whose photos were segmented once: a row costs its crops, nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.ablation_rows import Row
from search.evaluation.benchmark import Benchmark, BenchmarkQuery
from search.evaluation.remembered import RememberingPredictor
from search.product_categories import choose_product_garments, product_category_ids
from segmentation.crops import garment_crop
from segmentation.embedding import Embedder
from segmentation.images import decode_displayed
from segmentation.masks import mask_from_rle
from segmentation.predictor import WORKING_SIDE_PX
from segmentation.taxonomy import category_by_id, compatible_category_ids
from segmentation.types import BoxXyxyPx, EncodedPhoto, GarmentDescriptor, PhotoError

RANKS = (1, 10)
_MARGIN = 0.1
"""Around a catalog item that is a box in a photo, as `search.evaluation` cuts it out."""
_LEAST_INSIDE = 0.5

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Seen:
    """One photo with the garments that count; empty where the photo stands for itself."""

    image_rgb: NDArray[np.uint8]
    garments: tuple[GarmentDescriptor, ...]


@dataclass(frozen=True, slots=True)
class Segmented:
    """A benchmark after segmentation."""

    benchmark: Benchmark
    catalog: tuple[Seen, ...]
    queries: tuple[Seen, ...]


def segment(benchmark: Benchmark, predictor: RememberingPredictor) -> Iterator[int | Segmented]:
    """Find the garments of all photos; yields how many are done, then the result."""
    catalog, queries = [], []
    for done, item in enumerate(benchmark.catalog, start=1):
        words = item.product_type if item.category_id is None else category_by_id(item.category_id).name
        image, garments = _look(item.file, item.box_xyxy_px, predictor)
        chosen = choose_product_garments(garments, product_category_ids(words, "", words))
        catalog.append(Seen(image, tuple(chosen)))
        yield done
    for done, query in enumerate(benchmark.queries, start=len(catalog) + 1):
        image, garments = _look(query.file, None, predictor)
        inside = [each for each in garments if category_by_id(each.category_id or 0).is_garment]
        queries.append(Seen(image, tuple(each for each in inside if _is_inside(each.box_xyxy_px, query))))
        yield done
    yield Segmented(benchmark, tuple(catalog), tuple(queries))


class Remembering:
    """An embedder that looks at no crop twice, also not in another row that cuts it alike."""

    def __init__(self, embedder: Embedder, known: dict[bytes, Floats]) -> None:
        """Share `known` among embedders that differ in nothing but how crops are cut."""
        self._embedder, self._known = embedder, known
        self.config = embedder.config

    def embed(self, crops_rgb: list[NDArray[np.uint8]]) -> Floats:
        """As `Embedder.embed`."""
        keys = [hashlib.sha256(crop.tobytes()).digest() for crop in crops_rgb]
        new = {key: crop for key, crop in zip(keys, crops_rgb, strict=True) if key not in self._known}
        self._known.update(zip(new, self._embedder.embed(list(new.values())), strict=True))
        return np.stack([self._known[key] for key in keys])


def measure(segmented: Segmented, embedder: Remembering, row: Row) -> dict[str, float]:
    """Recall by kind of query: of whole photos (segmented), and of given boxes (the embedder alone)."""
    catalog = [_vectors(seen, embedder, row) for seen in segmented.catalog]
    rows = np.concatenate([vectors for vectors, _, _ in catalog])
    items = np.repeat(np.arange(len(catalog)), [len(vectors) for vectors, _, _ in catalog])
    categories = np.concatenate([ids for _, ids, _ in catalog])
    wholes = np.stack([whole for _, _, whole in catalog])
    ids = np.array([item.id for item in segmented.benchmark.catalog])
    ranks: dict[str, list[int]] = {}
    for query, seen in zip(segmented.benchmark.queries, segmented.queries, strict=True):
        if not query.relevant:
            continue
        right = np.isin(ids, list(query.relevant))
        best = _best_of_items(_vectors(seen, embedder, row), rows, items, categories, len(ids), filtered=row.filtered)
        ranks.setdefault(f"photo {query.kind}", []).append(_rank(best, right))
        boxed = wholes @ _boxed(query, seen, embedder)
        ranks.setdefault(f"box {query.kind}", []).append(_rank(boxed, right))
    return {f"{name} @{k}": float(np.mean(np.array(found) < k)) for name, found in ranks.items() for k in RANKS}


def _look(
    file: Path, box: BoxXyxyPx | None, predictor: RememberingPredictor
) -> tuple[NDArray[np.uint8], tuple[GarmentDescriptor, ...]]:
    data = file.read_bytes() if box is None else _cut(file, box)
    (described,) = predictor.describe([EncodedPhoto(data)])
    if isinstance(described, PhotoError):
        raise SystemExit(f"{file}: {described.message}")
    image, _ = decode_displayed(data, working_side_px=WORKING_SIDE_PX)
    scale_x, scale_y = image.shape[1] / described.width_px, image.shape[0] / described.height_px
    garments = [dataclasses.replace(each, box_xyxy_px=_scaled(each, scale_x, scale_y)) for each in described.garments]
    return image, tuple(garments)


def _cut(file: Path, box: BoxXyxyPx) -> bytes:
    margin = _MARGIN * max(box[2] - box[0], box[3] - box[1])
    with Image.open(file) as image:
        edges = (max(0, int(box[0] - margin)), max(0, int(box[1] - margin)))
        ends = (min(image.width, int(box[2] + margin) + 1), min(image.height, int(box[3] + margin) + 1))
        stream = io.BytesIO()
        image.convert("RGB").crop((*edges, *ends)).save(stream, "PNG")
    return stream.getvalue()


def _scaled(garment: GarmentDescriptor, x: float, y: float) -> BoxXyxyPx:
    left, top, right, bottom = garment.box_xyxy_px
    return (left * x, top * y, right * x, bottom * y)


def _vectors(seen: Seen, embedder: Remembering, row: Row) -> tuple[Floats, NDArray[np.int64], Floats]:
    """A photo's vectors (its garments', or its own), their categories (-1: none), and the photo's own vector."""
    height, width = seen.image_rgb.shape[:2]
    whole = embedder.embed([garment_crop(seen.image_rgb, (0.0, 0.0, float(width), float(height)), embedder.config)])
    if not seen.garments:
        return whole, np.array([-1]), whole[0]
    views = row.views
    mixed = views.masked * embedder.embed([_crop(seen, each, embedder, masked=True) for each in seen.garments])
    if views.unmasked:
        mixed += views.unmasked * embedder.embed([_crop(seen, each, embedder, masked=False) for each in seen.garments])
    mixed += views.whole * whole
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    return mixed, np.array([each.category_id for each in seen.garments], dtype=np.int64), whole[0]


def _crop(seen: Seen, garment: GarmentDescriptor, embedder: Remembering, *, masked: bool) -> NDArray[np.uint8]:
    window = None
    if masked and garment.mask is not None:
        height, width = seen.image_rgb.shape[:2]
        mask = mask_from_rle(garment.mask)
        if mask.shape != (height, width):
            mask = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))
        window = (mask, 0, 0)
    return garment_crop(seen.image_rgb, garment.box_xyxy_px, embedder.config, window=window)


def _boxed(query: BenchmarkQuery, seen: Seen, embedder: Remembering) -> Floats:
    height, width = seen.image_rgb.shape[:2]
    box = query.box_xyxy_px
    if box is None:
        box = (0.0, 0.0, float(width), float(height))
    found: Floats = embedder.embed([garment_crop(seen.image_rgb, box, embedder.config)])[0]
    return found


def _best_of_items(
    asked: tuple[Floats, NDArray[np.int64], Floats],
    rows: Floats,
    items: NDArray[np.int64],
    categories: NDArray[np.int64],
    n_items: int,
    *,
    filtered: bool,
) -> Floats:
    best = np.full(n_items, -np.inf, dtype=np.float32)
    for vector, category_id in zip(asked[0], asked[1].tolist(), strict=True):
        allowed = np.ones(len(rows), dtype=np.bool_)
        if filtered and category_id >= 0:
            allowed = np.isin(categories, [*compatible_category_ids(category_id), -1])
        np.maximum.at(best, items[allowed], rows[allowed] @ vector)
    return best


def _rank(scores: Floats, right: NDArray[np.bool_]) -> int:
    """How many wrong products stand before the first right one; ties count against it."""
    best = scores[right].max()
    return int((scores[~right] >= best).sum()) if np.isfinite(best) else len(scores)


def _is_inside(box: BoxXyxyPx, query: BenchmarkQuery) -> bool:
    if query.box_xyxy_px is None:
        return True
    left, top, right, bottom = query.box_xyxy_px
    width, height = min(box[2], right) - max(box[0], left), min(box[3], bottom) - max(box[1], top)
    return max(0.0, width) * max(0.0, height) > _LEAST_INSIDE * (box[2] - box[0]) * (box[3] - box[1])


def columns(results: Sequence[Mapping[str, float]]) -> list[str]:
    """All figures that occur, in the order they first do."""
    return list(dict.fromkeys(name for each in results for name in each))
