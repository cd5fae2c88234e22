"""Routes of the catalog below `/api/`, each with and without its last slash."""

from __future__ import annotations

from django.urls import re_path

from catalog.api.key_views import KeyListView, KeyRotationView, KeyView
from catalog.api.views import ProductDetailView, ProductListView, RetailerListView

urlpatterns = [
    re_path(r"^api-keys/?$", KeyListView.as_view(), name="api-key-list"),
    re_path(r"^api-keys/(?P<prefix>[^/]+)/rotate/?$", KeyRotationView.as_view(), name="api-key-rotate"),
    re_path(r"^api-keys/(?P<prefix>[^/]+)/?$", KeyView.as_view(), name="api-key-detail"),
    re_path(r"^products/?$", ProductListView.as_view(), name="product-list"),
    re_path(r"^products/(?P<product_id>[^/]+)/?$", ProductDetailView.as_view(), name="product-detail"),
    re_path(r"^retailers/?$", RetailerListView.as_view(), name="retailer-list"),
]
