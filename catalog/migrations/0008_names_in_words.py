from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0007_import_notes"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="auditentry",
            options={"ordering": ["-at", "-pk"], "verbose_name_plural": "audit entries"},
        ),
        migrations.AlterModelOptions(
            name="webhookdelivery",
            options={"ordering": ["-created_at", "-pk"], "verbose_name_plural": "webhook deliveries"},
        ),
        migrations.AlterField(
            model_name="importjob",
            name="mode",
            field=models.CharField(
                choices=[
                    ("full", "full: what the feed leaves out is no longer sold"),
                    ("delta", "delta: what the feed leaves out stays"),
                ],
                default="full",
                max_length=5,
            ),
        ),
    ]
