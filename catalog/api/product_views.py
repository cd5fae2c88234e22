"""The resource of one product. Each method reads its parameters, calls one body and formats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import selectors
from catalog.api.access import audit
from catalog.api.addressing import (
    PRODUCT_ID,
    RetailerQuery,
    addressed_product,
    answering_problems,
    changed_product,
    changed_retailer,
)
from catalog.api.conditional import IF_MATCH, IF_NONE_MATCH, answer, check_match, tag_of
from catalog.api.json_bodies import BoundedJSONParser
from catalog.api.parameters import asked
from catalog.api.problems import documented
from catalog.api.product_fields import PRICE_EXAMPLE, PRODUCT_EXAMPLE, ProductFields, ProductQuery
from catalog.api.serializers import ProductDetailSerializer, product_path
from catalog.api.sparse import chosen_fields, only
from catalog.models import Product
from catalog.products.writing import Written, delete_product, patch_product, put_product
from catalog.upkeep import NOBODY_FOLLOWS, Upkeep


class ProductView(APIView):
    """One product."""

    parser_classes = (BoundedJSONParser,)
    upkeep: Upkeep = NOBODY_FOLLOWS

    @extend_schema(
        summary="Get one product",
        description="With its images and all that its feed told.",
        parameters=[PRODUCT_ID, ProductQuery, IF_NONE_MATCH],
        responses={200: ProductDetailSerializer, 304: None, **documented(400, 404)},
        tags=["products"],
        operation_id="products_retrieve",
    )
    def get(self, request: Request, product_id: str) -> Response:
        """Show it."""
        wanted = asked(ProductQuery, request.query_params.dict())
        fields = chosen_fields(wanted, ProductDetailSerializer)
        with answering_problems():
            product = addressed_product(request, product_id, wanted.get("retailer"))
        shown = only(ProductDetailSerializer(product, context={"request": request}), fields).data
        return answer(request, shown, tag=_tag(product))

    @extend_schema(
        summary="Make or replace a product",
        description="By the retailer's own id. All members are written, those left out are emptied; images stay where "
        "`image_links` is left out. Texts, prices and links are checked as in feeds. The answer's `images` tell which "
        "are still to be fetched.",
        parameters=[PRODUCT_ID, RetailerQuery, IF_MATCH],
        request=ProductFields,
        examples=[PRODUCT_EXAMPLE],
        responses={200: ProductDetailSerializer, 201: ProductDetailSerializer, **documented(400, 404, 412)},
        tags=["products"],
        operation_id="products_put",
    )
    def put(self, request: Request, product_id: str) -> Response:
        """Make or replace it."""
        wanted = asked(RetailerQuery, request.query_params.dict())
        values = asked(ProductFields, request.data)
        with answering_problems(), transaction.atomic():
            retailer = changed_retailer(request, wanted.get("retailer"))
            written = put_product(
                retailer, product_id, values, upkeep=self.upkeep, check=lambda known: _check(request, known)
            )
            action = "product.create" if written.is_new else "product.replace"
            audit(request, action, product_id, retailer=retailer)
        return _written(request, written)

    @extend_schema(
        summary="Change a product",
        description="Writes the members that are given; null empties one.",
        parameters=[PRODUCT_ID, RetailerQuery, IF_MATCH],
        request=ProductFields,
        examples=[PRICE_EXAMPLE],
        responses={200: ProductDetailSerializer, **documented(400, 404, 412)},
        tags=["products"],
        operation_id="products_patch",
    )
    def patch(self, request: Request, product_id: str) -> Response:
        """Change it."""
        wanted = asked(RetailerQuery, request.query_params.dict())
        given: Mapping[str, Any] = request.data if isinstance(request.data, Mapping) else {}
        # An empty text empties a member here, so it counts as given.
        values = asked(ProductFields, request.data) | {name: None for name, text in given.items() if text == ""}
        with answering_problems(), transaction.atomic():
            product = changed_product(request, product_id, wanted.get("retailer"))
            written = patch_product(product, values, upkeep=self.upkeep, check=lambda known: _check(request, known))
            audit(
                request,
                "product.update",
                product.external_id,
                retailer=product.retailer,
                detail={"fields": sorted(values)},
            )
        return _written(request, written)

    @extend_schema(
        summary="Delete a product",
        description="With its images; searches stop finding it at once. A feed that names it brings it back.",
        parameters=[PRODUCT_ID, RetailerQuery, IF_MATCH],
        responses={204: None, **documented(404, 412)},
        tags=["products"],
        operation_id="products_delete",
    )
    def delete(self, request: Request, product_id: str) -> Response:
        """Delete it."""
        wanted = asked(RetailerQuery, request.query_params.dict())
        with answering_problems(), transaction.atomic():
            product = changed_product(request, product_id, wanted.get("retailer"))
            delete_product(product, upkeep=self.upkeep, check=lambda known: _check(request, known))
            audit(request, "product.delete", product.external_id, retailer=product.retailer)
        return Response(status=204)


def _tag(product: Product) -> str:
    """Of all that is known of it: without a request, addresses are the same whatever the host."""
    return tag_of(ProductDetailSerializer(product).data)


def _check(request: Request, known: Product | None) -> None:
    check_match(request, None if known is None else _tag(known))


def _written(request: Request, written: Written) -> Response:
    product = selectors.on_sale().get(pk=written.product_id)
    shown = ProductDetailSerializer(product, context={"request": request}).data
    headers = {"ETag": _tag(product)}
    if written.is_new:
        headers["Location"] = request.build_absolute_uri(product_path(product))
    return Response(shown, status=201 if written.is_new else 200, headers=headers)
