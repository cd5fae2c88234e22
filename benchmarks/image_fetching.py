"""Images a second of the fetch stage, beside naive loops, from a local web server with latency.

    python -m benchmarks.image_fetching [--images 2000] [--latency-ms 50] [--kib 60] [--naive-images 100] [--json FILE]

The server runs in processes of its own, waits `--latency-ms` before each answer, and counts requests. Every image is
named by five products, as the sizes of one article name it. The naive loops fetch one address after another and write
the file: urllib with a connection each (what many importers do), and httpx with one connection kept. They neither
check addresses nor bytes, nor do they write records; the stage does, on SQLite. "again" asks for all images once more,
with their ETags.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
VARIANTS = 5
SERVER_PROCESSES = 2
HOST = "127.0.0.1"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000, help="addresses; five products name each")
    parser.add_argument("--latency-ms", type=float, default=50.0)
    parser.add_argument("--kib", type=int, default=60, help="of an image")
    parser.add_argument("--naive-images", type=int, default=100, help="addresses the naive loops fetch")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        servers, ports = _start_servers(options)
        urls = [f"http://{HOST}:{ports[n % len(ports)]}/{n}.jpg" for n in range(options.images)]
        _prepare(scratch, ports)
        try:
            rows = _measure(urls, urls[: options.naive_images], Path(scratch))
        finally:
            for server in servers:
                server.terminate()
    _print(rows, options)
    if options.json is not None:
        content = {"at": datetime.now(UTC).isoformat(), "options": vars(options) | {"json": None}, "rows": rows}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _start_servers(options: argparse.Namespace) -> tuple[list[Any], list[int]]:
    context = multiprocessing.get_context("fork")
    ports: Any = context.SimpleQueue()
    arguments = (options.latency_ms / 1000, options.kib * 1024, ports)
    servers = [context.Process(target=_serve, args=arguments, daemon=True) for _ in range(SERVER_PROCESSES)]
    for server in servers:
        server.start()
    return servers, [ports.get() for _ in servers]


def _serve(latency_s: float, n_bytes: int, ports: Any) -> None:
    """A web server whose every answer takes at least the latency; images differ in their last bytes."""
    buffer = io.BytesIO()
    Image.new("RGB", (320, 400), (200, 30, 40)).save(buffer, "JPEG")
    photo = buffer.getvalue()

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(latency_s)
            etag = f'"{self.path}"'
            is_known = self.headers["If-None-Match"] == etag
            body = b"" if is_known else (photo + self.path.encode()).ljust(n_bytes, b"\0")
            head = f"HTTP/1.1 {304 if is_known else 200} OK\r\nETag: {etag}\r\nContent-Length: {len(body)}\r\n\r\n"
            self.wfile.write(head.encode() + body)

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer((HOST, 0), Answer)
    server.daemon_threads = True
    ports.put(server.server_address[1])
    server.serve_forever()


def _prepare(scratch: str, ports: list[int]) -> None:
    os.environ |= {
        "SELVEDGE_DATA_DIR": scratch,
        "DJANGO_SETTINGS_MODULE": "deploy.settings",
        "LOG_LEVEL": "ERROR",
        "SELVEDGE_ALLOWED_NETWORKS": f"{HOST}/32",
        "SELVEDGE_ALLOWED_PORTS": ",".join(map(str, ports)),
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, check=True)
    import django  # here: the environment above is read by its settings

    django.setup()


def _measure(urls: list[str], few: list[str], scratch: Path) -> dict[str, float]:
    """Images a second by way of fetching; the stage's count the addresses, not the five products each."""
    from catalog.downloads.due import ask_again  # here: Django is set up by now
    from catalog.downloads.stage import fetch_images

    folder = scratch / "naive"
    folder.mkdir()
    rows = {
        "urllib, one after another": _rate(len(few), lambda: _with_urllib(few, folder)),
        "httpx, one after another": _rate(len(few), lambda: _with_httpx(few, folder)),
    }
    _make_products(urls)
    rows["the stage"] = _rate(len(urls), lambda: _check(fetch_images(), len(urls)))
    ask_again(None)
    rows["the stage, again"] = _rate(len(urls), lambda: _check(fetch_images(), len(urls)))
    return rows


def _check(summary: Any, n_urls: int) -> None:
    if summary.n_ok != n_urls * VARIANTS or summary.n_requests != n_urls:
        raise SystemExit(f"not all came: {summary}")


def _make_products(urls: list[str]) -> None:
    from catalog.models import Product, ProductImage, Retailer  # here: Django is set up by now

    retailer = Retailer.objects.create(slug="bench", name="Bench")
    products = Product.objects.bulk_create(
        Product(retailer=retailer, external_id=str(n), title=f"Shirt {n}", availability="in_stock")
        for n in range(len(urls) * VARIANTS)
    )
    ProductImage.objects.bulk_create(
        ProductImage(product=product, position=0, source=urls[n // VARIANTS]) for n, product in enumerate(products)
    )


def _with_urllib(urls: list[str], folder: Path) -> None:
    for number, url in enumerate(urls):
        with urllib.request.urlopen(url) as answer:  # noqa: S310  (our own server)
            (folder / f"{number}.jpg").write_bytes(answer.read())


def _with_httpx(urls: list[str], folder: Path) -> None:
    import httpx  # here: so that its import is not part of the first measurement

    with httpx.Client() as client:
        for number, url in enumerate(urls):
            (folder / f"{number}.jpg").write_bytes(client.get(url).content)


def _rate(n_images: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return n_images / (time.perf_counter() - began)


def _print(rows: dict[str, float], options: argparse.Namespace) -> None:
    naive = rows["urllib, one after another"]
    print(f"{options.images} images of {options.kib} KiB, {options.latency_ms:g} ms of latency")
    print("| | images/s | x urllib |\n|---|---|---|")
    for name, rate in rows.items():
        print(f"| {name} | {rate:,.1f} | {rate / naive:.1f} |")


if __name__ == "__main__":
    main()
