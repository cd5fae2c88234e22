"""The list of products: what feeds tell and photos show, filtered, in pages, with facets."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.addressing import answering_problems, seen_retailer
from catalog.api.conditional import IF_NONE_MATCH, answer
from catalog.api.pagination import page_of, paged
from catalog.api.parameters import asked
from catalog.api.problems import documented
from catalog.api.serializers import ProductSerializer
from catalog.api.sparse import chosen_fields, only
from search.api.facet_serializers import FacetValueSerializer, PriceBandSerializer
from search.api.listing_parameters import LISTS, ProductListQuery, list_filters
from search.listing.facets import ListFacets, count_facets
from search.listing.filters import list_products


class ListFacetsSerializer(serializers.Serializer[ListFacets]):
    """What the list can be narrowed to, each facet with the other filters applied; most frequent values first."""

    brand = FacetValueSerializer(many=True, help_text="Brands, at most 50.")
    gender = FacetValueSerializer(many=True, help_text="male, female, unisex.")
    category = FacetValueSerializer(many=True, help_text="Categories of the garments seen, by slug.")
    color = FacetValueSerializer(many=True, help_text="Colors the garments are seen in.")
    availability = FacetValueSerializer(many=True, help_text="Whether it can be bought now.")
    price = PriceBandSerializer(many=True, help_text="What a shopper pays, in bands of 1, 2, 5, 10, 20, 50 and so on.")


class ProductListView(APIView):
    """The products on sale."""

    @extend_schema(
        summary="List products",
        description="Products on sale, oldest first, narrowed by the parameters: all of them must hold. `category` and "
        "`color` are what the model sees in the photos, so a product whose photos are not described yet has none.",
        parameters=[ProductListQuery, IF_NONE_MATCH],
        responses={
            200: paged(
                ProductSerializer,
                facets=ListFacetsSerializer(required=False, help_text="Where `facets=true` asks for them."),
            ),
            304: None,
            **documented(400, 404),
        },
        tags=["products"],
        operation_id="products_list",
    )
    def get(self, request: Request) -> Response:
        """List."""
        wanted = asked(ProductListQuery, _given(request))
        fields = chosen_fields(wanted, ProductSerializer)
        with answering_problems():
            filters = list_filters(wanted, seen_retailer(request, wanted.get("retailer")))
        found, neighbours = page_of(list_products(filters), request, "pk")
        shown = only(ProductSerializer(found, many=True, context={"request": request}), fields).data
        reply: dict[str, Any] = {"results": shown, **neighbours}
        if wanted["facets"]:
            reply["facets"] = ListFacetsSerializer(count_facets(filters)).data
        return answer(request, reply)


def _given(request: Request) -> dict[str, Any]:
    """The parameters; those that may be repeated as lists."""
    given: dict[str, Any] = {}
    for name, texts in request.query_params.lists():
        kept = [text for text in texts if text.strip()]
        given[name] = (kept or "") if name in LISTS else texts[-1]
    return given
