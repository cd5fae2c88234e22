"""Records of imports as jobs: what was handed in, how far it is, and what was wrong with which row."""

from __future__ import annotations

import uuid

from django.db import models

from catalog import limits
from catalog.models.products import Retailer


class ImportJob(models.Model):
    """One feed handed in. Whoever runs it renews `heartbeat_at`; one whose runner died is taken up by another."""

    class State(models.TextChoices):
        """Where it is."""

        QUEUED = "queued", "waiting to be run"
        RUNNING = "running", "being run"
        SUCCEEDED = "succeeded", "done; single rows may have failed"
        FAILED = "failed", "stopped; `error` says why"
        CANCELLED = "cancelled", "stopped on request; what was done stays done"

    class Phase(models.TextChoices):
        """What a running one is doing."""

        ROWS = "rows", "reading rows"
        IMAGES = "images", "fetching images"
        DESCRIBING = "describing", "describing and indexing photos"

    class Mode(models.TextChoices):
        """What the feed says about products it does not name."""

        FULL = "full", "full: what the feed leaves out is no longer sold"
        DELTA = "delta", "delta: what the feed leaves out stays"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    retailer = models.ForeignKey(Retailer, on_delete=models.CASCADE, related_name="imports")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    phase = models.CharField(max_length=10, choices=Phase.choices, blank=True, default="")
    mode = models.CharField(max_length=5, choices=Mode.choices, default=Mode.FULL)
    dry_run = models.BooleanField(default=False)
    feed_name = models.CharField(
        max_length=200, blank=True, default="", help_text="as the client named it; never a path"
    )
    feed_path = models.CharField(max_length=200, blank=True, default="", help_text="below the imports folder")
    images_path = models.CharField(max_length=200, blank=True, default="", help_text="zip of images, likewise")
    feed_format = models.CharField(max_length=40, blank=True, default="", help_text="as asked or detected")
    options = models.JSONField(default=dict, blank=True)
    idempotency_key = models.CharField(max_length=255, blank=True, default="")
    request_sha256 = models.CharField(max_length=64, blank=True, default="", help_text="of what came with that key")
    created_by = models.CharField(max_length=200, blank=True, default="", help_text="as in the audit log")
    submitted_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    runner = models.CharField(max_length=64, blank=True, default="", help_text="who runs it: nobody else may write")
    n_attempts = models.PositiveSmallIntegerField(default=0, help_text="times it was taken up; counts are the last's")
    cancel_requested = models.BooleanField(default=False)
    n_lines = models.PositiveBigIntegerField(null=True, blank=True, help_text="in the feed, once known")
    lines_done = models.PositiveBigIntegerField(default=0)
    n_new = models.PositiveIntegerField(default=0)
    n_changed = models.PositiveIntegerField(default=0)
    n_unchanged = models.PositiveIntegerField(default=0)
    n_failed = models.PositiveIntegerField(default=0, help_text="rows with an error")
    n_incomplete = models.PositiveIntegerField(
        default=0, help_text="of those, the ones stored all the same, without one of their images"
    )
    n_withheld = models.PositiveIntegerField(default=0, help_text="rows of products that the feed says are not on sale")
    n_row_errors = models.PositiveIntegerField(default=0, help_text="errors of rows, those that are not kept included")
    n_gone = models.PositiveIntegerField(default=0, help_text="products withdrawn because the feed no longer has them")
    n_images_ok = models.PositiveIntegerField(default=0)
    n_images_failed = models.PositiveIntegerField(default=0)
    n_described = models.PositiveIntegerField(default=0)
    n_undescribed = models.PositiveIntegerField(default=0, help_text="photos that could not be described")
    examples = models.JSONField(default=dict, blank=True, help_text="product ids by new, changed, unchanged, gone")
    notes = models.JSONField(default=list, blank=True, help_text="what the retailer should know of the feed as a whole")
    error_code = models.CharField(max_length=40, blank=True, default="")
    error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-submitted_at", "-pk"]
        indexes = [
            models.Index(fields=["state", "heartbeat_at"], name="import_by_state"),
            models.Index(fields=["retailer", "-submitted_at"], name="import_by_retailer"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["retailer", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="one_import_per_idempotency_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.state})"


class ImportRowError(models.Model):
    """Why one row, or one of its images, was not taken over."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="row_errors")
    line = models.PositiveBigIntegerField(help_text="the header is line 1")
    column = models.CharField(max_length=100, blank=True, default="")
    product_id = models.CharField(max_length=limits.ID_CHARS, blank=True, default="", help_text="where it is known")
    reason = models.CharField(max_length=1000)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
