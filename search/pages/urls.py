"""Addresses of the pages: photo search at `/`, trend dashboard at `/trends`, with or without a trailing slash."""

from __future__ import annotations

from django.urls import path, re_path

from search.pages import views

app_name = "pages"

urlpatterns = [
    path("", views.photo_search, name="photo-search"),
    re_path(r"^trends/?$", views.trends, name="trends"),
]
