"""Milliseconds of a search by what it comes with: a photo, one that was sent before, a stored product.

    python -m benchmarks.query_again [--data FOLDER] [--queries FOLDER] [--photos 20] [--json FILE]

Indexes a catalog (the drawn one, or a folder with feed.csv) into a scratch folder through `manage.py index_catalog`,
then asks `POST /api/search` in this process: the whole request, parsing and writing included, but no network. Each
photo is uploaded, asked again by its `image_id`, and its first result by `product_id`. What is written of a search
(its count, and what was seen) is timed apart.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WARM_UP = 2
WAYS = ("upload", "image_id", "image_id, next page", "image_id, facets", "product_id")


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with feed.csv; the drawn catalog where absent")
    parser.add_argument("--queries", type=Path, help="folder of query photos; scenes of the drawn catalog where absent")
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {
            "SELVEDGE_DATA_DIR": scratch,
            "DJANGO_SETTINGS_MODULE": "deploy.settings",
            "LOG_LEVEL": "ERROR",
            "SELVEDGE_ANONYMOUS": "read",
            "SELVEDGE_RATE_ANONYMOUS": "off",
        }
        folder = options.data if options.data is not None else _drawn(Path(scratch))
        _manage("migrate", "--verbosity", "0")
        _manage("index_catalog", "--retailer", "bench", "--feed", str(folder / "feed.csv"), "--images", str(folder))
        queries = options.queries if options.queries is not None else folder / "scenes"
        files = sorted(queries.glob("*.jpg"))[: options.photos + WARM_UP]
        if len(files) <= WARM_UP:
            sys.exit(f"{queries} holds too few .jpg photos")
        elapsed, written = _ask_all(files)
    ours = {way: median(elapsed[way][WARM_UP:]) for way in WAYS}
    _print(ours, median(written[WARM_UP:]), len(files) - WARM_UP)
    if options.json is not None:
        content = {"at": datetime.now(UTC).isoformat(), "ms": ours, "written_ms": median(written[WARM_UP:])}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _drawn(scratch: Path) -> Path:
    folder = scratch / "drawn"
    _manage("draw_catalog", "--out", str(folder), "--products", "160", "--scenes", "24", "--seed", "1")
    return folder


def _manage(*arguments: str) -> None:
    subprocess.run([sys.executable, str(ROOT / "manage.py"), *arguments], check=True)


def _ask_all(files: list[Path]) -> tuple[dict[str, list[float]], list[float]]:
    """Milliseconds by way and photo, and those of writing after an upload."""
    import django  # settings read the scratch folder from the environment set above

    django.setup()
    from django.core.files.uploadedfile import SimpleUploadedFile  # needs Django's settings
    from django.test import Client
    from django.test.client import MULTIPART_CONTENT

    from search import recording, services

    written: list[float] = []
    record = recording.record

    def timed_record(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        recorded = record(*arguments, **named)
        if named.get("view") is not None:
            written.append((time.perf_counter() - started) * 1e3)
        return recorded

    vars(services)["record"] = timed_record
    client = Client(SERVER_NAME="localhost")
    elapsed: dict[str, list[float]] = {way: [] for way in WAYS}

    def ask(way: str, **parameters: Any) -> dict[str, Any]:
        content_type = MULTIPART_CONTENT if "image" in parameters else "application/json"
        started = time.perf_counter()
        answer = client.post("/api/search", parameters, content_type=content_type)
        elapsed[way].append((time.perf_counter() - started) * 1e3)
        reply: dict[str, Any] = answer.json()
        if answer.status_code != 200:
            sys.exit(f"{way}: {reply}")
        return reply

    for file in files:
        photo = SimpleUploadedFile(file.name, file.read_bytes())
        reply = ask("upload", image=photo, verdict="none")
        image_id = reply["image_id"]
        ask("image_id", image_id=image_id, verdict="none")
        ask("image_id, next page", image_id=image_id, verdict="none", offset=10)
        ask("image_id, facets", image_id=image_id, verdict="none", facets=True)
        ask("product_id", product_id=reply["objects"][0]["results"][0]["product"]["id"], verdict="none")
    return elapsed, written


def _print(ours: dict[str, float], written_ms: float, n_photos: int) -> None:
    print(f"\n{n_photos} photos, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}; median milliseconds a search\n")
    for way in WAYS:
        print(f"{way:<30}{ours[way]:>9.1f}{ours['upload'] / ours[way]:>9.1f}x as fast as an upload")
    print(f"{'of an upload: writing':<30}{written_ms:>9.1f}{written_ms / ours['upload']:>9.1%}")


if __name__ == "__main__":
    main()
