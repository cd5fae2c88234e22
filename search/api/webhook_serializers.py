"""Webhooks as JSON: what a client asks, an endpoint, and a delivery."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog import limits
from catalog.api.fields import WordField
from catalog.models import WebhookDelivery, WebhookEndpoint
from catalog.webhooks import EVENTS
from catalog.webhooks.signing import endpoint_secret

EVENT_MEANINGS = " ".join(f"`{name}`: {meaning}" for name, meaning in EVENTS.items())


class WebhookFields(serializers.Serializer[Any]):
    """A webhook to be made."""

    url = serializers.CharField(
        max_length=limits.LINK_CHARS,
        help_text="Where messages are posted: https, a public host, no user name or password.",
    )
    events = serializers.ListField(
        child=WordField(list(EVENTS)),
        allow_empty=False,
        max_length=len(EVENTS),
        help_text=f"What it is told of. {EVENT_MEANINGS}",
    )
    retailer = serializers.SlugField(
        required=False,
        max_length=50,
        help_text="Slug of the retailer whose events are meant, for operators; without it, an operator's webhook is "
        "told of all retailers' events. A retailer's own key needs none.",
    )


class WebhookChanges(serializers.Serializer[Any]):
    """What changes about a webhook; what is left out stays."""

    url = serializers.CharField(
        required=False, max_length=limits.LINK_CHARS, help_text="Another address; the secret stays the same."
    )
    events = serializers.ListField(
        child=WordField(list(EVENTS)),
        required=False,
        allow_empty=False,
        max_length=len(EVENTS),
        help_text="What it is told of from now on.",
    )
    active = serializers.BooleanField(
        required=False,
        help_text="false: nothing is sent, and nothing new is kept for it. true: it is sent again, also after the "
        "server had given the address up.",
    )


class WebhookListQuery(serializers.Serializer[Any]):
    """Query parameters of the list of webhooks."""

    retailer = serializers.SlugField(
        required=False, max_length=50, help_text="Only webhooks of the retailer with this slug."
    )


class DeliveryListQuery(serializers.Serializer[Any]):
    """Query parameters of the list of deliveries."""

    state = WordField(WebhookDelivery.State.values, required=False, help_text="Only deliveries in this state.")


class WebhookSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """An address that is told of events."""

    retailer = serializers.CharField(
        source="retailer.slug",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="Slug of the retailer whose events are sent; null: all retailers', for operators.",
    )
    events = serializers.ListField(child=serializers.CharField(), read_only=True, help_text="What it is told of.")
    active = serializers.BooleanField(
        source="is_active", read_only=True, help_text="Whether messages are sent to it at all."
    )
    consecutive_failures = serializers.IntegerField(
        source="n_failures", read_only=True, help_text="Attempts that failed since the last one that was accepted."
    )

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id",
            "url",
            "events",
            "retailer",
            "active",
            "disabled_reason",
            "consecutive_failures",
            "failing_since",
            "created_at",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "Its id."},
            "url": {"help_text": "Where messages are posted."},
            "disabled_reason": {"help_text": "Why the server gave it up (410 Gone, or days of failures), or empty."},
            "failing_since": {"help_text": "When the first of those attempts failed, or null."},
            "created_at": {"help_text": "When it was made."},
        }


class WebhookWithSecretSerializer(WebhookSerializer):
    """A webhook as its maker sees it, with the secret that its messages are signed with."""

    secret = serializers.SerializerMethodField()

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]
        read_only_fields = fields

    @extend_schema_field(
        serializers.CharField(
            help_text="For the receiver, as Standard Webhooks' libraries take it. It is shown here and never again."
        )
    )
    def get_secret(self, endpoint: WebhookEndpoint) -> str:
        """Derived, never stored."""
        return endpoint_secret(endpoint)


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """One message to one webhook, and what became of it."""

    id = serializers.UUIDField(
        read_only=True, help_text="Its id, the message's `webhook-id`: the same at every attempt."
    )
    event = serializers.CharField(read_only=True, help_text="What happened; `ping` for a test.")
    state = serializers.ChoiceField(
        WebhookDelivery.State.choices, read_only=True, help_text="pending: due or waiting for the next attempt."
    )
    attempts = serializers.IntegerField(source="n_attempts", read_only=True, help_text="Attempts so far.")
    data = serializers.DictField(  # type: ignore[assignment]  # DRF takes declared fields out of the class
        source="payload", read_only=True, help_text="The message's `data`: what happened, by event."
    )

    class Meta:
        model = WebhookDelivery
        fields = [
            "id",
            "event",
            "state",
            "attempts",
            "next_attempt_at",
            "status_code",
            "error",
            "created_at",
            "delivered_at",
            "data",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "next_attempt_at": {"help_text": "When it is tried next, or null."},
            "status_code": {"help_text": "HTTP status of the last answer, or null where none came."},
            "error": {"help_text": "Why the last attempt failed, or empty."},
            "created_at": {"help_text": "When the event happened; the message's `timestamp`."},
            "delivered_at": {"help_text": "When the receiver accepted it, or null."},
        }
