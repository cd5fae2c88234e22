"""The resource of imports: handed in, watched, stopped. Each view reads its parameters, calls one body and formats."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.access.caller import Right
from catalog.api import import_examples as examples
from catalog.api.access import audit, caller_of
from catalog.api.addressing import answering_problems, changed_retailer, seen_retailer
from catalog.api.import_asking import IDEMPOTENCY_KEY, asked_import
from catalog.api.import_serializers import (
    ImportErrorsQuery,
    ImportForm,
    ImportFromUrl,
    ImportListQuery,
    ImportRowErrorSerializer,
    ImportSerializer,
)
from catalog.api.json_bodies import BoundedJSONParser
from catalog.api.pagination import page_of, paged
from catalog.api.parameters import NoParameters, asked
from catalog.api.problems import documented
from catalog.api.tables import CsvFile
from catalog.api.uploads import to_disk
from catalog.imports.ending import cancel_import
from catalog.imports.reading import get_import, imports_of
from catalog.imports.submitting import submit_import
from catalog.models import ImportJob
from catalog.upkeep import NOBODY_FOLLOWS, Upkeep

REPORT = {"GET": Right.REPORT, "HEAD": Right.REPORT}
JOB_ID = OpenApiParameter("job_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The import's id.")
REPLAYED = OpenApiParameter(
    "Idempotent-Replayed",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[202],
    description="true: this is the answer to an earlier request with the same key.",
)
LOCATION = OpenApiParameter(
    "Location", OpenApiTypes.URI, OpenApiParameter.HEADER, response=[202], description="The import's own address."
)


class ImportListView(APIView):
    """Imports, and where they are handed in."""

    parser_classes = (MultiPartParser, BoundedJSONParser)
    rights = REPORT
    upkeep: Upkeep = NOBODY_FOLLOWS

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        """Before anything reads the body: a feed goes to disk as it comes."""
        prepared = super().initialize_request(request, *args, **kwargs)
        to_disk(prepared)
        return prepared

    @extend_schema(
        summary="List imports",
        description="Newest first.",
        parameters=[ImportListQuery],
        responses={200: OpenApiResponse(paged(ImportSerializer)), **documented(400, 404)},
        tags=["imports"],
        operation_id="imports_list",
    )
    def get(self, request: Request) -> Response:
        """List."""
        wanted = asked(ImportListQuery, request.query_params.dict())
        with answering_problems():
            retailer = seen_retailer(request, wanted.get("retailer"))
        found, neighbours = page_of(imports_of(retailer, wanted.get("state")), request, "-submitted_at", "-pk")
        shown = ImportSerializer(found, many=True, context={"request": request}).data
        return Response({"results": shown, **neighbours})

    @extend_schema(
        summary="Import a feed",
        description="Takes a feed as it is (Google Merchant CSV, TSV or XML, Shopify CSV, Google Product Search CSV, "
        "JSON Lines; gzip too) and brings the catalog in line with it, in the background: ask `Location` how far it "
        "is. Imports of one retailer run one after the other. Upload the feed as a form, or send JSON with `feed_url`.",
        parameters=[IDEMPOTENCY_KEY, REPLAYED, LOCATION],
        request={"multipart/form-data": ImportForm, "application/json": ImportFromUrl},
        examples=[examples.FROM_URL],
        responses={
            202: OpenApiResponse(ImportSerializer, examples=[examples.QUEUED]),
            **documented(400, 404, 409, 413, 415, 422),
        },
        tags=["imports"],
        operation_id="imports_create",
    )
    def post(self, request: Request) -> Response:
        """Hand one in."""
        asked(NoParameters, request.query_params.dict())
        slug, wanted = asked_import(request)
        with answering_problems(), transaction.atomic():
            retailer = changed_retailer(request, slug)
            job, is_new = submit_import(retailer, wanted, submitted=self.upkeep.import_submitted)
            if is_new:
                audit(request, "import.create", str(job.pk), retailer=retailer, detail={"mode": job.mode})
        shown = _shown(request, job)
        headers = {"Location": shown["links"]["self"]} | ({} if is_new else {"Idempotent-Replayed": "true"})
        return Response(shown, status=202, headers=headers)


class ImportView(APIView):
    """One import."""

    rights = REPORT

    @extend_schema(
        summary="Get an import",
        description="How far it is, what it counted, why it failed.",
        parameters=[JOB_ID],
        responses={200: OpenApiResponse(ImportSerializer, examples=[examples.ENDED]), **documented(404)},
        tags=["imports"],
        operation_id="imports_retrieve",
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """Show it."""
        asked(NoParameters, request.query_params.dict())
        return Response(_shown(request, _addressed(request, job_id)))


class ImportCancelView(APIView):
    """Stopping an import."""

    @extend_schema(
        summary="Cancel an import",
        description="One that waits is cancelled at once; one that is being run stops within seconds, and what it has "
        "written stays. Cancelling it again changes nothing.",
        parameters=[JOB_ID],
        request=None,
        responses={200: ImportSerializer, **documented(404, 409)},
        tags=["imports"],
        operation_id="imports_cancel",
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Stop it."""
        asked(NoParameters, request.query_params.dict())
        job = _addressed(request, job_id)
        with answering_problems(), transaction.atomic():
            job = cancel_import(job)
            audit(request, "import.cancel", str(job.pk), retailer=job.retailer)
        return Response(_shown(request, job))


class ImportErrorsView(APIView):
    """What was wrong with the rows of an import."""

    rights = REPORT

    @extend_schema(
        summary="List an import's row errors",
        description="In the order of the feed; the first 10,000 are kept. With `format=csv`, one file of them all.",
        parameters=[JOB_ID, ImportErrorsQuery],
        responses={
            (200, "application/json"): paged(ImportRowErrorSerializer),
            (200, "text/csv"): OpenApiTypes.STR,
            **documented(400, 404),
        },
        tags=["imports"],
        operation_id="imports_errors",
    )
    def get(self, request: Request, job_id: UUID) -> Any:
        """List."""
        wanted = asked(ImportErrorsQuery, request.query_params.dict())
        job = _addressed(request, job_id)
        if wanted["format"] == "csv":
            columns = ImportRowErrorSerializer.Meta.fields
            return CsvFile(f"import-{job.pk}-errors.csv", columns, job.row_errors.values_list(*columns))
        found, neighbours = page_of(job.row_errors.all(), request, "pk")
        return Response({"results": ImportRowErrorSerializer(found, many=True).data, **neighbours})


def _addressed(request: Request, job_id: UUID) -> ImportJob:
    with answering_problems():
        return get_import(caller_of(request).retailer, job_id)


def _shown(request: Request, job: ImportJob) -> dict[str, Any]:
    return dict(ImportSerializer(job, context={"request": request}).data)
