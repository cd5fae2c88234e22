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


class UnknownObject(SearchError):
    """The photo shows no such object; the message says which there are."""


class UnknownImage(SearchError):
    """Nothing is kept under this image_id, or no longer; search with the photo."""


class ImageOutdated(SearchError):
    """What is kept of the photo was seen by a model that no longer serves; search with the photo."""


class PhotoNotKept(SearchError):
    """The photo itself is needed and was not kept; search with it."""


class SearchNotFound(SearchError):
    """No such search is on record."""


class IndexingStalled(SearchError):
    """The queue has not described a photo for a while; look after its workers, then run the command again."""


class InvalidFilter(SearchError):
    """A filter names a color, gender, currency or price that there is not; correct it."""


class UnknownCategory(SearchError):
    """No category or group of categories is called so; the taxonomy lists them."""


class SpaceUnknown(SearchError):
    """No space, or more than one, is meant; the message lists those there are."""


class SpaceRefused(SearchError):
    """This cannot be done with this space as things stand; the message says why and what helps."""


class BenchmarkError(SearchError):
    """A benchmark cannot be read or asked; the message names the file, the place in it and what is expected."""
