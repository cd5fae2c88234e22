"""Spaces know their checkpoints and which of them serves; garments know their product and their colors."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def fill_products(apps, schema_editor):
    """Gives every garment the product of its image, in one statement."""
    garments = apps.get_model("search", "Garment").objects.using(schema_editor.connection.alias)
    descriptions = apps.get_model("search", "ImageDescription").objects
    product = descriptions.filter(pk=OuterRef("description_id")).values("image__product_id")[:1]
    garments.filter(product=None).update(product_id=Subquery(product))


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0001_initial"),
        ("search", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="space",
            name="segmenter_file",
            field=models.CharField(
                blank=True,
                default="",
                help_text="checkpoint that finds garments; empty: the configured one",
                max_length=500,
            ),
        ),
        migrations.AddField(
            model_name="space",
            name="embedder_file",
            field=models.CharField(
                blank=True,
                default="",
                help_text="checkpoint that embeds them; empty: the configured one",
                max_length=500,
            ),
        ),
        migrations.AddField(
            model_name="space",
            name="segmenter_version",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            model_name="space",
            name="embedder_version",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AddField(
            model_name="space",
            name="state",
            field=models.CharField(
                choices=[
                    ("new", "being built, or waiting to be promoted"),
                    ("serving", "answers searches"),
                    ("retired", "answered searches once; kept to go back to"),
                ],
                default="new",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="space",
            name="promoted_at",
            field=models.DateTimeField(blank=True, help_text="when it last began to answer searches", null=True),
        ),
        migrations.AddField(
            model_name="space",
            name="calibration",
            field=models.JSONField(
                blank=True,
                help_text="overrides the checkpoint's: from similarity to probability, by category",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="space",
            name="previous",
            field=models.ForeignKey(
                blank=True,
                help_text="the space that served before it: where rollback_space goes",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="search.space",
            ),
        ),
        migrations.AddConstraint(
            model_name="space",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "serving")), fields=("state",), name="one_serving_space"
            ),
        ),
        migrations.AddField(
            model_name="garment",
            name="color_histogram",
            field=models.JSONField(blank=True, help_text="{color name: share of the garment's pixels}", null=True),
        ),
        migrations.AddField(
            model_name="garment",
            name="product",
            field=models.ForeignKey(
                help_text="that of the description's image: a search joins thousands of these, so it is one step away",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="garments",
                to="catalog.product",
            ),
        ),
        migrations.RunPython(fill_products, migrations.RunPython.noop),
    ]
