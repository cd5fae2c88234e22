"""The search room's small resources. Each view reads its parameters, calls one body and formats."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.access.caller import visible_retailer
from catalog.api.access import caller_of
from catalog.api.addressing import RetailerQuery
from catalog.api.parameters import asked
from catalog.api.problems import documented
from search.api import search_examples
from search.api.asking import given
from search.api.category_serializers import CategoryListSerializer, render_category
from search.api.problems import answering_problems
from search.trends import count_catalog_garments
from segmentation.taxonomy import CATEGORIES


class CategoriesView(APIView):
    """The taxonomy."""

    @extend_schema(
        summary="List categories",
        description="All categories of the taxonomy, with the number of garments on sale: of the retailer the key "
        "belongs to, of the one that is named, or else of all.",
        parameters=[RetailerQuery],
        responses={
            200: OpenApiResponse(CategoryListSerializer, examples=[search_examples.CATEGORIES]),
            **documented(400, 404),
        },
        tags=["search"],
        operation_id="categories_list",
    )
    def get(self, request: Request) -> Response:
        """Count."""
        wanted = asked(RetailerQuery, given(request))
        with answering_problems():
            retailer = visible_retailer(caller_of(request), wanted.get("retailer"))
        counts = count_catalog_garments(retailer)
        rows: list[dict[str, Any]] = [
            {**(render_category(category.id) or {}), "catalog_garments": counts.get(category.id, 0)}
            for category in CATEGORIES
        ]
        return Response({"results": rows})
