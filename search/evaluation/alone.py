"""Two parts of a search by themselves: the embedder without segmentation, and the index against an exact search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from search.errors import BenchmarkError
from search.evaluation.asking import N_RESULTS
from search.evaluation.benchmark import BenchmarkQuery
from search.index.base import Where
from search.index.registry import open_reader
from search.models import Garment, Space
from search.selectors import indexable_garments, read_embedding
from segmentation.types import Embedding, EncodedPhoto, PhotoError
from workers import client

_DESCRIBE_TIMEOUT_S = 600.0
_SAME_SCORE = 1e-4
"""Two vectors this close in similarity are as good as one another (8-bit codes are re-ranked in float32)."""


class WholePictures:
    """Every catalog picture as one vector, compared exactly: what the measure "embedding" asks."""

    def __init__(self, space: Space, item_ids: dict[int, str]) -> None:
        rows = list(
            Garment.objects.filter(description__space=space, category_id=None).values_list("product_id", "embedding")
        )
        self._item_ids = [item_ids[product_id] for product_id, _ in rows]
        self._vectors = np.stack([read_embedding(stored) for _, stored in rows])

    def nearest(self, query: BenchmarkQuery, data: bytes, space: Space) -> list[str]:
        """The catalog's ids, nearest first, each once, for the crop of a query's box (or its whole photo)."""
        photo = EncodedPhoto(data, query.box_xyxy_px)
        (described,) = client.describe_photos([photo], timeout_s=_DESCRIBE_TIMEOUT_S, space=space.name)
        if isinstance(described, PhotoError):
            raise BenchmarkError(f"Query {query.id!r}: {described.message}.")
        order = np.argsort(-(self._vectors @ described.whole_image.embedding), kind="stable")
        return list(dict.fromkeys(self._item_ids[place] for place in order))[:N_RESULTS]


def index_recall(space: Space, vectors: Sequence[Embedding]) -> float:
    """The share of the ten nearest garments that the published index returns, against an exact search of the records.

    Args:
        space: Whose index.
        vectors: Queries, at least one.
    """
    stored = [read_embedding(each) for each in indexable_garments(space).values_list("embedding", flat=True)]
    exact, queries = np.stack(stored), np.stack(list(vectors))
    k = min(N_RESULTS, len(exact))
    least: NDArray[np.float32] = np.partition(queries @ exact.T, len(exact) - k, axis=1)[:, len(exact) - k]
    found = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim).search(queries, k, Where())
    return float((found.scores >= least[:, None] - _SAME_SCORE).mean())
