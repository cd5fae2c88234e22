"""The resources of recommendations. Each view reads its parameters, calls one body and formats."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.access.caller import Right
from catalog.api.addressing import PRODUCT_ID, addressed_product, seen_retailer
from catalog.api.parameters import asked
from catalog.api.problems import documented
from search.api import recommendation_examples as examples
from search.api.look_serializers import CompletedLookSerializer
from search.api.problems import answering_problems
from search.api.recommendation_parameters import (
    AlternativeParameters,
    LookParameters,
    SimilarParameters,
    alternative_options,
    given_to,
    look_options,
    similar_options,
)
from search.api.recommendation_serializers import AlternativesSerializer, SimilarProductsSerializer
from search.recommendations.alternatives import find_alternatives
from search.recommendations.complete_look import complete_look
from search.recommendations.similar import similar_products

_READING: dict[str, Right] = {"GET": Right.SEARCH}


class SimilarProductsView(APIView):
    """Products that look like one product."""

    rights: ClassVar = _READING

    @extend_schema(
        summary="List similar products",
        description="Products of the same retailer that look like this one, best first, without itself and, unless "
        "asked otherwise, without its own variants. From stored vectors: no photo is looked at. Empty where the "
        "product's images were not described yet.",
        parameters=[PRODUCT_ID, SimilarParameters],
        responses={
            200: OpenApiResponse(SimilarProductsSerializer, examples=[examples.SIMILAR_REPLY]),
            **documented(400, 404, 503),
        },
        tags=["recommendations"],
        operation_id="products_similar",
    )
    def get(self, request: Request, product_id: str) -> Response:
        """Look up and compare."""
        wanted = asked(SimilarParameters, given_to(SimilarParameters, request))
        slug = wanted.get("retailer")
        with answering_problems():
            product = addressed_product(request, product_id, slug)
            options = similar_options(wanted, by_own_id=_by_own_id(request, slug))
            found = similar_products(product, options)
        return _answer(SimilarProductsSerializer, found, request)


class AlternativesView(APIView):
    """What to offer instead of a product."""

    rights: ClassVar = _READING

    @extend_schema(
        summary="List alternatives to a product",
        description="What to offer instead of a product that is sold out, withdrawn, or just not liked: in stock, in "
        "the size wanted where sizes are known, near in price (a soft penalty, no cliff), for the same gender and age "
        "group; never another size of the same item and color. First the same item in another color, then look-alikes. "
        "Each says why it is recommended, and what its score is the product of. From stored vectors.",
        parameters=[PRODUCT_ID, AlternativeParameters],
        responses={
            200: OpenApiResponse(AlternativesSerializer, examples=[examples.ALTERNATIVES_REPLY]),
            **documented(400, 404, 503),
        },
        tags=["recommendations"],
        operation_id="products_alternatives",
    )
    def get(self, request: Request, product_id: str) -> Response:
        """Look up, find and weigh."""
        wanted = asked(AlternativeParameters, given_to(AlternativeParameters, request))
        slug = wanted.get("retailer")
        with answering_problems():
            product = addressed_product(request, product_id, slug, also_withdrawn=True)
            options = alternative_options(wanted, by_own_id=_by_own_id(request, slug))
            found = find_alternatives(product, options)
        return _answer(AlternativesSerializer, found, request)


class CompleteLookView(APIView):
    """What goes with a product."""

    rights: ClassVar = _READING

    @extend_schema(
        summary="Complete the look",
        description="What is worn with a product, as photos show it: garments that are not for sale in its own "
        "catalog photos, those in the photos of what looks like it, and what is seen together most over the "
        "retailer's catalog and shoppers' photos. For each kind the products in stock that look most like what was "
        "seen, color included, and the evidence. Never a second thing for the same place (no second pair of "
        "trousers). From stored vectors and counts; `manage.py tidy` counts anew every six hours.",
        parameters=[PRODUCT_ID, LookParameters],
        responses={
            200: OpenApiResponse(CompletedLookSerializer, examples=[examples.LOOK_REPLY]),
            **documented(400, 404, 503),
        },
        tags=["recommendations"],
        operation_id="products_look",
    )
    def get(self, request: Request, product_id: str) -> Response:
        """Look up, look around and pick."""
        wanted = asked(LookParameters, given_to(LookParameters, request))
        slug = wanted.get("retailer")
        with answering_problems():
            product = addressed_product(request, product_id, slug)
            found = complete_look(product, look_options(wanted, by_own_id=_by_own_id(request, slug)))
        return _answer(CompletedLookSerializer, found, request)


def _by_own_id(request: Request, slug: str | None) -> bool:
    """Whether products are named by their retailer's own ids."""
    return seen_retailer(request, slug) is not None


def _answer(serializer: Any, found: Any, request: Request) -> Response:
    return Response(serializer(found, context={"request": request}).data)
