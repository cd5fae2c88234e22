"""The search room's resources. Each view reads its parameters, calls one body and formats."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.parameters import asked
from catalog.api.problems import ProblemError, documented
from search.api import examples
from search.api.asking import given, search_options
from search.api.category_serializers import CategoryCountSerializer, render_category
from search.api.parameters import SearchForm, SearchParameters
from search.api.problems import answering_problems
from search.api.serializers import SearchResultSerializer, render_search_result
from search.services import search_by_photo
from search.trends import count_catalog_garments
from segmentation.taxonomy import CATEGORIES


class SearchView(APIView):
    """Photo search."""

    parser_classes = (MultiPartParser,)

    @extend_schema(
        summary="Search by photo",
        description="Finds the garments of a photo and, for each, the products that look most alike, with the chance "
        "that they are the same and a verdict. A garment without any good match says so instead of showing noise. "
        "The photo is not stored. Parameters may stand in the form or in the address.",
        request={"multipart/form-data": SearchForm},
        parameters=[SearchParameters],
        responses={
            200: OpenApiResponse(SearchResultSerializer, examples=[examples.SEARCH_REPLY]),
            **documented(400, 404, 413, 415, 503, on_400=examples.NOT_AN_IMAGE, on_503=examples.INDEX_MISSING),
        },
        tags=["search"],
        operation_id="search_by_photo",
    )
    def post(self, request: Request) -> Response:
        """Search."""
        options = search_options(asked(SearchParameters, given(request)))
        with answering_problems():
            result = search_by_photo(_read_photo(request), options)
        return Response(render_search_result(result, request))


class CategoriesView(APIView):
    """The taxonomy."""

    @extend_schema(
        summary="List categories",
        description="All categories of the taxonomy, with the number of garments on sale.",
        responses=CategoryCountSerializer(many=True),
        tags=["search"],
        operation_id="categories_list",
    )
    def get(self, request: Request) -> Response:
        """Count."""
        counts = count_catalog_garments()
        rows: list[dict[str, Any]] = [
            {**(render_category(category.id) or {}), "catalog_garments": counts.get(category.id, 0)}
            for category in CATEGORIES
        ]
        return Response(rows)


def _read_photo(request: Request) -> bytes:
    """The one uploaded file's bytes. What they are, `segmentation.images` says, not the client's headers."""
    files = [file for _, uploaded in request.FILES.lists() for file in uploaded]
    photos = request.FILES.getlist("image")
    if not photos:
        raise ProblemError(400, "image_missing", 'Send one photo as the form\'s file "image".', field="image")
    if len(files) > 1:
        raise ProblemError(400, "invalid_parameter", f"Send one photo, not {len(files)} files.", field="image")
    (photo,) = photos
    if not photo.size:
        raise ProblemError(400, "empty_file", "The photo's file is empty.", field="image")
    limit = settings.SELVEDGE_MAX_UPLOAD_BYTES
    if photo.size > limit:
        detail = f"The photo has {photo.size:,} bytes; at most {limit:,} are taken."
        raise ProblemError(413, "file_too_large", detail, field="image")
    return bytes(photo.read())
