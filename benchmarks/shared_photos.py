"""Seconds to describe a catalog in sizes: a file described once for all its products, against each for itself.

    python -m benchmarks.shared_photos [--articles 24] [--sizes 5] [--json FILE]

Drawn packshots; every article is a product a size, all naming the same file. Both ways run `management.catching_up`
with the shipped model, each in a database of its own, and publish the same garments.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

EACH_FOR_ITSELF: tuple[tuple[str, Any], ...] = (
    ("search.tasks.one_a_file", list),
    ("search.tasks.twins_of", lambda space, sha256s: []),
    ("search.tasks.reuse_descriptions", lambda image_ids, space: []),
    ("search.management.describing.reuse_descriptions", lambda image_ids, space: []),
    ("search.management.describing.DescribingRun._one_a_file", lambda run, image_ids: (image_ids, [])),
)
"""What is put in the place of what, so that no description is shared."""

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure both ways, each in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=24)
    parser.add_argument("--sizes", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", choices=("once", "each"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(_measure(options)))
        return
    counts = ["--articles", str(options.articles), "--sizes", str(options.sizes)]
    rows = {}
    for way in ("each", "once"):
        command = [sys.executable, "-m", "benchmarks.shared_photos", "--measure", way, *counts]
        answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        rows[way] = json.loads(answer.splitlines()[-1])
    print(f"{options.articles} articles in {options.sizes} sizes")
    print("| | photos through the model | garments searchable | seconds |\n|---|---|---|---|")
    for name, way in (("each product for itself", "each"), ("a file once", "once")):
        row = rows[way]
        print(f"| {name} | {row['n_photos']} | {row['n_garments']} | {row['seconds']:.1f} |")
    print(f"{rows['each']['seconds'] / rows['once']['seconds']:.1f} times as fast")
    if options.json is not None:
        options.json.write_text(json.dumps({"at": datetime.now(UTC).isoformat(), "rows": rows}, indent=2) + "\n")


def _measure(options: argparse.Namespace) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"SELVEDGE_DATA_DIR": scratch, "DJANGO_SETTINGS_MODULE": "deploy.settings", "LOG_LEVEL": "ERROR"}
        for name in ("SELVEDGE_MEDIA_ROOT", "SELVEDGE_MODELS_DIR", "DATABASE_URL", "VECTOR_INDEX_URL"):
            os.environ.pop(name, None)
        import django  # here: the environment above is read by its settings

        django.setup()
        from django.core.management import call_command

        folder = Path(scratch) / "drawn"
        call_command("migrate", verbosity=0)
        call_command("draw_catalog", "--out", folder, "--products", options.articles, "--scenes", 0, verbosity=0)
        retailer = _in_sizes(folder, options.articles, options.sizes)
        return _describe(retailer, is_shared=options.measure == "once")


def _in_sizes(folder: Path, n_articles: int, n_sizes: int) -> Any:
    from catalog.image_content import content_name  # here: Django is set up by now
    from catalog.images import store
    from catalog.models import Product, ProductImage, Retailer

    retailer = Retailer.objects.create(slug="bench", name="Bench")
    files = sorted(folder.rglob("*.jpg"))[:n_articles]
    for number, file in enumerate(files):
        data = file.read_bytes()
        name, sha256 = content_name(data)
        store(name, data)
        for size in range(n_sizes):
            product = Product.objects.create(
                retailer=retailer, external_id=f"{number}-{size}", title="Article", availability="in_stock"
            )
            ProductImage.objects.create(
                product=product, position=0, source=file.name, file=name, sha256=sha256, status="ok"
            )
    return retailer


def _describe(retailer: Any, *, is_shared: bool) -> dict[str, float]:
    from search.indexing import register_space  # here: Django is set up by now
    from search.management import catching_up
    from search.models import Garment
    from workers import runtime

    n_photos = 0
    model = runtime.predictor(register_space().name)
    describe = model.describe

    def counted(photos: Any) -> Any:
        nonlocal n_photos
        n_photos += len(photos)
        return describe(photos)

    model.describe = counted  # type: ignore[method-assign]
    with ExitStack() as patched:
        for target, way in () if is_shared else EACH_FOR_ITSELF:
            patched.enter_context(mock.patch(target, way))
        began = time.perf_counter()
        catching_up.catch_up(register_space(), [retailer], shown=False)
        seconds = time.perf_counter() - began
    return {"n_photos": n_photos, "n_garments": Garment.objects.filter(is_product=True).count(), "seconds": seconds}


if __name__ == "__main__":
    main()
