"""What can go wrong in the search room, named by what the caller can do about it.

The index has errors of its own (`search.index`); `IndexEmpty` is here because emptiness is no fault of the index.
"""

from __future__ import annotations


class SearchError(Exception):
    """Base of this room's errors."""


class IndexEmpty(SearchError):
    """The index exists and holds nothing; index a catalog."""


class InvalidRegion(SearchError):
    """The box lies outside the photo or encloses nothing; send another."""


class IndexingStalled(SearchError):
    """The queue has not described a photo for a while; look after its workers, then run the command again."""


class InvalidFilter(SearchError):
    """A filter names a color, gender, currency or price that there is not; correct it."""
