"""The JSON of imports: what is asked of one, how far it is, what was wrong with which row."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.fields import TextField, WordField
from catalog.api.pagination import PageQuery
from catalog.api.serializers import absolute_url
from catalog.feeds.detecting import FORMATS
from catalog.limits import LINK_CHARS
from catalog.models import ImportJob, ImportRowError

States = ImportJob.State


class ImportListQuery(PageQuery):
    """Query parameters of the list of imports."""

    retailer = serializers.SlugField(required=False, help_text="Only imports of the retailer with this slug.")
    state = WordField(States.choices, required=False, help_text="Only those in this state.")


class ImportErrorsQuery(PageQuery):
    """Query parameters of an import's row errors."""

    format = WordField(
        ["json", "csv"], required=False, default="json", help_text="csv: all of them as one file; no pages."
    )


class ImportOptions(serializers.Serializer[Any]):
    """What is asked of an import, besides its feed."""

    retailer = serializers.SlugField(
        required=False, help_text="Slug of the retailer; a key that belongs to one needs not name it."
    )
    mode = WordField(
        ImportJob.Mode.choices,
        required=False,
        default=ImportJob.Mode.FULL,
        help_text="full: products that the feed does not name are withdrawn from sale; delta: they stay.",
    )
    format = WordField(FORMATS, required=False, help_text="The feed's format; told by its content else.")
    dry_run = serializers.BooleanField(
        required=False, default=False, help_text="true: say what would change, with examples; write nothing."
    )
    allow_withdrawals = serializers.BooleanField(
        required=False,
        default=False,
        help_text="true: a full feed may withdraw more than 20 % of the products; else such a one is taken for "
        "truncated, nothing is withdrawn, and the import fails once its rows are taken over.",
    )
    currency = TextField(
        required=False, max_length=3, default="", help_text="ISO 4217 code of prices that name none (Shopify's)."
    )
    link_template = TextField(
        required=False,
        max_length=500,
        default="",
        help_text="Makes links of products that have none, such as https://shop.example/products/{handle}.",
    )


class ImportFromUrl(ImportOptions):
    """A feed to be fetched from the web."""

    feed_url = TextField(
        max_length=LINK_CHARS, help_text="http or https address of the feed; only public hosts are fetched from."
    )

    def validate_feed_url(self, address: str) -> str:
        """Refuses what is no web address; whether its host may be asked shows when it is fetched."""
        if not address.lower().startswith(("http://", "https://")):
            raise serializers.ValidationError("Give an http or https address.")
        return address


class ImportForm(ImportOptions):
    """A feed that is uploaded."""

    feed = serializers.FileField(allow_empty_file=True, help_text="The feed, plain or gzip.")
    images = serializers.FileField(
        required=False, help_text="A zip of image files, where the feed names them by relative paths."
    )


class ImportCountsSerializer(serializers.Serializer[ImportJob]):
    """What became of the feed's rows; each counts once, but for the incomplete ones, which are among the failed."""

    new = serializers.IntegerField(source="n_new", help_text="Products that were not known.")
    changed = serializers.IntegerField(source="n_changed", help_text="Known products of which something changed.")
    unchanged = serializers.IntegerField(source="n_unchanged", help_text="Known products as they were.")
    failed = serializers.IntegerField(source="n_failed", help_text="Rows with an error.")
    incomplete = serializers.IntegerField(
        source="n_incomplete", help_text="Of the failed: stored all the same, without one of their images."
    )
    withheld = serializers.IntegerField(
        source="n_withheld", help_text="Rows that the feed itself says are not on sale."
    )
    gone = serializers.IntegerField(source="n_gone", help_text="Products withdrawn from sale.")


class ImportImagesSerializer(serializers.Serializer[ImportJob]):
    """What became of the images."""

    fetched = serializers.IntegerField(source="n_images_ok", help_text="Fetched from the web.")
    failed = serializers.IntegerField(
        source="n_images_failed", help_text="Could not be fetched; where another try may help, it is made later."
    )
    described = serializers.IntegerField(source="n_described", help_text="Described, so that searches find them.")
    undescribed = serializers.IntegerField(source="n_undescribed", help_text="No photo that could be described.")


class ImportProgressSerializer(serializers.Serializer[ImportJob]):
    """How far the feed's rows are."""

    lines_done = serializers.IntegerField(help_text="Lines read.")
    n_lines = serializers.IntegerField(allow_null=True, help_text="Lines of the feed, once they are known.")
    percent = serializers.SerializerMethodField()

    @extend_schema_field(serializers.FloatField(help_text="Of the lines, 0..100."))
    def get_percent(self, job: ImportJob) -> float:
        """To a tenth."""
        if job.state == States.SUCCEEDED:
            return 100.0
        return round(100.0 * min(job.lines_done, job.n_lines) / job.n_lines, 1) if job.n_lines else 0.0


class ImportLinksSerializer(serializers.Serializer[Any]):
    """Where to go from here."""

    self = serializers.URLField(help_text="This import.")
    errors = serializers.URLField(  # type: ignore[assignment]
        help_text="Its row errors, in pages."
    )
    cancel = serializers.URLField(allow_null=True, help_text="POST there to stop it; null once it has ended.")


class ImportSerializer(serializers.ModelSerializer[ImportJob]):
    """One import."""

    retailer = serializers.CharField(source="retailer.slug", help_text="Slug of the retailer.")
    state = serializers.ChoiceField(
        States.choices, help_text="queued, running, and in the end succeeded, failed (see error) or cancelled."
    )
    phase = serializers.ChoiceField(
        [("", "none"), *ImportJob.Phase.choices], help_text="Of a running one: rows, images, describing."
    )
    format = serializers.CharField(source="feed_format", help_text="The feed's format, once it is known.")
    progress = ImportProgressSerializer(source="*", help_text="How far its rows are.")
    rows = ImportCountsSerializer(source="*", help_text="What became of the rows; of the last attempt.")
    images = ImportImagesSerializer(source="*", help_text="What became of the images.")
    examples = serializers.DictField(help_text="Some products by new, changed (what, before, after), unchanged, gone.")
    notes = serializers.ListField(child=serializers.CharField(), help_text="What to know of the feed as a whole.")
    n_row_errors = serializers.IntegerField(help_text="Errors of rows; the first 10,000 are kept.")
    links = serializers.SerializerMethodField()

    class Meta:
        model = ImportJob
        fields = [
            "id",
            "retailer",
            "state",
            "phase",
            "mode",
            "dry_run",
            "format",
            "feed_name",
            "submitted_at",
            "started_at",
            "ended_at",
            "progress",
            "rows",
            "images",
            "n_row_errors",
            "examples",
            "notes",
            "error_code",
            "error",
            "n_attempts",
            "links",
        ]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "Names the import."},
            "mode": {"help_text": "full: absent products are withdrawn; delta: they stay."},
            "dry_run": {"help_text": "Whether nothing is written."},
            "feed_name": {"help_text": "The file's name or address as it was handed in."},
            "submitted_at": {"help_text": "When it was handed in."},
            "started_at": {"help_text": "When it was first run."},
            "ended_at": {"help_text": "When it ended."},
            "error_code": {"help_text": "Why it failed, for programs; empty where it did not."},
            "error": {"help_text": "The same in a sentence."},
            "n_attempts": {"help_text": "More than 1: a process died of it or with it, and another took it up."},
        }

    @extend_schema_field(ImportLinksSerializer(help_text="Where to go from here."))
    def get_links(self, job: ImportJob) -> dict[str, str | None]:
        """Addresses of the job, its errors, and how to stop it."""
        own, errors, cancel = (
            absolute_url(reverse(name, args=[job.pk]), self.context)
            for name in ("import-detail", "import-errors", "import-cancel")
        )
        is_over = job.state not in {States.QUEUED, States.RUNNING}
        return {"self": own, "errors": errors, "cancel": None if is_over else cancel}


class ImportRowErrorSerializer(serializers.ModelSerializer[ImportRowError]):
    """What was wrong with one row, or with one of its images."""

    class Meta:
        model = ImportRowError
        fields = ["line", "column", "product_id", "reason"]
        read_only_fields = fields
        extra_kwargs = {
            "line": {"help_text": "Of the feed; the header is line 1."},
            "column": {"help_text": "The feed's column, or empty where the row as a whole is wrong."},
            "product_id": {"help_text": "The retailer's id, where it is known."},
            "reason": {"help_text": "What is wrong, in words."},
        }
