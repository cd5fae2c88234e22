"""Deliveries of webhooks: looked at, asked for, sent again."""

from __future__ import annotations

from typing import ClassVar

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.access.caller import Right
from catalog.api.access import audit, caller_of
from catalog.api.pagination import PageQuery, page_of, paged
from catalog.api.parameters import NoParameters, asked
from catalog.api.problems import documented
from catalog.webhooks import endpoints
from search.api import webhook_examples as examples
from search.api.webhook_problems import answering_webhook_problems
from search.api.webhook_serializers import DeliveryListQuery, DeliverySerializer
from search.api.webhook_views import WEBHOOK_ID
from search.webhook_tasks import request_sending

DELIVERY_ID = OpenApiParameter(
    "delivery_id", OpenApiTypes.STR, OpenApiParameter.PATH, description="The delivery's id, as the list gives it."
)


class DeliveryPageQuery(DeliveryListQuery, PageQuery):
    """Query parameters of the list of deliveries."""


class DeliveryListView(APIView):
    """What was, and is to be, sent to a webhook."""

    rights: ClassVar = {"GET": Right.CONFIGURE, "HEAD": Right.CONFIGURE}

    @extend_schema(
        summary="List a webhook's deliveries",
        description="The latest first. Those that are settled are forgotten after some weeks.",
        parameters=[WEBHOOK_ID, DeliveryPageQuery],
        responses={
            200: OpenApiResponse(paged(DeliverySerializer), examples=[examples.DELIVERY_PAGE]),
            **documented(400, 404),
        },
        tags=["webhooks"],
        operation_id="webhook_deliveries_list",
    )
    def get(self, request: Request, webhook_id: str) -> Response:
        """List."""
        wanted = asked(DeliveryPageQuery, request.query_params.dict())
        with answering_webhook_problems():
            found = endpoints.get_endpoint(caller_of(request), webhook_id).deliveries.all()
        if "state" in wanted:
            found = found.filter(state=wanted["state"])
        page, neighbours = page_of(found, request, "-created_at", "-pk")
        return Response({"results": DeliverySerializer(page, many=True).data, **neighbours})


class DeliveryView(APIView):
    """One delivery."""

    rights: ClassVar = {"GET": Right.CONFIGURE, "HEAD": Right.CONFIGURE}

    @extend_schema(
        summary="Get a delivery",
        parameters=[WEBHOOK_ID, DELIVERY_ID],
        responses={
            200: OpenApiResponse(DeliverySerializer, examples=[examples.DELIVERY_REPLY]),
            **documented(400, 404),
        },
        tags=["webhooks"],
        operation_id="webhook_deliveries_retrieve",
    )
    def get(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        """Show what became of it."""
        asked(NoParameters, request.query_params.dict())
        with answering_webhook_problems():
            found = endpoints.get_delivery(endpoints.get_endpoint(caller_of(request), webhook_id), delivery_id)
        return Response(DeliverySerializer(found).data)


class DeliveryRetryView(APIView):
    """A delivery once more."""

    @extend_schema(
        summary="Send a delivery again",
        description="Under the same `webhook-id`, whatever became of it before, with all attempts before it. Send no "
        "body.",
        parameters=[WEBHOOK_ID, DELIVERY_ID],
        request=None,
        responses={
            202: OpenApiResponse(DeliverySerializer, examples=[examples.DELIVERY_REPLY]),
            **documented(400, 404, 409),
        },
        tags=["webhooks"],
        operation_id="webhook_deliveries_retry",
    )
    def post(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        """Make it due."""
        asked(NoParameters, request.query_params.dict())
        with answering_webhook_problems(), transaction.atomic():
            endpoint = endpoints.get_endpoint(caller_of(request), webhook_id)
            delivery = endpoints.retry(endpoints.get_delivery(endpoint, delivery_id))
            audit(request, "webhook.retry", str(delivery.pk), retailer=endpoint.retailer)
            request_sending()
        return Response(DeliverySerializer(delivery).data, status=202)


class WebhookTestView(APIView):
    """A message that says nothing, to try a webhook out."""

    @extend_schema(
        summary="Test a webhook",
        description="Sends it a `ping`, signed like every message; the delivery tells what came of it. Send no body.",
        parameters=[WEBHOOK_ID],
        request=None,
        responses={
            202: OpenApiResponse(DeliverySerializer, examples=[examples.DELIVERY_REPLY]),
            **documented(400, 404, 409),
        },
        tags=["webhooks"],
        operation_id="webhooks_test",
    )
    def post(self, request: Request, webhook_id: str) -> Response:
        """Make the delivery."""
        asked(NoParameters, request.query_params.dict())
        with answering_webhook_problems(), transaction.atomic():
            endpoint = endpoints.get_endpoint(caller_of(request), webhook_id)
            delivery = endpoints.ping(endpoint)
            audit(request, "webhook.test", str(endpoint.pk), retailer=endpoint.retailer)
            request_sending()
        headers = {"Location": f"/api/webhooks/{endpoint.pk}/deliveries/{delivery.pk}"}
        return Response(DeliverySerializer(delivery).data, status=202, headers=headers)
