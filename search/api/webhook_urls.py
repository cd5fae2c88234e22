"""Routes of webhooks below `/api/`, each with and without its last slash."""

from __future__ import annotations

from django.urls import re_path

from search.api.webhook_delivery_views import DeliveryListView, DeliveryRetryView, DeliveryView, WebhookTestView
from search.api.webhook_views import WebhookListView, WebhookSecretView, WebhookView

WEBHOOK = "^webhooks/(?P<webhook_id>[^/]+)"
DELIVERY = f"{WEBHOOK}/deliveries/(?P<delivery_id>[^/]+)"

urlpatterns = [
    re_path(r"^webhooks/?$", WebhookListView.as_view(), name="webhook-list"),
    re_path(rf"{WEBHOOK}/?$", WebhookView.as_view(), name="webhook-detail"),
    re_path(rf"{WEBHOOK}/rotate-secret/?$", WebhookSecretView.as_view(), name="webhook-secret"),
    re_path(rf"{WEBHOOK}/test/?$", WebhookTestView.as_view(), name="webhook-test"),
    re_path(rf"{WEBHOOK}/deliveries/?$", DeliveryListView.as_view(), name="webhook-deliveries"),
    re_path(rf"{DELIVERY}/?$", DeliveryView.as_view(), name="webhook-delivery"),
    re_path(rf"{DELIVERY}/retry/?$", DeliveryRetryView.as_view(), name="webhook-retry"),
]
