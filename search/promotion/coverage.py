"""Whether a space holds what another one does: no photo missing, no photo lost, an index equal to the records."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, QuerySet

from search.indexing import index_is_whole, sync_index
from search.models import ImageDescription, Space
from search.selectors import due_images, indexable_garments

PATIENCE_S = 5.0
"""A catalog that is changed all the time never equals its index at one moment; a change arrives within a second."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the catalog a space holds beside the one that serves.

    Attributes:
        n_described: Photos of products for sale that were described in it.
        n_due: Photos for sale that were not described in it yet.
        n_lost: Photos that the serving space describes and this one failed at.
        n_garments: Garments that searches can find in it.
        is_published: Whether its index holds what the records do.
    """

    n_described: int
    n_due: int
    n_lost: int
    n_garments: int
    is_published: bool

    def objections(self, space: str) -> list[str]:
        """What speaks against serving from it, each with what helps; empty where nothing does."""
        found = []
        if self.n_due:
            found.append(f"{self.n_due} photos are not described in it yet: run index_catalog --space {space}")
        if self.n_lost:
            found.append(
                f"{self.n_lost} photos that the serving space shows could not be described in it: run "
                f"index_catalog --space {space} --retry-failed"
            )
        if not self.is_published:
            found.append("its index differs from the records, which change just now: compare again")
        if not self.n_garments:
            found.append("it holds no garments")
        return found


def measure_coverage(space: Space, *, beside: Space | None = None) -> Coverage:
    """Counts what a space holds.

    Args:
        space: The space to measure.
        beside: The one that serves, where `space` is another: whose index is then made equal to the records first.

    Raises:
        VectorIndexError: Its index cannot be written.
    """
    if beside is not None:
        sync_index(space)
    return Coverage(
        n_described=_photos(space, ImageDescription.State.OK).count(),
        n_due=due_images(space).count(),
        n_lost=0 if beside is None else _lost(space, beside),
        n_garments=indexable_garments(space).count(),
        is_published=index_is_whole(space, patience_s=PATIENCE_S),
    )


def _photos(space: Space, state: ImageDescription.State) -> QuerySet[ImageDescription]:
    return ImageDescription.objects.filter(
        space=space, state=state, image_sha256=F("image__sha256"), image__product__withdrawn_at__isnull=True
    )


def _lost(space: Space, beside: Space) -> int:
    shown = _photos(beside, ImageDescription.State.OK).filter(image=OuterRef("image"))
    return _photos(space, ImageDescription.State.FAILED).filter(Exists(shown)).count()
