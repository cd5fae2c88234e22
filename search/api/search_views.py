"""Search as a resource: asking, and what is on record of it. Each view reads its parameters, calls a body, formats."""

from __future__ import annotations

import uuid

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.access.caller import Right, visible_retailer
from catalog.api.access import audit, caller_of
from catalog.api.json_bodies import BoundedJSONParser
from catalog.api.parameters import NoParameters, asked
from catalog.api.problems import documented
from catalog.api.serializers import ProductSerializer
from catalog.api.sparse import chosen_fields
from catalog.api.throttles import SEARCH_COST
from search.api import examples, search_examples
from search.api.asking import given, search_options
from search.api.parameters import SearchForm, SearchParameters
from search.api.problems import answering_problems
from search.api.search_record_serializers import SearchRecordSerializer
from search.api.serializers import SearchResultSerializer, render_search_result
from search.api.sources import chosen_source, search_with
from search.errors import SearchNotFound
from search.search_records import delete_search, find_search

SEARCH_ID = OpenApiParameter("search_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="Of an answer.")


class SearchView(APIView):
    """Search by photo, by an earlier photo, or by product."""

    parser_classes = (MultiPartParser, FormParser, BoundedJSONParser)
    rights = {"POST": Right.SEARCH}  # noqa: RUF012  (read by the permission)
    costs = {"POST": SEARCH_COST}  # noqa: RUF012  (read by the throttle)

    @extend_schema(
        summary="Search by photo",
        description="Finds the garments of a photo and, for each, the products that look most alike, with the chance "
        "that they are the same and a verdict. A garment without any good match says so instead of showing noise. "
        "The search comes with exactly one of `image` (a file), `image_url`, `image_id` (an earlier photo, asked again "
        "without looking at it again) and `product_id`. The photo is not stored unless the operator chose so; what was "
        "seen in it is kept for a while under `image_id`. Fields of the form or the JSON body may stand in the address "
        "instead; each once.",
        request={"multipart/form-data": SearchForm, "application/json": SearchParameters},
        # Not listed as parameters of the address too: a generated client would send every default twice.
        responses={
            200: OpenApiResponse(SearchResultSerializer, examples=[examples.SEARCH_REPLY]),
            **documented(
                400,
                404,
                409,
                410,
                413,
                415,
                503,
                on_400=examples.NOT_AN_IMAGE,
                on_404=search_examples.UNKNOWN_IMAGE,
                on_409=search_examples.PHOTO_NOT_KEPT,
                on_410=search_examples.IMAGE_OUTDATED,
                on_503=examples.INDEX_MISSING,
            ),
        },
        examples=search_examples.REQUESTS,
        tags=["search"],
        operation_id="search_by_photo",
    )
    def post(self, request: Request) -> Response:
        """Search."""
        wanted = asked(SearchParameters, given(request))
        shown = chosen_fields(wanted, ProductSerializer)
        source, caller = chosen_source(request, wanted), caller_of(request)
        with answering_problems(photo_field=source):
            options = search_options(wanted, visible_retailer(caller, wanted.get("retailer")))
            result = search_with(source, request, wanted, options, caller)
        return Response(render_search_result(result, request, shown))


class SearchRecordView(APIView):
    """What is on record of one search."""

    rights = {"GET": Right.REPORT, "DELETE": Right.WRITE}  # noqa: RUF012  (read by the permission)

    @extend_schema(
        summary="Get one search",
        description="What is on record of a search: when it was made, what was seen, whether anything matched, and "
        "what shoppers did with the answer. Never the photo.",
        parameters=[SEARCH_ID],
        responses={
            200: OpenApiResponse(SearchRecordSerializer, examples=[search_examples.SEARCH_RECORD]),
            **documented(400, 404),
        },
        tags=["search"],
        operation_id="searches_retrieve",
    )
    def get(self, request: Request, search_id: str) -> Response:
        """Look up."""
        asked(NoParameters, request.query_params.dict())
        with answering_problems():
            found = find_search(_uuid(search_id), caller_of(request))
        return Response(SearchRecordSerializer(found).data)

    @extend_schema(
        summary="Delete one search",
        description="Forgets a search: its record, what was seen, what shoppers did with the answer, what is kept "
        "under its image_id, and the photo where it was kept. Deleting what is gone already is no error.",
        parameters=[SEARCH_ID],
        request=None,
        responses={204: OpenApiResponse(description="Nothing of it is left."), **documented(400, 404)},
        tags=["search"],
        operation_id="searches_destroy",
    )
    def delete(self, request: Request, search_id: str) -> Response:
        """Forget."""
        asked(NoParameters, request.query_params.dict())
        with answering_problems():
            retailer = delete_search(_uuid(search_id), caller_of(request))
        audit(request, "search.delete", search_id, retailer=retailer)
        return Response(status=204)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise SearchNotFound("there is no such search on record") from error
