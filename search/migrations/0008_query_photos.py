"""Shoppers' photos lie in a storage of their own."""

from __future__ import annotations

from django.db import migrations, models

import search.models.searches


class Migration(migrations.Migration):
    dependencies = [("search", "0007_feeds")]

    operations = [
        migrations.AlterField(
            model_name="queryimage",
            name="photo",
            field=models.FileField(
                blank=True,
                default="",
                help_text="only where a setting asks to keep it; never metadata",
                storage=search.models.searches.query_photo_storage,
                upload_to="",
            ),
        ),
    ]
