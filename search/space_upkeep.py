"""What every space holds and costs, and how one is removed."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

from search.errors import SpaceRefused
from search.index.base import IndexFacts, VectorIndexError
from search.index.registry import drop_space, index_facts
from search.models import Garment, ImageDescription, Space
from search.selectors import due_images
from workers.errors import ModelMissing
from workers.model_files import find_pair, forget_pair

DESCRIPTIONS_A_DELETION = 200
"""Deleted in one transaction: other writers get their turn in between."""


@dataclass(frozen=True, slots=True)
class SpaceFacts:
    """One space as an operator sees it.

    Attributes:
        space: Its record.
        n_described: Photos described in it, of whatever time.
        n_failed: Photos that could not be.
        n_due: Photos for sale that were not tried yet; None for a retired space, which nobody keeps up.
        index: What is published for it; None where nothing is, or it cannot be read.
        has_model: Whether its checkpoints are found from here.
        goes_back_to: The space that served before it, for the one that serves.
    """

    space: Space
    n_described: int
    n_failed: int
    n_due: int | None
    index: IndexFacts | None
    has_model: bool
    goes_back_to: str | None


def describe_spaces() -> list[SpaceFacts]:
    """Every space, the serving one first, then by age."""
    spaces = Space.objects.select_related("previous").annotate(
        n_described=Count("descriptions", filter=Q(descriptions__state=ImageDescription.State.OK)),
        n_failed=Count("descriptions", filter=Q(descriptions__state=ImageDescription.State.FAILED)),
    )
    return sorted(
        (_facts(space) for space in spaces),
        key=lambda facts: (facts.space.state != Space.State.SERVING, facts.space.pk),
    )


def remove_space(space: Space) -> int:
    """Deletes a space's descriptions, index and checkpoints. Interrupted, it goes on where it was.

    The record stays, retired and empty, where searches were counted in it: trends shall not lose them.

    Args:
        space: Not the one that serves.

    Returns:
        How many descriptions were deleted.

    Raises:
        SpaceRefused: It serves.
        VectorIndexError: Its index cannot be deleted.
        ModelsNotKept: Its checkpoints cannot be deleted.
    """
    _take_out_of_use(space)
    n_deleted = 0
    while pks := list(
        ImageDescription.objects.filter(space=space)
        .order_by("pk")
        .values_list("pk", flat=True)[:DESCRIPTIONS_A_DELETION]
    ):
        with transaction.atomic():
            Garment.objects.filter(description__in=pks).delete()
            n_deleted += ImageDescription.objects.filter(pk__in=pks).delete()[0]
    drop_space(settings.VECTOR_INDEX_URL, space.name)
    forget_pair(space.name)
    if not space.searches.exists():
        space.delete()
    return n_deleted


def _take_out_of_use(space: Space) -> None:
    """From here on nothing is described in it and nobody goes back to it."""
    with transaction.atomic():
        locked = Space.objects.select_for_update().get(pk=space.pk)
        if locked.state == Space.State.SERVING:
            raise SpaceRefused(f"{space.name} serves: promote another space or roll back first.")
        Space.objects.filter(previous=locked).update(previous=None)
        locked.state, locked.previous = Space.State.RETIRED, None
        locked.segmenter_file = locked.embedder_file = ""
        locked.save(update_fields=["state", "previous", "segmenter_file", "embedder_file"])


def _facts(space: Space) -> SpaceFacts:
    serves = space.state == Space.State.SERVING
    return SpaceFacts(
        space=space,
        n_described=space.n_described,  # type: ignore[attr-defined]  # annotated
        n_failed=space.n_failed,  # type: ignore[attr-defined]
        n_due=None if space.state == Space.State.RETIRED else due_images(space).count(),
        index=_index_of(space),
        has_model=_has_model(space),
        goes_back_to=space.previous.name if serves and space.previous is not None else None,
    )


def _index_of(space: Space) -> IndexFacts | None:
    try:
        return index_facts(settings.VECTOR_INDEX_URL, space.name, space.dim)
    except VectorIndexError:
        return None


def _has_model(space: Space) -> bool:
    try:
        find_pair(space.name)
    except ModelMissing:
        return False
    return True
