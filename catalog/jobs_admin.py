"""Imports and webhooks in Django's admin: how far they are, what went wrong; stopped or sent again here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from catalog.audited_admin import AuditedAdmin, ProgramsInline, ProgramsRecordAdmin, audit_staff, may_act
from catalog.errors import CatalogError, ImportEnded
from catalog.imports.ending import cancel_import
from catalog.models import ImportJob, ImportRowError, WebhookDelivery, WebhookEndpoint
from catalog.webhooks.endpoints import change_endpoint, retry

MOST_ROW_ERRORS = 200
"""Shown beside a job; all of them are in the API."""


class ImportRowErrorInline(ProgramsInline):
    """What was wrong with which row."""

    model = ImportRowError
    fields = readonly_fields = ("line", "column", "product_id", "reason")
    verbose_name_plural = f"row errors (the first {MOST_ROW_ERRORS})"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportRowError]:
        """The first of this job's."""
        match = request.resolver_match
        job_id = None if match is None else match.kwargs.get("object_id")
        errors: QuerySet[ImportRowError] = super().get_queryset(request)
        first = errors.filter(job_id=job_id).order_by("pk").values_list("pk", flat=True)[:MOST_ROW_ERRORS]
        return errors.filter(pk__in=list(first))


@admin.register(ImportJob)
class ImportJobAdmin(ProgramsRecordAdmin):
    """Imports, the latest first."""

    list_display = (
        "submitted_at",
        "retailer",
        "feed_name",
        "state_name",
        "phase",
        "mode_name",
        "dry_run",
        "n_new",
        "n_changed",
        "n_failed",
        "n_gone",
        "n_images_failed",
        "error_code",
        "ended_at",
    )
    list_filter = ("state", "mode", "dry_run", "retailer")
    list_select_related = ("retailer",)
    search_fields = ("id", "feed_name", "created_by")
    date_hierarchy = "submitted_at"
    # The options may hold the feed's address with its password.
    exclude = ("options", "feed_path", "images_path", "request_sha256")
    inlines = (ImportRowErrorInline,)
    actions = ("cancel",)

    @admin.display(description="state", ordering="state")
    def state_name(self, job: ImportJob) -> str:
        """The API's word, which is a column wide; what it means stands beside the list."""
        return job.state

    @admin.display(description="mode", ordering="mode")
    def mode_name(self, job: ImportJob) -> str:
        """The API's word."""
        return job.mode

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """As changing it would be."""
        return may_act(self, request)

    @admin.action(description="Cancel the selected imports", permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[ImportJob]) -> None:
        """Stops those that have not ended."""
        for job in queryset:
            try:
                cancel_import(job)
            except ImportEnded as error:
                self.message_user(request, str(error), messages.WARNING)
            else:
                audit_staff(request, "import.cancel", job)
                self.message_user(request, f"import {job.pk} is being cancelled")


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(AuditedAdmin):
    """Who is told of what. They are made over the API, which shows the secret; here they are switched on and off."""

    audited_as = "webhook"
    list_display = ("url", "retailer", "events", "is_active", "n_failures", "failing_since", "disabled_reason")
    list_filter = ("is_active", "retailer")
    list_select_related = ("retailer",)
    search_fields = ("id", "url", "retailer__slug")
    fields = (
        "retailer",
        "url",
        "events",
        "is_active",
        "disabled_reason",
        "n_failures",
        "failing_since",
        "created_at",
    )
    readonly_fields = tuple(name for name in fields if name != "is_active")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Its secret is shown by the API, which makes it."""
        return False

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        """One switched on again begins anew."""
        change_endpoint(WebhookEndpoint.objects.get(pk=obj.pk), is_active=obj.is_active)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ProgramsRecordAdmin):
    """What was sent, and what came of it."""

    list_display = (
        "created_at",
        "event",
        "endpoint",
        "state",
        "n_attempts",
        "status_code",
        "error",
        "next_attempt_at",
        "delivered_at",
    )
    list_filter = ("state", "event", "endpoint__retailer")
    list_select_related = ("endpoint",)
    search_fields = ("id", "endpoint__url")
    date_hierarchy = "created_at"
    actions = ("send_again",)

    def has_send_again_permission(self, request: HttpRequest) -> bool:
        """As changing it would be."""
        return may_act(self, request)

    @admin.action(description="Send the selected deliveries again", permissions=["send_again"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        """Makes them due; the next `manage.py tidy`, or the next event, sends them."""
        for delivery in queryset.select_related("endpoint__retailer"):
            try:
                retry(delivery)
            except CatalogError as error:
                self.message_user(request, f"{delivery.pk}: {error}", messages.WARNING)
            else:
                audit_staff(request, "webhook.retry", delivery)
