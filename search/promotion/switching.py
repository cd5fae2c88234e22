"""One space takes the place of another, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction

from catalog import webhooks
from catalog.webhooks.events import SPACE_PROMOTED
from search.errors import SpaceRefused
from search.indexing import sync_index
from search.models import Space
from search.promotion.comparison import Comparison
from search.spaces import announce, serving_space, switch_serving
from segmentation.types import EncodedPhoto
from workers import client


@contextmanager
def loaded_ahead(candidate: Space) -> Iterator[None]:
    """Lets those who run models load a candidate's while it is compared, so that the first searches do not wait.

    Afterwards they are told of the space that serves then.
    """
    announce(candidate.name)
    try:
        yield
    finally:
        announce(serving_space().name)


def promote(candidate: Space, comparison: Comparison, *, forced: bool = False) -> None:
    """Makes a space that was compared the serving one, at once and for every process; webhooks are told.

    Args:
        candidate: The space.
        comparison: Of it with the space that serves.
        forced: Whatever speaks against it.

    Raises:
        SpaceRefused: Something speaks against it, or another space was promoted since the comparison.
        VectorIndexError: It serves, but what changed meanwhile could not be written to its index.
    """
    objections = comparison.objections()
    if objections and not forced:
        reasons = "\n".join(f"  {reason}" for reason in objections)
        raise SpaceRefused(f"{candidate.name} is not promoted (--force does all the same):\n{reasons}")
    with transaction.atomic():
        switch_serving(candidate, instead_of=comparison.serving)
        _announce_switch("promoted", candidate, comparison.serving)
    _catch_up(candidate)


def roll_back() -> tuple[Space, Space]:
    """Makes the space serve again that served before; its index is brought up to date first, and webhooks are told.

    Photos that came while it was retired are due in it afterwards, as after any gap.

    Returns:
        The space that serves now, and the one that served until now.

    Raises:
        SpaceRefused: There is none to go back to.
        ModelMissing: Its checkpoints are not there any more.
        WorkersError: The vision model cannot be asked.
        VectorIndexError: Its index cannot be written.
    """
    serving = Space.objects.filter(state=Space.State.SERVING).select_related("previous").first()
    if serving is None or serving.previous is None:
        raise SpaceRefused("There is no space to go back to: none was promoted over another, or it was removed.")
    previous = serving.previous
    check_model(previous)
    sync_index(previous)
    with transaction.atomic():
        switch_serving(previous, instead_of=serving, to_go_back=False)
        _announce_switch("rolled_back", previous, serving)
    _catch_up(previous)
    previous.refresh_from_db()
    return previous, serving


def _announce_switch(change: str, space: Space, former: Space) -> None:
    space.refresh_from_db()
    payload = {
        "change": change,
        "space": space.name,
        "previous_space": former.name,
        "segmenter_version": space.segmenter_version,
        "embedder_version": space.embedder_version,
        "promoted_at": None if space.promoted_at is None else space.promoted_at.isoformat(),
    }
    webhooks.announce(SPACE_PROMOTED, None, payload)


def _catch_up(space: Space) -> None:
    """Once more: changes reach the index of a retired space only from the moment on at which it serves."""
    sync_index(space)


def check_model(space: Space) -> None:
    """Asks whoever describes photos for this space, so that a missing model is told before searches need it.

    It has loaded the model when this returns.

    Raises:
        WorkersError: It cannot.
    """
    # No photo: the answer is that it cannot be used, in this space.
    client.describe_photos([EncodedPhoto(b"")], space=space.name, timeout_s=settings.SELVEDGE_SEARCH_TIMEOUT_S)
