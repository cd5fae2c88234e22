"""The resource of webhooks: made, changed, removed, tried out. They stand here, not with the catalog's own views,
because asking for a delivery also asks the queue to send it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.access.caller import Right, visible_retailer
from catalog.api.access import audit, caller_of
from catalog.api.json_bodies import BoundedJSONParser
from catalog.api.pagination import PageQuery, page_of, paged
from catalog.api.parameters import NoParameters, asked
from catalog.api.problems import documented
from catalog.models import WebhookEndpoint
from catalog.webhooks import endpoints
from catalog.webhooks.targets import check_target
from search.api import webhook_examples as examples
from search.api.webhook_problems import answering_webhook_problems
from search.api.webhook_serializers import (
    WebhookChanges,
    WebhookFields,
    WebhookListQuery,
    WebhookSerializer,
    WebhookWithSecretSerializer,
)
from search.webhook_tasks import request_sending

WEBHOOK_ID = OpenApiParameter(
    "webhook_id", OpenApiTypes.STR, OpenApiParameter.PATH, description="The webhook's id, as the list gives it."
)


class WebhookPageQuery(WebhookListQuery, PageQuery):
    """Query parameters of the list of webhooks."""


class WebhookListView(APIView):
    """All webhooks a caller may know of."""

    parser_classes = (BoundedJSONParser,)
    rights: ClassVar = {"GET": Right.CONFIGURE, "HEAD": Right.CONFIGURE}

    @extend_schema(
        summary="List webhooks",
        description="The retailer's webhooks, oldest first; for operators, all. None shows its secret.",
        parameters=[WebhookPageQuery],
        responses={
            200: OpenApiResponse(paged(WebhookSerializer), examples=[examples.WEBHOOK_PAGE]),
            **documented(400, 404),
        },
        tags=["webhooks"],
        operation_id="webhooks_list",
    )
    def get(self, request: Request) -> Response:
        """List."""
        wanted = asked(WebhookPageQuery, request.query_params.dict())
        caller = caller_of(request)
        with answering_webhook_problems():
            found = endpoints.endpoints(caller, visible_retailer(caller, wanted.get("retailer")))
        page, neighbours = page_of(found, request, "created_at", "pk")
        return Response({"results": WebhookSerializer(page, many=True).data, **neighbours})

    @extend_schema(
        summary="Make a webhook",
        description="From now on events are posted to the address as JSON, `{type, timestamp, data}`, signed as "
        "[Standard Webhooks](https://www.standardwebhooks.com) has it: headers `webhook-id`, `webhook-timestamp`, "
        "`webhook-signature`, verified by its libraries with the `secret` of this answer, which is shown only now. "
        "Refuse messages older than five minutes, and ids you have seen. Answer 2xx within ten seconds and work "
        "afterwards. What is not accepted is tried eight times more over a day and a quarter; 410 ends the webhook. "
        "A message may come twice and in any order.",
        request=WebhookFields,
        responses={
            201: OpenApiResponse(WebhookWithSecretSerializer, examples=[examples.WEBHOOK_MADE]),
            **documented(400, 404, 409, 413),
        },
        examples=[examples.NEW_WEBHOOK],
        tags=["webhooks"],
        operation_id="webhooks_create",
    )
    def post(self, request: Request) -> Response:
        """Make one."""
        asked(NoParameters, request.query_params.dict())
        wanted = asked(WebhookFields, request.data)
        with answering_webhook_problems():
            check_target(wanted["url"])
        with answering_webhook_problems(), transaction.atomic():
            retailer = visible_retailer(caller_of(request), wanted.get("retailer"))
            made = endpoints.create_endpoint(retailer, wanted["url"], wanted["events"])
            audit(request, "webhook.create", str(made.pk), retailer=retailer, detail=_detail(made))
        headers = {"Location": f"/api/webhooks/{made.pk}", "Cache-Control": "no-store"}
        return Response(WebhookWithSecretSerializer(made).data, status=201, headers=headers)


class WebhookView(APIView):
    """One webhook."""

    parser_classes = (BoundedJSONParser,)
    rights: ClassVar = {"GET": Right.CONFIGURE, "HEAD": Right.CONFIGURE}

    @extend_schema(
        summary="Get a webhook",
        parameters=[WEBHOOK_ID],
        responses={
            200: OpenApiResponse(WebhookSerializer, examples=[examples.WEBHOOK_REPLY]),
            **documented(400, 404),
        },
        tags=["webhooks"],
        operation_id="webhooks_retrieve",
    )
    def get(self, request: Request, webhook_id: str) -> Response:
        """Show it without its secret."""
        asked(NoParameters, request.query_params.dict())
        with answering_webhook_problems():
            return Response(WebhookSerializer(endpoints.get_endpoint(caller_of(request), webhook_id)).data)

    @extend_schema(
        summary="Change a webhook",
        description="Changes what is given. Switched on again, it is sent what has waited for it.",
        parameters=[WEBHOOK_ID],
        request=WebhookChanges,
        examples=[examples.SWITCHED_OFF],
        responses={
            200: OpenApiResponse(WebhookSerializer, examples=[examples.WEBHOOK_REPLY]),
            **documented(400, 404, 413),
        },
        tags=["webhooks"],
        operation_id="webhooks_update",
    )
    def patch(self, request: Request, webhook_id: str) -> Response:
        """Change it."""
        asked(NoParameters, request.query_params.dict())
        wanted = asked(WebhookChanges, request.data)
        with answering_webhook_problems():
            if "url" in wanted:
                check_target(wanted["url"])
        with answering_webhook_problems(), transaction.atomic():
            found = endpoints.get_endpoint(caller_of(request), webhook_id)
            endpoints.change_endpoint(
                found, url=wanted.get("url"), events=wanted.get("events"), is_active=wanted.get("active")
            )
            audit(request, "webhook.update", str(found.pk), retailer=found.retailer, detail=_detail(found))
            request_sending()
        return Response(WebhookSerializer(found).data)

    @extend_schema(
        summary="Delete a webhook",
        description="Nothing more is sent to it, and its deliveries are forgotten.",
        parameters=[WEBHOOK_ID],
        responses={204: None, **documented(400, 404)},
        tags=["webhooks"],
        operation_id="webhooks_destroy",
    )
    def delete(self, request: Request, webhook_id: str) -> Response:
        """Remove it."""
        asked(NoParameters, request.query_params.dict())
        with answering_webhook_problems(), transaction.atomic():
            found = endpoints.get_endpoint(caller_of(request), webhook_id)
            audit(request, "webhook.delete", str(found.pk), retailer=found.retailer, detail=_detail(found))
            found.delete()
        return Response(status=204)


class WebhookSecretView(APIView):
    """Another secret for a webhook."""

    @extend_schema(
        summary="Rotate a webhook's secret",
        description="The answer shows the new secret, and nothing else ever does. For a day messages carry both "
        "signatures, so that none is refused while the receiver takes the new one up. Send no body.",
        parameters=[WEBHOOK_ID],
        request=None,
        responses={
            200: OpenApiResponse(WebhookWithSecretSerializer, examples=[examples.WEBHOOK_MADE]),
            **documented(400, 404),
        },
        tags=["webhooks"],
        operation_id="webhooks_rotate_secret",
    )
    def post(self, request: Request, webhook_id: str) -> Response:
        """Draw it."""
        asked(NoParameters, request.query_params.dict())
        with answering_webhook_problems(), transaction.atomic():
            found = endpoints.rotate_secret(endpoints.get_endpoint(caller_of(request), webhook_id))
            audit(request, "webhook.rotate_secret", str(found.pk), retailer=found.retailer)
        return Response(WebhookWithSecretSerializer(found).data, headers={"Cache-Control": "no-store"})


def _detail(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {"url": endpoint.url, "events": endpoint.events, "active": endpoint.is_active}
