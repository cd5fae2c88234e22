"""The taxonomy's JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from segmentation.taxonomy import Category, category_by_id


class CategorySerializer(serializers.Serializer[Category]):
    """A category of the taxonomy."""

    id = serializers.IntegerField(help_text="Id of the iMaterialist (Fashion) 2019 taxonomy, 0..45.")
    name = serializers.CharField(help_text="As the taxonomy spells it.")
    slug = serializers.CharField(help_text="Short name for addresses; the parameter `category` takes it.")
    supercategory = serializers.CharField(help_text="The group it belongs to; `category` takes it too.")


class CategoryCountSerializer(CategorySerializer):
    """A category with what catalogs hold of it."""

    catalog_garments = serializers.IntegerField(help_text="Garments of products on sale.")


class CategoryListSerializer(serializers.Serializer[Any]):
    """The taxonomy."""

    results = CategoryCountSerializer(many=True, help_text="By id.")


def render_category(category_id: int | None) -> dict[str, Any] | None:
    """A category as every answer shows it."""
    if category_id is None:
        return None
    category = category_by_id(category_id)
    return {
        "id": category.id,
        "name": category.name,
        "slug": category.slug,
        "supercategory": category.supercategory,
    }
