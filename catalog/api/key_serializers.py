"""API keys as JSON: what a client asks, and a key without what is secret about it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.access.granting import DEFAULT_OVERLAP_H, MAX_OVERLAP_H, NAME_CHARS, STATES, state_of
from catalog.access.origins import MAX_ORIGIN_CHARS, MAX_ORIGINS
from catalog.api.fields import WordField
from catalog.api.pagination import PageQuery
from catalog.models import ApiKey


class KeyFields(serializers.Serializer[Any]):
    """A key to be made."""

    kind = WordField(
        ApiKey.Kind.choices,
        help_text="secret: reads and writes one retailer's catalog, for servers alone. publishable: searches it from "
        "the pages in `allowed_origins`. operator: all retailers; only operators make one.",
    )
    name = serializers.CharField(max_length=NAME_CHARS, help_text="What it is for, in your words.")
    retailer = serializers.SlugField(
        required=False,
        help_text="Slug of the retailer it opens; a secret key makes keys for its own. Not for operators'.",
    )
    allowed_origins = serializers.ListField(
        child=serializers.CharField(max_length=MAX_ORIGIN_CHARS),
        max_length=MAX_ORIGINS,
        required=False,
        default=list,
        help_text='Pages a publishable key works on: "https://shop.example", "https://*.shop.example" for all '
        'subdomains, or "*" for everywhere.',
    )
    rate = serializers.CharField(
        max_length=40,
        required=False,
        default="",
        help_text='Its own limit, such as "600/minute"; without it, the server\'s setting for its kind.',
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="When it stops working; null: never."
    )


class KeyRotation(serializers.Serializer[Any]):
    """How a key is replaced."""

    overlap_h = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_OVERLAP_H,
        default=DEFAULT_OVERLAP_H,
        help_text=f"Hours the old key goes on working, 0..{MAX_OVERLAP_H}.",
    )
    expires_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        default=None,
        help_text="When the new key stops working; without it, when the old one was to.",
    )


class KeyListQuery(PageQuery):
    """Query parameters of the list of keys."""

    retailer = serializers.SlugField(required=False, help_text="Only keys of the retailer with this slug.")


class KeySerializer(serializers.ModelSerializer[ApiKey]):
    """An API key, without what is secret about it."""

    retailer = serializers.CharField(
        source="retailer.slug", read_only=True, allow_null=True, default=None, help_text="Slug, or null for operators."
    )
    allowed_origins = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Pages a publishable key works on."
    )
    state = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(source="created", read_only=True, help_text="When it was made.")
    expires_at = serializers.DateTimeField(
        source="expiry_date", read_only=True, allow_null=True, help_text="When it stops working; null: never."
    )
    replaces = serializers.CharField(
        source="replaces.prefix",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="Prefix of the key it was rotated from, or null.",
    )

    class Meta:
        model = ApiKey
        fields = [
            "prefix",
            "kind",
            "name",
            "retailer",
            "allowed_origins",
            "rate",
            "state",
            "created_at",
            "expires_at",
            "last_used_at",
            "replaces",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "prefix": {"help_text": "The key's public name; it stands in its address and in the audit log."},
            "kind": {"help_text": "secret, publishable or operator."},
            "name": {"help_text": "What it is for."},
            "rate": {"help_text": "Its own limit; empty: the server's setting for its kind."},
            "last_used_at": {"help_text": "To the minute, or null."},
        }

    @extend_schema_field(serializers.ChoiceField(STATES, help_text="Whether it works."))
    def get_state(self, record: ApiKey) -> str:
        """From what ends a key."""
        return state_of(record)


class NewKeySerializer(KeySerializer):
    """An API key as its maker sees it, once."""

    key = serializers.SerializerMethodField()

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "key"]
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(help_text="The key itself. It is shown here and never again."))
    def get_key(self, record: ApiKey) -> str:
        """Given in the context: no record holds it."""
        return str(self.context["key"])
