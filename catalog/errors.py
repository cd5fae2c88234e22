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

    def __init__(self, message: str, code: str = "image_refused") -> None:
        """The reason, and a stable word for programs."""
        super().__init__(message)
        self.code = code


class ImageMissing(ImageRefused):
    """There is no file where the feed says; a copy stored earlier stays good."""


class RetailerRequired(CatalogError):
    """The caller belongs to no retailer and named none."""


class StorageUnavailable(CatalogError):
    """The storage of images does not answer or takes no more; later it may."""


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


class IdempotencyKeyReused(CatalogError):
    """The key was sent with another request before; draw a fresh key for each request that is new."""


class ImportNotFound(CatalogError):
    """The retailer has no import of this id."""


class ImportEnded(CatalogError):
    """The import has ended, so nothing can be cancelled."""


class ImportCancelled(CatalogError):
    """The import that runs shall stop."""


class ImportTakenOver(CatalogError):
    """Another process runs the import by now; nothing more is to be written about it."""


class KeyNotFound(CatalogError):
    """The caller sees no API key of this prefix."""


class InvalidKey(CatalogError):
    """A key is not made, or not replaced, as asked; `field` names what to change."""

    def __init__(self, field: str, message: str) -> None:
        """The parameter's name, and the reason."""
        super().__init__(message)
        self.field = field


class KeyForbidden(CatalogError):
    """The caller's own key does not reach as far as the one it asks for."""


class KeyReplaced(CatalogError):
    """The key is at its end already: replaced by another, revoked or expired."""


class WebhookNotFound(CatalogError):
    """The caller sees no webhook, or no delivery of it, with this id."""


class TooManyImports(CatalogError):
    """As many imports of the retailer wait as may."""


class TooManyKeys(CatalogError):
    """The retailer has as many living keys as it may have."""


class TooManyEndpoints(CatalogError):
    """There are as many webhooks as there may be."""


class EndpointDisabled(CatalogError):
    """The webhook is switched off, so nothing is sent to it."""


class RetailerExists(CatalogError):
    """There is a retailer of this slug already; choose another."""


class ImageNotFound(CatalogError):
    """The product has no image of this id."""


class InvalidProduct(CatalogError):
    """A product cannot be written like this; `field` and the message say what to correct."""

    def __init__(self, field: str, message: str) -> None:
        """The member that is wrong, and why."""
        super().__init__(message)
        self.field = field


class TooManyImages(CatalogError):
    """The product has as many images as a product may have; delete one first."""
