"""The catalog's admin pages, once more, so that the index follows what is edited there.

The catalog does not know that it is searched, so its pages are registered anew from above.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from catalog.admin import ProductAdmin, ProductImageAdmin, RetailerAdmin
from catalog.models import Product, ProductImage, Retailer
from search.models import ImageDescription
from search.tasks import products_changing


class IndexFollows(admin.ModelAdmin):  # type: ignore[type-arg]
    """Hands every product that is saved or deleted here to the index, as soon as the change is committed."""

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Saves one object."""
        with products_changing(product_ids([obj] if change else [])):
            super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Deletes one object."""
        with products_changing(product_ids([obj])):
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Deletes what was ticked in a list."""
        with products_changing(product_ids(queryset)):
            super().delete_queryset(request, queryset)


def product_ids(records: Iterable[Model]) -> list[int]:
    """The products that a change of some records touches."""
    found: list[int] = []
    for record in records:
        if isinstance(record, Product):
            found.append(record.pk)
        elif isinstance(record, ProductImage):
            found.append(record.product_id)
        elif isinstance(record, ImageDescription):
            found.append(record.image.product_id)
        elif isinstance(record, Retailer):
            found.extend(record.products.values_list("pk", flat=True))
    return found


admin.site.unregister([Retailer, Product, ProductImage])


@admin.register(Retailer)
class FollowedRetailerAdmin(IndexFollows, RetailerAdmin):
    """Retailers; deleting one takes its garments out of the index."""


@admin.register(Product)
class FollowedProductAdmin(IndexFollows, ProductAdmin):
    """Products; the index follows their prices, stock and brands."""


@admin.register(ProductImage)
class FollowedProductImageAdmin(IndexFollows, ProductImageAdmin):
    """Images; deleting one takes its garments out of the index."""

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """An image stays with its product: its garments, which name it too, would go on standing for the old one."""
        fields = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, "product")
