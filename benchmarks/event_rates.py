"""Events taken in a second through the API, and how long the reports take over what was stored.

    python -m benchmarks.event_rates [--batches 50] [--batch 1000] [--searches 100000] [--json FILE]

Everything runs in this process, without a socket: keys, checks, records and answers as a client gets them. The database
is a SQLite file in a temporary folder, or what DATABASE_URL names, which must be empty.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

N_PRODUCTS = 5000
N_DAYS = 30
REPEATED = 5
"""Times a report is asked for."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batches", type=int, default=50, help="requests (default %(default)s)")
    parser.add_argument("--batch", type=int, default=1000, help="events in each (default %(default)s)")
    parser.add_argument("--searches", type=int, default=100_000, help="searches of a month (default %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="selvedge-events-") as folder:
        os.environ |= {"SELVEDGE_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "deploy.settings", "LOG_LEVEL": "ERROR"}
        figures = measure(options.batches, options.batch, options.searches)
    for name, figure in figures.items():
        print(f"{name:38}{figure:>12,.1f}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def measure(n_batches: int, batch: int, n_searches: int) -> dict[str, float]:
    """The figures by name."""
    import django  # The settings read the environment, which names the folder.

    django.setup()
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    headers, search_ids = _fill(n_searches)
    client = Client(headers=headers, SERVER_NAME="localhost")
    bodies = [_batch(search_ids, batch) for _ in range(n_batches)]
    taken_s = [_timed(partial(_post, client, body)) for body in bodies]
    figures = {
        "events stored": float(n_batches * batch),
        "events/s": n_batches * batch / sum(taken_s),
        "batch, median ms": statistics.median(taken_s) * 1000,
        "the same batch again, ms": _timed(partial(_post, client, bodies[0], "duplicates")) * 1000,
    }
    for name, address in (
        ("trends of 30 days, median ms", "/api/trends?days=30"),
        ("summary of 30 days, median ms", "/api/events/summary?days=30"),
    ):
        figures[name] = statistics.median(_timed(partial(_get, client, address)) for _ in range(REPEATED)) * 1000
    return figures


def _fill(n_searches: int) -> tuple[dict[str, str], list[str]]:
    """A retailer with products and a month of searches. Its key as headers, and the searches' ids."""
    from catalog.access.keys import create_key
    from catalog.models import ApiKey, Product, Retailer
    from search.models import SearchedGarment, SearchLog, Space

    retailer = Retailer.objects.create(slug="bench", name="Bench")
    Product.objects.bulk_create(
        (
            Product(retailer=retailer, external_id=f"P{number}", title="Shirt", availability="in_stock")
            for number in range(N_PRODUCTS)
        ),
        batch_size=500,
    )
    space = Space.objects.create(name="bench-emb8@00000000", dim=8)
    now = datetime.now(UTC)
    logs = SearchLog.objects.bulk_create(
        (
            SearchLog(
                search_id=uuid.uuid4(),
                created_at=now - timedelta(days=random.uniform(0, N_DAYS - 1)),
                retailer=retailer,
                space=space,
                segmenter_version="seg@1",
                n_garments=2,
                has_match=random.random() < 0.8,
            )
            for _ in range(n_searches)
        ),
        batch_size=1000,
    )
    verdicts = ("exact", "similar", "none")
    SearchedGarment.objects.bulk_create(
        (
            SearchedGarment(
                search=log,
                category_id=random.randrange(46),
                score=0.9,
                color_name="navy",
                verdict=random.choice(verdicts),
            )
            for log in logs
            for _ in range(2)
        ),
        batch_size=1000,
    )
    _, key = create_key(ApiKey.Kind.SECRET, "benchmark", retailer=retailer, rate="1000000/second")
    return {"Authorization": f"Bearer {key}"}, [str(log.search_id) for log in logs]


def _batch(search_ids: list[str], batch: int) -> dict[str, Any]:
    kinds = ("view",) * 8 + ("click",) * 2 + ("cart", "purchase")
    return {
        "events": [
            {
                "event_id": str(uuid.uuid4()),
                "type": random.choice(kinds),
                "product_id": f"P{random.randrange(N_PRODUCTS)}",
                "search_id": random.choice(search_ids),
                "rank": random.randrange(1, 20),
                "value": "19.90",
                "currency": "EUR",
            }
            for _ in range(batch)
        ]
    }


def _post(client: Any, body: dict[str, Any], expected: str = "accepted") -> None:
    answer = client.post("/api/events", body, "application/json")
    assert answer.status_code == 200, answer.content[:500]
    assert answer.json()[expected] == len(body["events"]), answer.content[:500]


def _get(client: Any, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content[:500]


def _timed(work: Callable[[], None]) -> float:
    """Seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
