"""Routes of the catalog below `/api/`, each with and without its last slash."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from catalog.api.image_views import ProductImageListView, ProductImageView
from catalog.api.import_views import ImportCancelView, ImportErrorsView, ImportListView, ImportView
from catalog.api.key_views import KeyListView, KeyRotationView, KeyView
from catalog.api.product_bulk_view import ProductBulkView
from catalog.api.product_views import ProductView
from catalog.api.retailer_views import RetailerListView, RetailerView
from catalog.upkeep import Upkeep

JOB = r"(?P<job_id>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
PRODUCT = r"(?P<product_id>.+?)"

urlpatterns = [
    re_path(r"^api-keys/?$", KeyListView.as_view(), name="api-key-list"),
    re_path(r"^api-keys/(?P<prefix>[^/]+)/rotate/?$", KeyRotationView.as_view(), name="api-key-rotate"),
    re_path(r"^api-keys/(?P<prefix>[^/]+)/?$", KeyView.as_view(), name="api-key-detail"),
    re_path(r"^retailers/?$", RetailerListView.as_view(), name="retailer-list"),
    re_path(rf"^imports/{JOB}/?$", ImportView.as_view(), name="import-detail"),
    re_path(rf"^imports/{JOB}/errors/?$", ImportErrorsView.as_view(), name="import-errors"),
    re_path(rf"^imports/{JOB}/cancel/?$", ImportCancelView.as_view(), name="import-cancel"),
]


def followed_routes(upkeep: Upkeep) -> list[URLPattern]:
    """Routes of what others follow: products, their images, imports, retailers that go.

    A product's id may hold slashes, so these come after all other routes below `products/`, the product itself last.

    Args:
        upkeep: Who follows.
    """
    return [
        re_path(r"^retailers/(?P<slug>[^/]+)/?$", RetailerView.as_view(upkeep=upkeep), name="retailer-detail"),
        re_path(r"^imports/?$", ImportListView.as_view(upkeep=upkeep), name="import-list"),
        re_path(r"^products/bulk/?$", ProductBulkView.as_view(upkeep=upkeep), name="product-bulk"),
        re_path(
            rf"^products/{PRODUCT}/images/(?P<image_id>[0-9]+)/?$",
            ProductImageView.as_view(upkeep=upkeep),
            name="product-image-detail",
        ),
        re_path(rf"^products/{PRODUCT}/images/?$", ProductImageListView.as_view(upkeep=upkeep), name="product-images"),
        re_path(rf"^products/{PRODUCT}/?$", ProductView.as_view(upkeep=upkeep), name="product-detail"),
    ]
