"""The same photos asked in two spaces: how alike the answers are, how often there is none, how long they take.

Shoppers' photos are not stored, so what stands for them are photos of the catalog, spread evenly over it, and a folder
of photos where the operator has one. Nothing of this is counted in the trends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

import numpy as np

from catalog.models import ProductImage
from search.errors import SearchError
from search.models import ImageDescription, Space
from search.results import RankedProduct, SearchOptions, SearchResult
from search.services import search_by_photo
from segmentation.checkpoint import SpaceInfo
from segmentation.errors import PhotoRejected
from segmentation.evaluation.intervals import bootstrap_interval

DEPTH = 10
"""Products of an answer that are compared."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic"})


@dataclass(frozen=True, slots=True)
class LivePhoto:
    """One photo to ask with."""

    file: Path
    product_id: int | None = None
    """The product it shows, where it is of the catalog."""


@dataclass(slots=True)
class Answers:
    """What one space answered, one value a photo.

    Attributes:
        products: Ids of its best products, the photo's own left out.
        finds_itself: Of catalog photos, whether their own product came first.
        is_none: Whether nothing matched well enough to be shown.
        total_ms: How long it took.
    """

    products: list[frozenset[int]] = field(default_factory=list)
    finds_itself: list[bool] = field(default_factory=list)
    is_none: list[bool] = field(default_factory=list)
    total_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LiveComparison:
    """Two spaces by the same photos, the serving one first in each pair.

    Attributes:
        n_photos: Photos that both answered.
        n_refused: Photos that could not be used.
        overlap_at_10: Share of the best ten products that both name, mean over photos.
        none_share: Shares of photos without any good match.
        own_first_share: Shares of catalog photos whose own product came first; None without any.
        is_own_lost: Whether the second share is the lower one, by more than the choice of photos explains.
        median_ms: Median times of a search.
    """

    n_photos: int
    n_refused: int
    overlap_at_10: float
    none_share: tuple[float, float]
    own_first_share: tuple[float, float] | None
    is_own_lost: bool
    median_ms: tuple[float, float]

    def objections(self) -> list[str]:
        """What speaks against the second space. Other answers, or none, to shoppers' photos may well be better."""
        if self.own_first_share is None or not self.is_own_lost:
            return []
        before, after = self.own_first_share
        return [f"photos of the catalog find their own product first in {after:.2f} of cases instead of {before:.2f}"]


def catalog_photos(space: Space, limit: int) -> list[LivePhoto]:
    """At most `limit` photos of products for sale that a space describes, spread evenly over the catalog."""
    described = ImageDescription.objects.filter(
        space=space, state=ImageDescription.State.OK, image__product__withdrawn_at__isnull=True
    )
    image_ids = list(described.order_by("image_id").values_list("image_id", flat=True))
    n = min(limit, len(image_ids))
    chosen = [image_ids[number * len(image_ids) // n] for number in range(n)]
    images = ProductImage.objects.in_bulk(chosen)
    return [LivePhoto(Path(images[pk].file.path), images[pk].product_id) for pk in chosen if pk in images]


def folder_photos(folder: Path) -> list[LivePhoto]:
    """The photos of a folder and its folders, by name.

    Raises:
        SearchError: There is none.
    """
    found = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not found:
        raise SearchError(f"There are no photos in {folder}.")
    return [LivePhoto(file) for file in found]


def compare_live(
    photos: Sequence[LivePhoto], serving: Space, candidate: Space, *, on_progress: Callable[[int], object]
) -> LiveComparison | None:
    """Asks both spaces with every photo, taking turns in who is asked first.

    Args:
        photos: What to ask with; what cannot be read or used is left out.
        serving: The space that serves.
        candidate: The one to compare it with.
        on_progress: Called with 1 after each photo.

    Returns:
        How they compare; None where no photo could be used.

    Raises:
        SearchError, VectorIndexError, WorkersError: A space cannot be searched.
    """
    answers = {serving.pk: Answers(), candidate.pk: Answers()}
    n_refused = 0
    for number, photo in enumerate(photos):
        turn = (serving, candidate) if number % 2 == 0 else (candidate, serving)
        try:
            data = photo.file.read_bytes()
            results = [(space.pk, search_by_photo(data, _OPTIONS, space=_info(space))) for space in turn]
        except (OSError, PhotoRejected):
            n_refused += 1
        else:
            for pk, result in results:
                _note(answers[pk], result, photo.product_id)
        on_progress(1)
    return _compared(answers[serving.pk], answers[candidate.pk], n_refused)


_OPTIONS = SearchOptions(limit=DEPTH + 1, verdict="none", group_variants=False)
"""Lists in full, whatever they are worth; one more than is compared, because a catalog photo finds itself."""


def _info(space: Space) -> SpaceInfo:
    return SpaceInfo(space.name, space.dim, space.segmenter_version, space.embedder_version)


def _note(answers: Answers, result: SearchResult, product_id: int | None) -> None:
    best = _best_products(result)
    answers.products.append(frozenset([found for found in best if found != product_id][:DEPTH]))
    if product_id is not None:
        answers.finds_itself.append(best[:1] == [product_id])
    answers.is_none.append(all(found.verdict == "none" or not found.results for found in result.objects))
    answers.total_ms.append(result.timings_ms["total"])


def _best_products(result: SearchResult) -> list[int]:
    """The products of all garments of a photo, each once, most alike first."""
    everything: list[RankedProduct] = [each for found in result.objects for each in found.results]
    by_likeness = sorted(everything, key=lambda each: (-each.similarity, each.product.pk))
    return list(dict.fromkeys(each.product.pk for each in by_likeness))


def _compared(serving: Answers, candidate: Answers, n_refused: int) -> LiveComparison | None:
    if not serving.products:
        return None
    overlaps = [
        len(one & other) / max(len(one), len(other), 1)
        for one, other in zip(serving.products, candidate.products, strict=True)
    ]
    return LiveComparison(
        n_photos=len(overlaps),
        n_refused=n_refused,
        overlap_at_10=fmean(overlaps),
        none_share=(fmean(serving.is_none), fmean(candidate.is_none)),
        own_first_share=(fmean(serving.finds_itself), fmean(candidate.finds_itself)) if serving.finds_itself else None,
        is_own_lost=_is_lost(serving.finds_itself, candidate.finds_itself),
        median_ms=(median(serving.total_ms), median(candidate.total_ms)),
    )


def _is_lost(before: Sequence[bool], after: Sequence[bool]) -> bool:
    """Whether less is true of the same photos afterwards, beyond chance."""
    differences = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    return differences.size > 0 and bootstrap_interval(differences)[1] < 0.0
