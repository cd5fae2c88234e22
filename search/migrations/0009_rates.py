"""Indexes for rates of searches and events; searches of before know whether they had a good match."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Exists, OuterRef


def remember_matches(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """From the verdicts of their garments, where those were recorded."""
    searches = apps.get_model("search", "SearchLog").objects.filter(has_match__isnull=True)
    garments = apps.get_model("search", "SearchedGarment").objects.filter(search=OuterRef("pk"))
    searches.filter(Exists(garments.filter(verdict__in=["exact", "similar"]))).update(has_match=True)
    searches.filter(Exists(garments.filter(verdict="none"))).update(has_match=False)


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_resources"),
        ("search", "0008_query_photos"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="searchlog",
            index=models.Index(fields=["retailer", "created_at"], name="search_by_retailer_and_time"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["kind", "occurred_at"], name="event_of_all_by_kind"),
        ),
        migrations.RunPython(remember_matches, migrations.RunPython.noop, elidable=True),
    ]
