"""Rows a second and memory of feed imports, in every format, beside a naive importer.

    python -m benchmarks.feed_import [--rows 1000000] [--formats google_csv ...] [--gzip] [--naive-rows 2000]

Each format is measured in a process of its own on a fresh SQLite database: the feed is imported for the first time,
once more unchanged, and with one product in a hundred at another price. "MiB" is by how much the process's largest
resident size grew over that import. The naive importer reads the CSV as a list and calls Django's `update_or_create`
for each row and image; it takes `--naive-rows` rows, and its seconds for all of them are extrapolated. Images are web
addresses, which an import only notes.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.generated_feeds import write_feed

ROOT = Path(__file__).resolve().parent.parent
FORMATS = ("google_csv", "google_xml", "shopify_csv", "product_search_csv", "json_lines")
NAIVE = "naive"
RUNS = {"first": 0, "unchanged": 0, "1 % changed": 1}
RETAILER = "bench"


def main() -> None:
    """Measure every format in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--gzip", action="store_true", help="feeds packed")
    parser.add_argument("--naive-rows", type=int, default=2000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(_measure(options)))
        return
    found = {name: _in_process(name, options) for name in [*options.formats, NAIVE]}
    _print(found, options)
    if options.json is not None:
        content = {"at": datetime.now(UTC).isoformat(), "rows": options.rows, "runs": found}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _in_process(name: str, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        environment = os.environ | {
            "SELVEDGE_DATA_DIR": scratch,
            "DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "deploy.settings",
            "LOG_LEVEL": "ERROR",
        }
        migrate = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
        subprocess.run(migrate, check=True, env=environment)
        packed = ["--gzip"] if options.gzip else []
        sizes = ["--rows", str(options.rows), "--naive-rows", str(options.naive_rows)]
        command = [sys.executable, "-m", "benchmarks.feed_import", "--measure", name, *sizes, *packed]
        done = subprocess.run(command, check=True, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    import django  # settings read the scratch folder from the environment

    django.setup()
    name, folder = options.measure, Path(os.environ["SELVEDGE_DATA_DIR"])
    if name == NAIVE:
        feed = write_feed(folder / "naive.csv", "google_csv", options.naive_rows)
        return {run: _timed(options.naive_rows, lambda: _import_naively(feed)) for run in ("first", "unchanged")}
    suffix = ".gz" if options.gzip else ""
    measured = {}
    for run, percent in RUNS.items():
        feed = write_feed(folder / f"feed{suffix}", name, options.rows, changed_percent=percent)
        measured[run] = _timed(options.rows, lambda: _import(feed)) | {"feed_mib": feed.stat().st_size / 2**20}  # noqa: B023
    return measured


def _timed(n_rows: int, work: Callable[[], object]) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"seconds": seconds, "rows_per_s": n_rows / seconds, "grown_mib": grown / 1024}


def _import(feed: Path) -> None:
    from catalog.services import import_feed  # needs Django's applications

    summary = import_feed(RETAILER, feed, images_dir=feed.parent, currency="EUR")
    if summary.failed or summary.refusal:
        sys.exit(f"{summary.failed} rows failed: {summary.errors[:3]} {summary.refusal}")


def _import_naively(feed: Path) -> None:
    """As most shops' scripts do it: all rows in memory, one query after the other."""
    from catalog.models import Product, ProductImage, Retailer  # needs Django's applications

    retailer, _ = Retailer.objects.get_or_create(slug=RETAILER, defaults={"name": RETAILER})
    with feed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        amount, currency = row["price"].split()
        texts = ("title", "description", "link", "brand", "item_group_id", "color", "size", "gender", "product_type")
        values = {name: row[name] for name in (*texts, "availability")}
        sale = Decimal(row["sale_price"].split()[0]) if row["sale_price"] else None
        values |= {"price": Decimal(amount), "sale_price": sale, "currency": currency, "extra": {"gtin": row["gtin"]}}
        product, _ = Product.objects.update_or_create(retailer=retailer, external_id=row["id"], defaults=values)
        for position, link in enumerate((row["image_link"], row["additional_image_link"])):
            ProductImage.objects.update_or_create(product=product, position=position, defaults={"source": link})


def _print(found: dict[str, Any], options: argparse.Namespace) -> None:
    packed = ", gzip" if options.gzip else ""
    print(f"{options.rows} rows{packed}; SQLite; naive on {options.naive_rows} rows\n")
    print(f"{'format':<20}{'run':<14}{'rows/s':>10}{'seconds':>10}{'MiB':>8}{'feed MiB':>10}{'x naive':>9}")
    naive = found[NAIVE]
    for name, runs in found.items():
        for run, measured in runs.items():
            seconds = options.rows / measured["rows_per_s"]
            base = naive.get(run, naive["unchanged"])
            ratio = f"{measured['rows_per_s'] / base['rows_per_s']:9.1f}" if name != NAIVE else ""
            size = f"{measured['feed_mib']:10.0f}" if "feed_mib" in measured else f"{'':>10}"
            line = f"{name:<20}{run:<14}{measured['rows_per_s']:>10.0f}{seconds:>10.1f}{measured['grown_mib']:>8.0f}"
            print(line + size + ratio)


if __name__ == "__main__":
    main()
