"""Migrations carry records of an earlier version over, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import django, json
django.setup()
from datetime import UTC, datetime
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

def apps_at(*targets):
    MigrationExecutor(connection).migrate(list(targets))
    return MigrationExecutor(connection).loader.project_state(list(targets)).apps

apps = apps_at(("catalog", "0001_initial"), ("search", "0001_initial"))
model = lambda app, name: apps.get_model(app, name)
retailer = model("catalog", "Retailer").objects.create(slug="acme", name="Acme")
space = model("search", "Space").objects.create(name="s@1", dim=1)
expected = {}
for number in range(3):
    product = model("catalog", "Product").objects.create(
        retailer=retailer, external_id=f"P{number}", title="Tee", availability="in_stock")
    for position in range(2):
        image = model("catalog", "ProductImage").objects.create(product=product, position=position, source="x")
        description = model("search", "ImageDescription").objects.create(
            image=image, space=space, state="ok", described_at=datetime.now(UTC))
        garment = model("search", "Garment").objects.create(
            description=description, position=0, score=1, x_min_px=0, y_min_px=0, x_max_px=1, y_max_px=1,
            color_name="red", color_hex="#ff0000", embedding=b"0000", is_product=True)
        expected[garment.pk] = product.pk
call_command("migrate", verbosity=0)
from search.models import Garment, Space
print(json.dumps([list(expected.items()), list(Garment.objects.order_by("pk").values_list("pk", "product_id")),
                  list(Space.objects.values_list("state", "segmenter_file", "calibration"))]))
"""


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'old.sqlite3'}"
    return str(request.getfixturevalue("empty_postgres_url"))


def test_garments_of_an_earlier_version_get_the_product_of_their_image(
    database_url: str, tmp_path: Path, repository: Path
) -> None:
    environment = {**os.environ, "DATABASE_URL": database_url, "SELVEDGE_DATA_DIR": str(tmp_path)}
    environment["DJANGO_SETTINGS_MODULE"] = "deploy.settings"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=repository, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    expected, garments, spaces = json.loads(done.stdout)
    assert garments == expected
    assert spaces == [["new", "", None]]
