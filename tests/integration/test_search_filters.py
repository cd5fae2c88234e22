"""Filters pass the same products in the index, in the database and in plain words."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from pytest_django import Settings

from search.errors import InvalidFilter
from search.filters import Filters
from search.index.base import NO_CATEGORY
from search.index.registry import open_reader
from search.indexing import sync_index
from search.models import Garment
from tests.filter_cases import FILTERS, make_products, misjudged, passes
from tests.search_factories import make_space, unit_vector

ON_POSTGRES = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.filter_cases import make_products, misjudged
from tests.search_factories import make_space
make_products(make_space("filters@pg"))
print(misjudged(make_space("filters@pg")))
"""


@pytest.mark.django_db
def test_the_database_and_the_index_pass_what_plain_words_do(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"
    space = make_space()
    make_products(space)
    assert misjudged(space) == []
    sync_index(space)
    index = open_reader(settings.VECTOR_INDEX_URL, space.name, space.dim)
    garments = list(Garment.objects.filter(is_product=True).select_related("product"))
    n_passed = 0
    for filters in FILTERS:
        hits = index.search(unit_vector(1)[None], len(garments), filters.where())
        allowed = set(hits.ids[hits.ids >= 0].tolist())
        expected = {garment.pk for garment in garments if passes(garment, filters)}
        # Prices are rounded down to hundredths there: it may allow a little more, which the records then refuse.
        assert expected <= allowed, filters
        assert len(allowed - expected) <= (len(garments) / 8 if filters.price_max or filters.price_min else 0), filters
        n_passed += len(expected)
    assert n_passed > len(FILTERS)


@pytest.mark.services
def test_postgresql_passes_the_same_products(empty_postgres_url: str, tmp_path: Path, repository: Path) -> None:
    environment = {**os.environ, "DATABASE_URL": empty_postgres_url, "SELVEDGE_DATA_DIR": str(tmp_path)}
    environment |= {"DJANGO_SETTINGS_MODULE": "deploy.settings", "SELVEDGE_MEDIA_ROOT": str(tmp_path / "media")}
    done = subprocess.run(
        [sys.executable, "-c", ON_POSTGRES],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_equal_restrictions_are_equal_values() -> None:
    one = Filters(
        brands=frozenset({" ACME  Co"}), genders=frozenset({"Women"}), colors=frozenset({"Grey"}), currency="usd"
    )
    other = Filters(
        brands=frozenset({"acme co"}), genders=frozenset({"female"}), colors=frozenset({"gray"}), currency="USD"
    )
    assert one == other
    assert one.where() == other.where()


def test_look_alike_categories_narrow_the_asked_ones_and_never_widen_them() -> None:
    assert Filters().where([1, NO_CATEGORY]).category_ids == {1, NO_CATEGORY}
    assert Filters(category_ids=frozenset({1, 2})).where([2, 3]).category_ids == {2}


@pytest.mark.parametrize(
    "given",
    [
        {"colors": frozenset({"mauve-ish"})},
        {"genders": frozenset({"robots"})},
        {"currency": "ZZZ"},
        {"price_min": Decimal(-1)},
        {"price_max": Decimal("NaN")},
        {"price_max": Decimal("Infinity")},
        {"price_max": Decimal(10) ** 30},
    ],
)
def test_a_filter_that_means_nothing_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(InvalidFilter):
        Filters(**given)
