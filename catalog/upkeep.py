"""What happens elsewhere when the catalog changes. The catalog does not know that it is searched: `deploy` says who is.

The views of `catalog.api` are given an `Upkeep` where their routes are made (`catalog.api.urls.routes`), and hand its
parts to the bodies they call.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from uuid import UUID

Changing = Callable[[Sequence[int]], AbstractContextManager[None]]


def _changes_unseen(product_ids: Sequence[int]) -> AbstractContextManager[None]:
    return nullcontext()


def _nothing(_: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Who follows the catalog; by default nobody does."""

    changing: Changing = _changes_unseen
    """Entered around every change of known products or their images, deletion included, with the products' keys."""
    images_came: Callable[[Collection[int]], None] = _nothing
    """Told on commit of products with images that are new: they are to be fetched and looked at."""
    import_submitted: Callable[[UUID], None] = _nothing
    """Told on commit of an import job that waits to be run."""


NOBODY_FOLLOWS = Upkeep()
