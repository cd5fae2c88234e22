"""The resources of recommendations. Each view reads its parameters, calls one body and formats."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.parameters import asked
from catalog.api.problems import documented
from catalog.selectors import get_product
from search.api import examples
from search.api.asking import given
from search.api.problems import answering_problems
from search.api.recommendation_parameters import SimilarParameters, similar_options
from search.api.recommendation_serializers import SimilarProductsSerializer
from search.recommendations.similar import similar_products


class SimilarProductsView(APIView):
    """Products that look like one product."""

    @extend_schema(
        summary="List similar products",
        description="Products of the same retailer that look like this one, best first, without itself (and, where "
        "variants are grouped, without its own). Empty where the product's images were not described yet.",
        parameters=[
            OpenApiParameter(
                "product_id",
                OpenApiTypes.STR,
                OpenApiParameter.PATH,
                description="Our key, or with `retailer` the retailer's own product id.",
            ),
            SimilarParameters,
        ],
        responses={
            200: OpenApiResponse(SimilarProductsSerializer, examples=[examples.SIMILAR_REPLY]),
            **documented(400, 404, 503),
        },
        tags=["search"],
        operation_id="products_similar",
    )
    def get(self, request: Request, product_id: str) -> Response:
        """Look up and compare."""
        wanted = asked(SimilarParameters, given(request))
        with answering_problems():
            product = get_product(product_id, wanted.get("retailer"))
            found = similar_products(product, similar_options(wanted))
        return Response(SimilarProductsSerializer(found, context={"request": request}).data)
