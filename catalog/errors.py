"""What can go wrong in the catalog room, named by what the caller can do about it."""

from __future__ import annotations


class CatalogError(Exception):
    """Base of this room's errors."""


class FeedError(CatalogError):
    """The feed as a whole cannot be read (missing, not text, columns lacking); nothing was written."""


class InvalidRetailer(CatalogError):
    """A retailer's slug is not one; choose another."""


class RetailerNotFound(CatalogError):
    """No retailer has this slug."""


class ProductNotFound(CatalogError):
    """No product on sale has this id."""


class ImageRefused(CatalogError):
    """An image a feed names cannot be taken over; the message tells the retailer why. It concerns that image alone."""


class ImageMissing(ImageRefused):
    """There is no file where the feed says; a copy stored earlier stays good."""


class RetailerRequired(CatalogError):
    """The caller belongs to no retailer and named none."""


class AddressRefused(CatalogError):
    """A web address must not be connected to: it leads into a private network, or is none for images at all."""

    def __init__(self, code: str, message: str) -> None:
        """A stable word for programs, and the reason."""
        super().__init__(message)
        self.code = code


class DownloadFailed(CatalogError):
    """Nothing usable came from a web address; another try is worth it unless this `is_final`."""

    def __init__(self, code: str, message: str, retry_after_s: float | None, *, is_final: bool) -> None:
        """A stable word for programs, the reason, and the wait the server asked for."""
        super().__init__(message)
        self.code = code
        self.retry_after_s = retry_after_s
        self.is_final = is_final
