"""Records of who is told of what, and of every attempt to tell."""

from __future__ import annotations

import uuid

from django.db import models

from catalog import limits
from catalog.models.products import Retailer


class WebhookEndpoint(models.Model):
    """An address that is told of events. Its signing secret is derived from the server's, so no table holds it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    retailer = models.ForeignKey(
        Retailer,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="webhooks",
        help_text="whose events; none: those of all, for operators",
    )
    url = models.CharField(max_length=limits.LINK_CHARS)
    events = models.JSONField(default=list, help_text='such as ["import.finished"]')
    secret_version = models.PositiveSmallIntegerField(default=1, help_text="raised to draw another secret")
    secret_rotated_at = models.DateTimeField(
        null=True, blank=True, help_text="for a day from then on, the secret before signs too"
    )
    is_active = models.BooleanField(default=True)
    disabled_reason = models.CharField(
        max_length=200, blank=True, default="", help_text="why the server stopped sending, where it was not asked to"
    )
    n_failures = models.PositiveIntegerField(default=0, help_text="failed attempts since the last success")
    failing_since = models.DateTimeField(null=True, blank=True, help_text="first failed attempt after the last success")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(models.Model):
    """One event for one address, sent until it is accepted or given up. Its key is the message's id for receivers."""

    class State(models.TextChoices):
        """Where it is."""

        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed", "given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=60)
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    n_attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True, help_text="of the last answer")
    error = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["state", "next_attempt_at"], name="delivery_by_due_time"),
            models.Index(fields=["endpoint", "-created_at"], name="delivery_by_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint_id} ({self.state})"
