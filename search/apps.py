"""Registers the search room with Django."""

from __future__ import annotations

from django.apps import AppConfig


class SearchConfig(AppConfig):
    """Photo -> garments -> products; what was described, what was searched, and what trends follow from it."""

    name = "search"
    label = "search"
    default_auto_field = "django.db.models.BigAutoField"
