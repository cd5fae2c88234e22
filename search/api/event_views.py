"""The resource of events: what shoppers did with answers, reported by the batch."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.access.audit import storable
from catalog.access.caller import Right, visible_retailer
from catalog.api.access import caller_of
from catalog.api.json_bodies import BoundedJSONParser
from catalog.api.parameters import NoParameters, asked
from catalog.api.problems import ProblemError, documented, sentence
from search.api import event_examples as examples
from search.api.event_serializers import (
    EventBatch,
    EventFields,
    EventItems,
    EventSummarySerializer,
    ReceiptsSerializer,
    event_wish,
)
from search.api.problems import answering_problems
from search.api.trend_parameters import TrendsParameters
from search.event_summary import summarize_events
from search.events import MAX_AGE, MAX_EVENTS_OF_PAGES, EventWish, Receipt, record_events
from search.periods import period_of


class EventsView(APIView):
    """What shoppers did."""

    parser_classes = (BoundedJSONParser,)
    rights: ClassVar = {"POST": Right.SEARCH}

    @extend_schema(
        summary="Report events",
        description="Views, clicks, carts and purchases of products that answers showed, up to a thousand at a time "
        f"and 1 MiB ({MAX_EVENTS_OF_PAGES} with a publishable key). Each is taken or refused by itself, with its "
        "reason. Sending a batch again does no harm: an "
        f"`event_id` counts once. Events may be up to {MAX_AGE.days} days old. Send nothing about the person: there is "
        "no field for it, and the request's address and browser are not stored.",
        request=EventBatch,
        responses={
            200: OpenApiResponse(ReceiptsSerializer, examples=[examples.RECEIPTS]),
            **documented(400, 413),
        },
        examples=[examples.BATCH],
        tags=["events"],
        operation_id="events_create",
    )
    def post(self, request: Request) -> Response:
        """Take them in."""
        asked(NoParameters, request.query_params.dict())
        items = asked(EventItems, request.data)["events"]
        if caller_of(request).kind == "publishable" and len(items) > MAX_EVENTS_OF_PAGES:
            detail = f"A publishable key reports at most {MAX_EVENTS_OF_PAGES} events at a time."
            raise ProblemError(413, "body_too_large", detail, field="events")
        parsed = _parsed(items)
        receipts = iter(record_events(caller_of(request), [each for each in parsed if isinstance(each, EventWish)]))
        results = [
            _result(item, next(receipts)) if isinstance(each, EventWish) else _refused(item, each)
            for item, each in zip(items, parsed, strict=True)
        ]
        counts = [result["status"] for result in results]
        return Response(
            {
                "accepted": counts.count("accepted"),
                "duplicates": counts.count("duplicate"),
                "rejected": counts.count("rejected"),
                "results": results,
            }
        )


class EventSummaryView(APIView):
    """What shoppers did, counted."""

    rights: ClassVar = {"GET": Right.REPORT, "HEAD": Right.REPORT}

    @extend_schema(
        summary="Summarise events",
        description="Events by day and type, how many searches led to clicks and purchases, and what was bought.",
        parameters=[TrendsParameters],
        responses={
            200: OpenApiResponse(EventSummarySerializer, examples=[examples.SUMMARY]),
            **documented(400, 404),
        },
        tags=["events"],
        operation_id="events_summary",
    )
    def get(self, request: Request) -> Response:
        """Count."""
        wanted = asked(TrendsParameters, request.query_params.dict())
        with answering_problems():
            retailer = visible_retailer(caller_of(request), wanted.get("retailer"))
        return Response(EventSummarySerializer(summarize_events(period_of(wanted["days"]), retailer)).data)


def _parsed(items: list[Any]) -> list[EventWish | list[dict[str, str]]]:
    """Each event, or what is wrong with it."""
    fields = EventFields()
    parsed: list[EventWish | list[dict[str, str]]] = []
    for item in items:
        try:
            parsed.append(event_wish(fields.run_validation(item)))
        except serializers.ValidationError as error:
            parsed.append(_errors(error.detail))
    return parsed


def _errors(detail: Any) -> list[dict[str, str]]:
    named = detail if isinstance(detail, dict) else {"": detail}
    return [
        {"field": "" if field == "non_field_errors" else field, "message": str(message)}
        for field, messages in named.items()
        for message in (messages if isinstance(messages, list) else [messages])
    ]


def _refused(item: Any, errors: list[dict[str, str]]) -> dict[str, Any]:
    return {"event_id": _event_id(item), "status": "rejected", "code": "invalid_event", "errors": errors}


def _result(item: Any, receipt: Receipt) -> dict[str, Any]:
    errors = [{"field": "", "message": sentence(ValueError(receipt.reason))}] if receipt.reason else []
    return {"event_id": _event_id(item), "status": receipt.status, "code": receipt.code, "errors": errors}


def _event_id(item: Any) -> str | None:
    """As it was sent, as far as it is fit to be sent back."""
    sent = item.get("event_id") if isinstance(item, dict) else None
    return storable(sent)[:64] if isinstance(sent, str) else None
