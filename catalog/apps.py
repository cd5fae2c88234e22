"""Registers the catalog room with Django."""

from __future__ import annotations

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Retailers, their products and the products' images."""

    name = "catalog"
    label = "catalog"
    default_auto_field = "django.db.models.BigAutoField"
