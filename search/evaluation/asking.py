"""Asks a benchmark's queries as shoppers would, and keeps what came back.

What the answer to a photo of several garments is, is defined here once:

- A query's **objects** are the answered objects (garments, and the photo as a whole) that lie in the query's box by
  more than half; without a box, all of them.
- **photo**: the results of all those objects in one list by falling score, each product once at its best. Where the
  query names a category, only objects of a compatible category count: its box is one garment's. No object: the query
  is missed.
- **tapped**: as a shopper who taps on the garment she means: only the heaviest object (score times area; where the
  query names a category, the one that covers its box best) of a category compatible with what should be found; the
  whole where no garment was found at all. No such object: missed.
- **box**: the query's box sent along as the API's `box` option, what a shopper draws; without a box, as *photo*.
- **embedding**: no segmentation on either side: the crop of the box (or the whole photo) against the catalog pictures
  as wholes, compared exactly, no category asked. What the embedder does alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search.evaluation.benchmark import Benchmark, BenchmarkQuery
from search.results import SearchedObject, SearchOptions, SearchResult
from search.services import search_by_photo
from segmentation.boxes import iou
from segmentation.calibration import Verdict
from segmentation.taxonomy import compatible_category_ids
from segmentation.types import BoxXyxyPx

N_RESULTS = 10
"""Deepest rank that is looked at."""
LEAST_SHARE_INSIDE = 0.5
"""Of an object's box, in the query's."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One product of an answer list."""

    item_id: str
    similarity: float
    score: float
    verdict: Verdict
    category_id: int | None
    """Of the object that was asked with."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one search of one photo gave."""

    query: BenchmarkQuery
    result: SearchResult
    wanted_category_id: int | None
    """Of what should be found."""
    item_ids: dict[int, str]
    """Benchmark's ids by product's primary key."""

    def photo(self) -> list[Answer]:
        """The list of the measure "photo"; empty where the query is missed."""
        objects = self._objects()
        if self.query.category_id is not None:
            objects = [found for found in objects if _is_compatible(found, self.query.category_id)]
        best: dict[str, Answer] = {}
        for answer in (answer for found in objects for answer in self._answers(found)):
            known = best.get(answer.item_id)
            if known is None or _order(answer) < _order(known):
                best[answer.item_id] = answer
        return sorted(best.values(), key=_order)[:N_RESULTS]

    def tapped(self) -> list[Answer]:
        """The list of the measure "tapped"; empty where the query is missed."""
        wanted = self.wanted_category_id
        objects = self._objects()
        if any(found.kind == "garment" for found in self.result.objects):
            objects = [found for found in objects if found.kind == "garment"]  # nobody taps on the whole
        objects = [found for found in objects if wanted is None or _is_compatible(found, wanted)]
        return self._answers(max(objects, key=self._weight)) if objects else []

    def whole(self) -> list[Answer]:
        """What the photo as one thing was answered with, where it was searched beside garments."""
        wholes = [found for found in self.result.objects if found.kind == "whole_image" and found.object_id > 0]
        return self._answers(wholes[0]) if wholes else []

    def _objects(self) -> list[SearchedObject]:
        box = self.query.box_xyxy_px
        return [found for found in self.result.objects if box is None or _is_inside(found, box)]

    def _weight(self, found: SearchedObject) -> float:
        box = found.descriptor.box_xyxy_px
        if self.query.category_id is not None and self.query.box_xyxy_px is not None:
            return iou(box, self.query.box_xyxy_px)
        return found.descriptor.score * _area(box)

    def _answers(self, found: SearchedObject) -> list[Answer]:
        return [
            Answer(
                self.item_ids[ranked.product.pk],
                ranked.similarity,
                ranked.score,
                ranked.verdict,
                found.descriptor.category_id,
            )
            for ranked in found.results[:N_RESULTS]
        ]


def ask(benchmark: Benchmark, query: BenchmarkQuery, data: bytes, item_ids: dict[int, str], *, with_box: bool) -> Asked:
    """Search one photo through the code of `/api/search`; variants are not merged, nothing is held back.

    Args:
        benchmark: Says what category should be found.
        query: The query.
        data: Its photo's file.
        item_ids: Benchmark's ids by product's primary key.
        with_box: Send its box along.

    Raises:
        PhotoRejected, InvalidRegion, VectorIndexError, WorkersError: As a search.
    """
    options = SearchOptions(
        limit=N_RESULTS, verdict="none", group_variants=False, box_xyxy=query.box_xyxy_px if with_box else None
    )
    return Asked(query, search_by_photo(data, options), benchmark.wanted_category_id(query), item_ids)


def _order(answer: Answer) -> tuple[float, float, str]:
    return (-answer.score, -answer.similarity, answer.item_id)


def _is_compatible(found: SearchedObject, category_id: int) -> bool:
    """A photo (or region) as a whole answers for whatever is in it."""
    seen = found.descriptor.category_id
    return seen is None or category_id in compatible_category_ids(seen)


def _is_inside(found: SearchedObject, box: BoxXyxyPx) -> bool:
    if found.descriptor.category_id is None:
        return True
    edges: Sequence[float] = found.descriptor.box_xyxy_px
    width = min(edges[2], box[2]) - max(edges[0], box[0])
    height = min(edges[3], box[3]) - max(edges[1], box[1])
    return max(0.0, width) * max(0.0, height) > LEAST_SHARE_INSIDE * _area(found.descriptor.box_xyxy_px)


def _area(box: BoxXyxyPx) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
