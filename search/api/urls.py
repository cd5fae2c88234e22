"""Routes of the search room below `/api/`, each with and without its last slash."""

from __future__ import annotations

from django.urls import re_path

from search.api import report_urls, webhook_urls
from search.api.listing_views import ProductListView
from search.api.recommendation_views import AlternativesView, CompleteLookView, SimilarProductsView
from search.api.search_views import SearchRecordView, SearchView
from search.api.views import CategoriesView

urlpatterns = [
    re_path(r"^search/?$", SearchView.as_view(), name="search"),
    re_path(r"^products/?$", ProductListView.as_view(), name="product-list"),
    # Ids of products may hold slashes.
    re_path(r"^products/(?P<product_id>.+)/similar/?$", SimilarProductsView.as_view(), name="product-similar"),
    re_path(r"^products/(?P<product_id>.+)/alternatives/?$", AlternativesView.as_view(), name="product-alternatives"),
    re_path(r"^products/(?P<product_id>.+)/look/?$", CompleteLookView.as_view(), name="product-look"),
    re_path(r"^searches/(?P<search_id>[^/]+)/?$", SearchRecordView.as_view(), name="search-record"),
    re_path(r"^categories/?$", CategoriesView.as_view(), name="category-list"),
    *report_urls.urlpatterns,
    *webhook_urls.urlpatterns,
]
