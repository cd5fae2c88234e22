"""Many products with one request."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.access.audit import storable
from catalog.api.access import audit
from catalog.api.addressing import RetailerQuery, answering_problems, changed_retailer
from catalog.api.json_bodies import BoundedJSONParser
from catalog.api.parameters import asked, refuse_unknown
from catalog.api.problems import documented
from catalog.api.product_fields import (
    BULK_EXAMPLE,
    BulkFields,
    BulkItemFields,
    BulkReplySerializer,
    BulkRequest,
    ProductFields,
)
from catalog.products.bulk import BulkItem, write_products
from catalog.upkeep import NOBODY_FOLLOWS, Upkeep


class BulkParser(BoundedJSONParser):
    """A thousand products with long descriptions."""

    max_bytes = 16 * 1024 * 1024


class ProductBulkView(APIView):
    """Many products."""

    parser_classes = (BulkParser,)
    upkeep: Upkeep = NOBODY_FOLLOWS

    @extend_schema(
        summary="Write many products",
        description="Makes, replaces, changes or deletes up to 1,000 products. Each item succeeds or fails by itself: "
        "look at its `status`.",
        parameters=[RetailerQuery],
        request=BulkRequest,
        examples=[BULK_EXAMPLE],
        responses={200: BulkReplySerializer, **documented(400, 404)},
        tags=["products"],
        operation_id="products_bulk",
    )
    def post(self, request: Request) -> Response:
        """Write them."""
        wanted = asked(RetailerQuery, request.query_params.dict())
        items = [_item(given) for given in asked(BulkFields, request.data)["items"]]
        with answering_problems():
            retailer = changed_retailer(request, wanted.get("retailer"))
            write_products(retailer, items, upkeep=self.upkeep)
        succeeded = sum(item.status < 300 for item in items)
        counts = {"succeeded": succeeded, "failed": len(items) - succeeded}
        audit(request, "product.bulk", retailer=retailer, detail=counts)
        results = [
            {name: getattr(item, name) for name in ("product_id", "action", "status", "errors")} | {"index": index}
            for index, item in enumerate(items)
        ]
        return Response(BulkReplySerializer(counts | {"results": results}).data)


def _item(given: dict[str, Any]) -> BulkItem:
    """One item, refused where it is wrong already: the others go on."""
    product_id = given.get("product_id")
    item = BulkItem(storable(product_id) if isinstance(product_id, str) else "")
    checked = BulkItemFields(data={name: value for name, value in given.items() if name != "product"})
    product = given.get("product", {})
    try:
        refuse_unknown(given, BulkItemFields().fields)
        checked.is_valid(raise_exception=True)
        item.action = checked.validated_data["action"]
        if item.action != "delete":
            item.values = _values(product, keeps_blanks=item.action == "update")
    except serializers.ValidationError as error:
        item.status, item.errors = 400, list(_flat(error.detail))
    return item


def _values(product: Any, *, keeps_blanks: bool) -> dict[str, Any]:
    try:
        values = asked(ProductFields, product)
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"product": error.detail}) from error
    blanks = {name: None for name, text in product.items() if text == ""} if keeps_blanks else {}
    return values | blanks


def _flat(detail: Any, field: str = "") -> list[dict[str, str]]:
    """A refusal's messages by member, as the API's problems have them."""
    if isinstance(detail, dict):
        pairs = [(f"{field}.{name}" if field else str(name), inner) for name, inner in detail.items()]
        return [message for name, inner in pairs for message in _flat(inner, name)]
    if isinstance(detail, list):
        return [message for inner in detail for message in _flat(inner, field)]
    return [{"field": field, "message": str(detail)}]
