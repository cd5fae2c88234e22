"""The resource of retailers. Each view reads its parameters, calls one body and formats."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import selectors
from catalog.access.caller import Right
from catalog.api.access import audit
from catalog.api.addressing import answering_problems, changed_retailer, seen_retailer
from catalog.api.conditional import IF_NONE_MATCH, answer
from catalog.api.fields import TextField
from catalog.api.json_bodies import BoundedJSONParser
from catalog.api.pagination import PageQuery, page_of, paged
from catalog.api.parameters import NoParameters, asked
from catalog.api.problems import documented
from catalog.api.serializers import RetailerSerializer
from catalog.api.sparse import FieldsQuery, chosen_fields, only
from catalog.models import Retailer
from catalog.retailers import create_retailer, delete_retailer, rename_retailer
from catalog.upkeep import NOBODY_FOLLOWS, Upkeep

SLUG = OpenApiParameter("slug", OpenApiTypes.STR, OpenApiParameter.PATH, description="The retailer's slug.")
NAME_CHARS = 200


class RetailerListQuery(PageQuery, FieldsQuery):
    """Query parameters of the list of retailers."""


class RetailerName(serializers.Serializer[Any]):
    """What may be changed of a retailer."""

    name = TextField(max_length=NAME_CHARS, help_text="As people call it.")


class NewRetailer(RetailerName):
    """A retailer to be made."""

    slug = TextField(max_length=50, help_text="Short name of letters, digits, hyphens and underscores, for good.")


class RetailerListView(APIView):
    """The retailers a caller may know of."""

    parser_classes = (BoundedJSONParser,)
    rights = {"POST": Right.OPERATE}  # noqa: RUF012 (as every view names them)

    @extend_schema(
        summary="List retailers",
        description="By slug, with their number of products on sale. A key that belongs to a retailer sees that one.",
        parameters=[RetailerListQuery, IF_NONE_MATCH],
        responses={200: paged(RetailerSerializer), 304: None, **documented(400)},
        tags=["retailers"],
        operation_id="retailers_list",
    )
    def get(self, request: Request) -> Response:
        """List."""
        wanted = asked(RetailerListQuery, request.query_params.dict())
        fields = chosen_fields(wanted, RetailerSerializer)
        own = seen_retailer(request, None)
        found, neighbours = page_of(selectors.retailers(own), request, "slug")
        shown = only(RetailerSerializer(found, many=True), fields).data
        return answer(request, {"results": shown, **neighbours})

    @extend_schema(
        summary="Make a retailer",
        request=NewRetailer,
        examples=[OpenApiExample("Acme", value={"slug": "acme", "name": "Acme"}, request_only=True)],
        responses={201: RetailerSerializer, **documented(400, 409)},
        tags=["retailers"],
        operation_id="retailers_create",
    )
    def post(self, request: Request) -> Response:
        """Make one."""
        asked(NoParameters, request.query_params.dict())
        wanted = asked(NewRetailer, request.data)
        with answering_problems(), transaction.atomic():
            retailer = create_retailer(wanted["slug"], wanted["name"])
            audit(request, "retailer.create", retailer.slug, retailer=retailer)
        return Response(_shown(retailer), status=201, headers={"Location": f"/api/retailers/{retailer.slug}/"})


class RetailerView(APIView):
    """One retailer."""

    parser_classes = (BoundedJSONParser,)
    rights = {"PATCH": Right.OPERATE, "DELETE": Right.OPERATE}  # noqa: RUF012
    upkeep: Upkeep = NOBODY_FOLLOWS

    @extend_schema(
        summary="Get a retailer",
        parameters=[SLUG, IF_NONE_MATCH],
        responses={200: RetailerSerializer, 304: None, **documented(404)},
        tags=["retailers"],
        operation_id="retailers_retrieve",
    )
    def get(self, request: Request, slug: str) -> Response:
        """Show it."""
        asked(NoParameters, request.query_params.dict())
        with answering_problems():
            return answer(request, _shown(changed_retailer(request, slug)))

    @extend_schema(
        summary="Rename a retailer",
        parameters=[SLUG],
        request=RetailerName,
        examples=[OpenApiExample("Another name", value={"name": "Acme Fashion"}, request_only=True)],
        responses={200: RetailerSerializer, **documented(400, 404)},
        tags=["retailers"],
        operation_id="retailers_update",
    )
    def patch(self, request: Request, slug: str) -> Response:
        """Rename it."""
        asked(NoParameters, request.query_params.dict())
        wanted = asked(RetailerName, request.data)
        with answering_problems(), transaction.atomic():
            retailer = rename_retailer(changed_retailer(request, slug), wanted["name"])
            audit(request, "retailer.update", retailer.slug, retailer=retailer, detail=wanted)
        return Response(_shown(retailer))

    @extend_schema(
        summary="Remove a retailer",
        description="For good, with its products, images, keys, imports and webhooks. Searches stop finding its "
        "products at once. Repeat it where it was interrupted.",
        parameters=[SLUG],
        responses={204: None, **documented(404)},
        tags=["retailers"],
        operation_id="retailers_delete",
    )
    def delete(self, request: Request, slug: str) -> Response:
        """Remove it."""
        asked(NoParameters, request.query_params.dict())
        with answering_problems():
            retailer = changed_retailer(request, slug)
            # Before it begins: the entry outlives the retailer, and tells of one that was interrupted too.
            audit(request, "retailer.delete", retailer.slug)
            delete_retailer(retailer, changing=self.upkeep.changing)
        return Response(status=204)


def _shown(retailer: Retailer) -> dict[str, Any]:
    counted = selectors.retailers(retailer).get()
    return dict(RetailerSerializer(counted).data)
