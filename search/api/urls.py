"""Routes of the search room below `/api/`, each with and without its last slash."""

from __future__ import annotations

from django.urls import re_path

from search.api.recommendation_views import SimilarProductsView
from search.api.trend_views import TrendsView
from search.api.views import CategoriesView, SearchView

urlpatterns = [
    re_path(r"^search/?$", SearchView.as_view(), name="search"),
    re_path(r"^products/(?P<product_id>[^/]+)/similar/?$", SimilarProductsView.as_view(), name="product-similar"),
    re_path(r"^categories/?$", CategoriesView.as_view(), name="category-list"),
    re_path(r"^trends/?$", TrendsView.as_view(), name="trends"),
]
