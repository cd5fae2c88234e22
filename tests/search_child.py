"""What a process does that searches or changes a shop, told line by line: the other end of `tests.search_process`.

Every line on its input is a JSON list: a verb, its arguments, its options; every line of its output the JSON answer.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.test import Client

from catalog.models import Product
from catalog.services import import_feed
from search import indexing
from search.filters import Filters
from search.index.registry import open_reader
from search.models import Garment, Space
from search.selectors import due_images, garment_sources
from search.tasks import products_changing
from tests.search_factories import DIM, JACKET, near, photo, seen, store, unit_vector

SPACE = "test-emb8@00000000"


def migrate() -> None:
    """Makes the tables."""
    call_command("migrate", verbosity=0)


def search(price_max: str | None = None, *, in_stock: bool | None = None) -> dict[str, list[str]]:
    """What the index alone finds, and what is left of it by the records: the retailer's product ids, best first."""
    filters = Filters(price_max=None if price_max is None else Decimal(price_max), in_stock=in_stock)
    index = open_reader(settings.VECTOR_INDEX_URL, SPACE, DIM)
    hits = index.search(unit_vector(1)[None], 50, filters.where()).ids[0].tolist()
    hits = [garment_id for garment_id in hits if garment_id >= 0]
    sources = garment_sources(hits, filters)
    names = dict(Product.objects.values_list("pk", "external_id"))
    owners = dict(Garment.objects.values_list("pk", "product_id"))
    return {
        "index": sorted(names.get(owners.get(hit, -1), "gone") for hit in hits),
        "answer": sorted(names[sources[hit].product_id] for hit in hits if hit in sources),
    }


def similar(external_id: str) -> list[str]:
    """What the web answers to "more like this": the retailer's product ids, best first."""
    reply = Client(headers={"host": "localhost"}).get(f"/api/products/{external_id}/similar?retailer=acme")
    return [found["product"]["product_id"] for found in reply.json()["results"]]


def import_rows(feed: str) -> None:
    """Imports a feed and describes its new photos, as index_catalog does with a model."""
    import_feed("acme", Path(feed), changing=products_changing)
    space = Space.objects.get_or_create(name=SPACE, dim=DIM, state=Space.State.SERVING)[0]
    images = list(due_images(space))
    vectors = [near(unit_vector(1), 0.9, seed=image.pk) for image in images]
    gone = store(space, images, [photo(seen(JACKET, vector)) for vector in vectors])
    indexing.index_images(space, [image.pk for image in images], gone=gone)


def edit(external_id: str, **values: Any) -> None:
    """Changes a product as the admin's pages do."""
    product = Product.objects.get(external_id=external_id)
    with products_changing([product.pk]):
        Product.objects.filter(pk=product.pk).update(**values)


def delete(external_id: str) -> None:
    """Deletes a product as the admin's pages do."""
    product = Product.objects.get(external_id=external_id)
    with products_changing([product.pk]):
        product.delete()


def die_between_record_and_index(feed: str) -> None:
    """Stores descriptions of a feed's new photos and is killed before the index knows."""

    def kill(*arguments: object, **options: object) -> None:
        os.kill(os.getpid(), 9)

    indexing.index_images = kill
    import_rows(feed)


VERBS: dict[str, Callable[..., Any]] = {
    verb.__name__: verb for verb in (migrate, search, similar, import_rows, edit, delete, die_between_record_and_index)
}


def main() -> None:
    """Obeys line by line."""
    for line in sys.stdin:
        verb, arguments, options = json.loads(line)
        print(json.dumps(VERBS[verb](*arguments, **options)), flush=True)
