"""The resource of API keys: listed, made, rotated, revoked. A key is shown once, when it is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.access.caller import Caller, Right, visible_retailer
from catalog.access.granting import KeyWish, get_key, grant_key, revoke_key, rotate_key, visible_keys
from catalog.api.access import audit, caller_of
from catalog.api.json_bodies import BoundedJSONParser
from catalog.api.key_serializers import KeyFields, KeyListQuery, KeyRotation, KeySerializer, NewKeySerializer
from catalog.api.pagination import page_of, paged
from catalog.api.parameters import NoParameters, asked
from catalog.api.problems import ProblemError, documented, not_found, sentence
from catalog.errors import InvalidKey, KeyForbidden, KeyNotFound, KeyReplaced, RetailerNotFound, TooManyKeys
from catalog.models import ApiKey

PREFIX = OpenApiParameter(
    "prefix", OpenApiTypes.STR, OpenApiParameter.PATH, description="The key's prefix, as the list gives it."
)
NEW_KEY = OpenApiExample(
    "A publishable key",
    request_only=True,
    value={"kind": "publishable", "name": "shop front", "allowed_origins": ["https://shop.example"]},
)

ROTATION = OpenApiExample("Two days to change over", request_only=True, value={"overlap_h": 48})


class KeyListView(APIView):
    """All keys a caller may know of."""

    parser_classes = (BoundedJSONParser,)
    rights = {"GET": Right.CONFIGURE}  # noqa: RUF012 (as every view names them)

    @extend_schema(
        summary="List API keys",
        description="The retailer's keys, newest first, revoked ones too; none shows the key itself.",
        parameters=[KeyListQuery],
        responses={200: paged(KeySerializer), **documented(400, 404)},
        tags=["keys"],
        operation_id="api_keys_list",
    )
    def get(self, request: Request) -> Response:
        """List."""
        wanted = asked(KeyListQuery, request.query_params.dict())
        with _answering_problems():
            keys = visible_keys(caller_of(request), wanted.get("retailer"))
        page, neighbours = page_of(keys, request, "-created", "-pk")
        return Response({"results": KeySerializer(page, many=True).data, **neighbours})

    @extend_schema(
        summary="Make an API key",
        description="Makes a key that opens no more, and works no longer, than the key that asks for it. The answer "
        "alone shows it.",
        request=KeyFields,
        examples=[NEW_KEY],
        responses={201: OpenApiResponse(NewKeySerializer), **documented(400, 403, 404, 409)},
        tags=["keys"],
        operation_id="api_keys_create",
    )
    def post(self, request: Request) -> Response:
        """Make one."""
        asked(NoParameters, request.query_params.dict())
        wanted = asked(KeyFields, request.data)
        caller = caller_of(request)
        with _answering_problems(), transaction.atomic():
            record, key = grant_key(caller, _wish(caller, wanted))
            audit(request, "api_key.create", record.prefix, retailer=record.retailer, detail=_detail(record))
        return _made(record, key)


class KeyView(APIView):
    """One key."""

    rights = {"GET": Right.CONFIGURE}  # noqa: RUF012

    @extend_schema(
        summary="Get an API key",
        parameters=[PREFIX],
        description="All that is known of a key but the key itself.",
        responses={200: KeySerializer, **documented(400, 404)},
        tags=["keys"],
        operation_id="api_keys_retrieve",
    )
    def get(self, request: Request, prefix: str) -> Response:
        """Show what is not secret about it."""
        asked(NoParameters, request.query_params.dict())
        with _answering_problems():
            return Response(KeySerializer(get_key(caller_of(request), prefix)).data)

    @extend_schema(
        summary="Revoke an API key",
        description="It stops working at once, and for good. It stays in the list. Revoking it again changes nothing.",
        parameters=[PREFIX],
        responses={204: None, **documented(400, 404)},
        tags=["keys"],
        operation_id="api_keys_revoke",
    )
    def delete(self, request: Request, prefix: str) -> Response:
        """End it."""
        asked(NoParameters, request.query_params.dict())
        with _answering_problems(), transaction.atomic():
            record = get_key(caller_of(request), prefix)
            revoke_key(record)
            audit(request, "api_key.revoke", record.prefix, retailer=record.retailer)
        return Response(status=204)


class KeyRotationView(APIView):
    """Replacing a key."""

    parser_classes = (BoundedJSONParser,)

    @extend_schema(
        summary="Rotate an API key",
        description="Makes a key like this one, and lets this one work for some hours more, so that servers can be "
        "changed over one after the other. The answer alone shows the new key.",
        parameters=[PREFIX],
        request=KeyRotation,
        examples=[ROTATION],
        responses={201: NewKeySerializer, **documented(400, 403, 404, 409)},
        tags=["keys"],
        operation_id="api_keys_rotate",
    )
    def post(self, request: Request, prefix: str) -> Response:
        """Make the next one."""
        asked(NoParameters, request.query_params.dict())
        wanted = asked(KeyRotation, request.data)
        with _answering_problems(), transaction.atomic():
            record, key = rotate_key(caller_of(request), prefix, **wanted)
            audit(request, "api_key.rotate", prefix, retailer=record.retailer, detail={"new": record.prefix})
        return _made(record, key)


def _wish(caller: Caller, wanted: dict[str, Any]) -> KeyWish:
    kind = ApiKey.Kind(wanted["kind"])
    retailer = visible_retailer(caller, wanted.get("retailer"))
    return KeyWish(kind, wanted["name"], retailer, wanted["allowed_origins"], wanted["rate"], wanted["expires_at"])


def _detail(record: ApiKey) -> dict[str, Any]:
    return {"kind": record.kind, "name": record.name, "allowed_origins": record.allowed_origins, "rate": record.rate}


def _made(record: ApiKey, key: str) -> Response:
    # No proxy and no browser keeps the one answer that shows a key.
    headers = {"Location": f"/api/api-keys/{record.prefix}", "Cache-Control": "no-store"}
    return Response(NewKeySerializer(record, context={"key": key}).data, status=201, headers=headers)


@contextmanager
def _answering_problems() -> Iterator[None]:
    try:
        yield
    except RetailerNotFound as error:
        raise not_found(error) from error
    except KeyNotFound as error:
        raise ProblemError(404, "not_found", sentence(error)) from error
    except InvalidKey as error:
        raise ProblemError(400, "invalid_parameter", sentence(error), field=error.field) from error
    except KeyForbidden as error:
        raise ProblemError(403, "permission_denied", sentence(error)) from error
    except KeyReplaced as error:
        raise ProblemError(409, "key_replaced", sentence(error)) from error
    except TooManyKeys as error:
        raise ProblemError(409, "too_many_keys", sentence(error)) from error
