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
