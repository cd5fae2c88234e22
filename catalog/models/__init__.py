"""The catalog's records: what is sold, how it comes in, who may touch it, and who is told."""

from __future__ import annotations

from catalog.models.access import ApiKey, AuditEntry
from catalog.models.downloads import FetchedUrl
from catalog.models.imports import ImportJob, ImportRowError
from catalog.models.products import Availability, Product, ProductImage, Retailer
from catalog.models.webhooks import WebhookDelivery, WebhookEndpoint

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Availability",
    "FetchedUrl",
    "ImportJob",
    "ImportRowError",
    "Product",
    "ProductImage",
    "Retailer",
    "WebhookDelivery",
    "WebhookEndpoint",
]
