"""Events as JSON: one as it is reported, what became of it, and the report of a period."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog import limits
from catalog.api.fields import WordField
from catalog.api.parameters import refuse_unknown
from catalog.money import in_decimals_of
from search.api.fields import CurrencyField
from search.api.proportion_serializers import ProportionSerializer
from search.event_summary import Revenue
from search.events import MAX_AGE, MAX_EVENTS, EventWish
from search.models import Event

MAX_SMALL = 32767
MAX_QUANTITY = 1_000_000


class EventFields(serializers.Serializer[Any]):
    """One thing a shopper did with an answer."""

    event_id = serializers.CharField(
        max_length=64, help_text="Yours, such as a UUID: the same one sent again counts once."
    )
    type = WordField(
        Event.Kind.values,
        help_text="view: the product was shown; click: it was opened; cart: it was put into the cart; purchase: it was "
        "bought.",
    )
    product_id = serializers.CharField(max_length=limits.ID_CHARS, help_text="The retailer's own product id.")
    retailer = serializers.SlugField(
        required=False,
        max_length=50,
        help_text="Slug of the retailer, where the key belongs to none and the search was made in all catalogs.",
    )
    search_id = serializers.UUIDField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Of the answer that showed it; without it, it counts, but for no search's success.",
    )
    object_id = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=0,
        max_value=MAX_SMALL,
        help_text="The photo's object it was shown for.",
    )
    rank = serializers.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=MAX_SMALL,
        help_text="Its place in its list, from 1.",
    )
    quantity = serializers.IntegerField(
        required=False, default=1, min_value=1, max_value=MAX_QUANTITY, help_text="How many of it."
    )
    value = serializers.DecimalField(
        required=False,
        allow_null=True,
        default=None,
        max_digits=limits.PRICE_DIGITS,
        decimal_places=limits.PRICE_DECIMALS,
        min_value=Decimal(0),
        help_text="What all of them cost together, with `currency`.",
    )
    currency = CurrencyField(required=False, default="", max_length=3, help_text="ISO 4217, of `value`.")
    occurred_at = serializers.DateTimeField(
        required=False,
        help_text=f"When it happened, ISO 8601 with its zone: at most {MAX_AGE.days} days ago, not in the future. "
        "Without it, now.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Money has a currency."""
        if (attrs["value"] is None) != (not attrs["currency"]):
            missing = "currency" if attrs["value"] is not None else "value"
            raise serializers.ValidationError({missing: "value and currency go together."})
        return attrs

    def to_internal_value(self, data: Any) -> Any:
        """Checked, nothing unknown in it."""
        checked = super().to_internal_value(data)
        refuse_unknown(data, self.fields)
        return checked


class EventBatch(serializers.Serializer[Any]):
    """Events, for the schema; the view reads them one by one, so that a wrong one keeps no other out."""

    events = serializers.ListField(
        child=EventFields(), min_length=1, max_length=MAX_EVENTS, help_text=f"1 to {MAX_EVENTS} events."
    )


class EventItems(serializers.Serializer[Any]):
    """Events as they came."""

    events = serializers.ListField(child=serializers.JSONField(allow_null=True), min_length=1, max_length=MAX_EVENTS)


class EventErrorSerializer(serializers.Serializer[Any]):
    """What is wrong with one field of an event."""

    field = serializers.CharField(help_text="Name of the field; empty: the event as a whole.")
    message = serializers.CharField(help_text="What is wrong with it.")


class ReceiptSerializer(serializers.Serializer[Any]):
    """What became of one event."""

    event_id = serializers.CharField(allow_null=True, help_text="As it was sent, or null where it was none.")
    status = serializers.ChoiceField(
        ["accepted", "duplicate", "rejected"], help_text="duplicate: it was stored before, and is not stored twice."
    )
    code = serializers.CharField(
        help_text="Why it was rejected: invalid_event, wrong_time, unknown_search, unknown_product, unknown_retailer, "
        "retailer_required; else empty."
    )
    errors = EventErrorSerializer(  # type: ignore[assignment]  # DRF takes declared fields out of the class
        many=True, help_text="What is wrong with it; empty where nothing is."
    )


class ReceiptsSerializer(serializers.Serializer[Any]):
    """What became of a batch."""

    accepted = serializers.IntegerField(help_text="Events that were stored.")
    duplicates = serializers.IntegerField(help_text="Events that had been stored before.")
    rejected = serializers.IntegerField(help_text="Events that are wrong.")
    results = ReceiptSerializer(many=True, help_text="Each event, in the order of the batch.")


class DayEventsSerializer(serializers.Serializer[Any]):
    """Events of one type on one day (UTC)."""

    date = serializers.DateField(help_text="The day.")
    type = serializers.ChoiceField(Event.Kind.values, source="kind", help_text="What shoppers did.")
    count = serializers.IntegerField(help_text="How often.")


class EventTotalsSerializer(serializers.Serializer[Any]):
    """Events by type."""

    view = serializers.IntegerField(help_text="Products shown.")
    click = serializers.IntegerField(help_text="Products opened.")
    cart = serializers.IntegerField(help_text="Products put into the cart.")
    purchase = serializers.IntegerField(help_text="Products bought.")


class RevenueSerializer(serializers.Serializer[Any]):
    """What purchases were worth, in one currency."""

    currency = serializers.CharField(help_text="ISO 4217.")
    amount = serializers.SerializerMethodField()
    purchases = serializers.IntegerField(help_text="Purchases with a value.")
    quantity = serializers.IntegerField(help_text="Pieces bought in them.")

    @extend_schema_field(serializers.CharField(help_text='In the decimals of the currency, like "52.00".'))
    def get_amount(self, revenue: Revenue) -> str:
        """Text, exact."""
        return format(in_decimals_of(revenue.amount, revenue.currency), "f")


class EventSummarySerializer(serializers.Serializer[Any]):
    """What shoppers did in a period."""

    retailer = serializers.CharField(allow_null=True, help_text="Slug, or null for all retailers.")
    by_day = DayEventsSerializer(many=True, help_text="By day and type; what did not happen is left out.")
    totals = EventTotalsSerializer(help_text="Over the period.")
    click_through = ProportionSerializer(
        help_text="Searches with at least one click, of the searches with a good match. A photo counts once a day."
    )
    conversion = ProportionSerializer(
        help_text="Searches with at least one purchase, of the searches with a good match."
    )
    revenue = RevenueSerializer(many=True, help_text="Of purchases with a value, by currency.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is no name Python allows in a class body."""
        return {
            "from": serializers.DateField(source="period.first_day", help_text="First day (UTC)."),
            "to": serializers.DateField(source="period.last_day", help_text="Last day, included."),
            **super().get_fields(),
        }


def event_wish(checked: dict[str, Any]) -> EventWish:
    """From the checked fields of one event to what the body stores."""
    return EventWish(
        event_id=checked["event_id"],
        kind=Event.Kind(checked["type"]),
        product_id=checked["product_id"],
        occurred_at=checked.get("occurred_at") or datetime.now(UTC),
        retailer_slug=checked.get("retailer"),
        **{name: checked[name] for name in ("search_id", "object_id", "rank", "quantity", "value", "currency")},
    )
