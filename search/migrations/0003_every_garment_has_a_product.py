"""Apart from 0002, for PostgreSQL: a table that was filled in a transaction cannot be altered in the same."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("search", "0002_spaces_that_serve_garments_with_product"),
    ]

    operations = [
        migrations.AlterField(
            model_name="garment",
            name="product",
            field=models.ForeignKey(
                help_text="that of the description's image: a search joins thousands of these, so it is one step away",
                on_delete=django.db.models.deletion.CASCADE,
                related_name="garments",
                to="catalog.product",
            ),
        ),
    ]
