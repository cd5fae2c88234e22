"""Recall on held-out identities, and on the queries of a benchmark with their boxes given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.config import EmbedderConfig
from segmentation.crops import garment_crop
from segmentation.embedding import Embedder
from segmentation.errors import AnnotationError, PhotoRejected
from segmentation.images import decode_displayed
from segmentation.metric_learning.config import EmbedderTrainConfig, ViewConfig
from segmentation.metric_learning.crop_store import CropStore
from segmentation.metric_learning.held_out import Split
from segmentation.metric_learning.preparation import WORKING_SIDE_PX, PreparedCrop
from segmentation.metric_learning.sources import read_benchmark
from segmentation.metric_learning.views import plain_view, random_view

RANKS = (1, 5, 10)
PAIRS_A_QUERY = 20
"""Of each query's nearest, kept for calibration, beside all that are the same."""
_EMBEDDED_AT_ONCE = 64
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutPairs:
    """What calibration is fitted on, a row a pair: cosine, whether of one group, the query's category (-1: none)."""

    similarities: NDArray[np.float32]
    is_same: NDArray[np.bool_]
    same_product: NDArray[np.bool_]
    category_ids: NDArray[np.int64]
    query_ids: NDArray[np.int64]

    def save(self, file: Path) -> None:
        """Write them, atomically."""
        partial = file.with_suffix(".partial")
        with partial.open("wb") as stream:
            np.savez_compressed(stream, **{name: getattr(self, name) for name in self.__slots__})
        partial.replace(file)


def recall_at(ranks_of_first: NDArray[np.int64], k: int) -> float:
    """The share of queries whose first right answer (from 0) is among the first `k`.

    >>> recall_at(np.array([0, 3, 12]), 5)
    0.6666666666666666
    """
    return float((ranks_of_first < k).mean()) if len(ranks_of_first) else 0.0


def first_right(similarities: NDArray[np.float32], right: NDArray[np.bool_]) -> NDArray[np.int64]:
    """At which rank (from 0) each query's best right answer stands; ties count against it.

    Args:
        similarities: float32, shape (queries, gallery).
        right: bool, the same shape.
    """
    best = np.where(right, similarities, -np.inf).max(axis=1)
    before = (similarities >= best[:, None]) & ~right
    return np.asarray(np.where(right.any(axis=1), before.sum(axis=1), np.iinfo(np.int64).max), dtype=np.int64)


def validate(
    embedder: Embedder,
    store: CropStore,
    split: Split,
    train: EmbedderTrainConfig,
    *,
    on_progress: Progress | None = None,
) -> tuple[dict[str, float], HeldOutPairs]:
    """Recall by kind of source; `recall_at_k` is the mean of the kinds.

    Args:
        embedder: What is measured.
        store: Where crops are.
        split: Which are asked, and in which gallery.
        train: Its seed draws the changed views.
        on_progress: Called with crops done and crops in all.

    Returns:
        The figures, and the pairs that scores can be calibrated with.
    """
    model = embedder.config
    queries = [
        _asked(store, index, changed, model, train) for index, changed in zip(split.queries, split.changed, strict=True)
    ]
    crops = (*(lambda index=index: plain_view(store[index], model) for index in split.gallery), *queries)
    vectors = _embed(embedder, crops, on_progress)
    gallery, asked = vectors[: len(split.gallery)], vectors[len(split.gallery) :]
    similarities = asked @ gallery.T
    of_query, of_gallery = ([store.facts[index] for index in each] for each in (split.queries, split.gallery))
    right = _equal([each.group for each in of_query], [each.group for each in of_gallery])
    same_product = _equal([each.product for each in of_query], [each.product for each in of_gallery])
    firsts = first_right(similarities, right)
    kinds = np.array([each.kind for each in of_query])
    figures: dict[str, float] = {}
    for rank in RANKS:
        by_kind = {kind: recall_at(firsts[kinds == kind], rank) for kind in np.unique(kinds).tolist()}
        figures[f"recall_at_{rank}"] = float(np.mean(list(by_kind.values())))
        figures |= {f"{kind}_recall_at_{rank}": value for kind, value in by_kind.items()}
    categories = np.array([-1 if each.category_id is None else each.category_id for each in of_query], dtype=np.int64)
    return figures, _pairs(similarities, right, same_product, categories)


def validate_benchmark(embedder: Embedder, file: Path, *, on_progress: Progress | None = None) -> dict[str, float]:
    """Recall of a benchmark's queries by kind, boxes given and without a segmenter: the embedding alone.

    Raises:
        AnnotationError: The file is no benchmark, or a photo cannot be read.
    """
    content = read_benchmark(file)
    catalog, queries = content["catalog"], content["queries"]
    crops = [
        (lambda each=each: _boxed_crop(file.parent / each["file"], each.get("box_xywh"), embedder.config))
        for each in (*catalog, *queries)
    ]
    vectors = _embed(embedder, crops, on_progress)
    ids = [str(each["id"]) for each in catalog]
    right = np.array([[id_ in query["relevant"] for id_ in ids] for query in queries], dtype=bool)
    firsts = first_right(vectors[len(ids) :] @ vectors[: len(ids)].T, right)
    kinds = np.array([str(query.get("kind", "query")) for query in queries])
    figures = {
        f"benchmark_{kind}_recall_at_{rank}": recall_at(firsts[kinds == kind], rank)
        for kind in np.unique(kinds).tolist()
        for rank in RANKS
    }
    means = {f"benchmark_recall_at_{rank}": _mean(figures, f"_recall_at_{rank}") for rank in RANKS}
    return {**figures, **means}


def _mean(figures: Mapping[str, float], ending: str) -> float:
    return float(np.mean([value for name, value in figures.items() if name.endswith(ending)]))


def _asked(
    store: CropStore, index: int, changed: bool, model: EmbedderConfig, train: EmbedderTrainConfig
) -> Callable[[], NDArray[np.uint8]]:
    def view() -> NDArray[np.uint8]:
        if not changed:
            return plain_view(store[index], model)
        rng = np.random.default_rng([train.seed, 4, index])

        def other() -> PreparedCrop:
            return store[int(rng.integers(len(store)))]

        # Always the same changes, whatever is trained with: recipes are compared by these figures.
        return random_view(store[index], model, ViewConfig(), other, rng)

    return view


def _boxed_crop(photo: Path, box_xywh: Any, config: EmbedderConfig) -> NDArray[np.uint8]:
    try:
        image, (width, height) = decode_displayed(photo.read_bytes(), working_side_px=WORKING_SIDE_PX)
    except (OSError, PhotoRejected) as error:
        raise AnnotationError(f"{photo}: {error}") from error
    x, y, w, h = (float(each) for each in box_xywh) if box_xywh is not None else (0.0, 0.0, width, height)
    scale_x, scale_y = image.shape[1] / width, image.shape[0] / height
    return garment_crop(image, (x * scale_x, y * scale_y, (x + w) * scale_x, (y + h) * scale_y), config)


def _embed(
    embedder: Embedder, crops: Iterable[Callable[[], NDArray[np.uint8]]], on_progress: Progress | None
) -> NDArray[np.float32]:
    makers = list(crops)
    parts = [np.zeros((0, embedder.config.dim), np.float32)]
    for start in range(0, len(makers), _EMBEDDED_AT_ONCE):
        parts.append(embedder.embed([make() for make in makers[start : start + _EMBEDDED_AT_ONCE]]))
        if on_progress is not None:
            on_progress(min(len(makers), start + _EMBEDDED_AT_ONCE), len(makers))
    return np.concatenate(parts)


def _equal(left: Sequence[str], right: Sequence[str]) -> NDArray[np.bool_]:
    return np.asarray(np.array(left)[:, None] == np.array(right)[None], dtype=np.bool_)


def _pairs(
    similarities: NDArray[np.float32],
    right: NDArray[np.bool_],
    same_product: NDArray[np.bool_],
    categories: NDArray[np.int64],
) -> HeldOutPairs:
    rows, columns = [], []
    for row, column in _kept(similarities, right):
        rows.append(row)
        columns.append(column)
    at = (np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64))
    return HeldOutPairs(similarities[at], right[at], same_product[at], categories[at[0]], at[0])


def _kept(similarities: NDArray[np.float32], right: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    for row in range(len(similarities)):
        nearest = np.argsort(-similarities[row], kind="stable")[:PAIRS_A_QUERY]
        for column in np.union1d(nearest, np.flatnonzero(right[row])).tolist():
            yield row, int(column)
