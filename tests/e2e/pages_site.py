"""The real product in processes of its own: a drawn catalog, indexed by the command, served by gunicorn."""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from segmentation.checkpoint import SHIPPED_EMBEDDER, SHIPPED_SEGMENTER

ROOT = Path(__file__).resolve().parents[2]
HOSTILE_TITLE = 'Coat <img src=x onerror="window.wasRun = true"> & co'
NEVER_SEARCHED = "quiet"
"""The retailer in whose catalog alone no test searches."""
STARTS_WITHIN_S = 120


@dataclass(frozen=True)
class Site:
    """A served catalog."""

    url: str
    drawn: Path
    """Where the catalog was drawn: feed.csv, images/, scenes/."""
    hostile_packshot: Path
    """The picture of the product whose title is `HOSTILE_TITLE`."""

    @property
    def scenes(self) -> list[Path]:
        return sorted((self.drawn / "scenes").glob("*.jpg"))


@contextmanager
def served_site(folder: Path) -> Iterator[Site]:
    """Draws and indexes three retailers' catalogs below `folder`, and serves them until the block ends."""
    drawn = folder / "drawn"
    environment = os.environ | _own_checkpoints(folder)
    environment |= {
        "SELVEDGE_DATA_DIR": str(folder / "data"),
        "SECRET_KEY": "only-for-tests",
        "SELVEDGE_SEARCH_TIMEOUT_S": "110",  # The first search may wait for the model on a busy machine.
    }
    draw = ["draw_catalog", "--out", drawn, "--products", 12, "--scenes", 4, "--seed", 5]
    _manage(environment, draw, ["migrate", "--verbosity", 0])
    hostile = _edit_feeds(drawn)
    feeds = {"drawn": "feed.csv", "outlet": "outlet.csv", NEVER_SEARCHED: "quiet.csv"}
    index = ["index_catalog", "--images", drawn, "--retailer"]
    _manage(environment, *([*index, retailer, "--feed", drawn / feed] for retailer, feed in feeds.items()))
    shutil.copytree(drawn / "scenes", folder / "data" / "media" / "samples")
    with served(environment, "/readyz") as url:
        yield Site(url, drawn, drawn / hostile)


@contextmanager
def served_empty_site(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A server over an empty database, which opens nothing without a key: its address and environment."""
    environment = os.environ | _own_checkpoints(folder)
    environment |= {"SELVEDGE_DATA_DIR": str(folder / "data"), "SELVEDGE_ANONYMOUS": "none"}
    _manage(environment, ["migrate", "--verbosity", 0])
    with served(environment, "/healthz") as url:
        yield url, environment


@contextmanager
def served(environment: dict[str, str], asked: str) -> Iterator[str]:
    """The web server as README starts it, once the path `asked` answers; its address."""
    port = _free_port()
    server = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn_conf.py", "deploy.wsgi"]
    process = subprocess.Popen(server, cwd=ROOT, env=environment | {"PORT": str(port)})
    try:
        _wait_for(f"http://127.0.0.1:{port}{asked}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _own_checkpoints(folder: Path) -> dict[str, str]:
    """Copies of the shipped checkpoints: a training that replaces them meanwhile would orphan the index."""
    copies = {"SELVEDGE_SEGMENTER": SHIPPED_SEGMENTER, "SELVEDGE_EMBEDDER": SHIPPED_EMBEDDER}
    return {name: str(shutil.copy2(shipped, folder)) for name, shipped in copies.items()}


def _edit_feeds(drawn: Path) -> str:
    """Plants the hostile title, unbuyable products and a sale; writes the others' feeds. The hostile picture.

    Each feed gets street scenes as products too ("looks", all their garments for sale): what the segmenter makes of
    single packshots may change with every checkpoint, a catalog with garments to count may not.
    """
    with (drawn / "feed.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows[0]["title"] = HOSTILE_TITLE
    for row in rows:
        row["availability"] = "in_stock"
    for row in rows[::2]:
        row["availability"] = "out_of_stock"
    rows[0] |= {"price": "80.00 USD", "sale_price": "59.50 USD"}
    looks = [_look(rows[1], scene.relative_to(drawn)) for scene in sorted((drawn / "scenes").glob("*.jpg"))]
    _write_feed(drawn / "feed.csv", [*rows, *looks])
    _write_feed(drawn / "outlet.csv", [*rows[4:7], *looks[:2]])
    _write_feed(drawn / "quiet.csv", [*rows[7:9], *looks[:2]])
    return rows[0]["image_link"]


def _look(row: dict[str, str], scene: Path) -> dict[str, str]:
    """A product whose text names no garment, so that every garment of its picture counts as it."""
    silent = dict.fromkeys(("description", "google_product_category", "product_type", "item_group_id"), "")
    return row | silent | {"id": f"look-{scene.stem}", "title": "Look of the week", "image_link": scene.as_posix()}


def _write_feed(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _manage(environment: dict[str, str], *commands: list[object]) -> None:
    """Runs management commands one after the other in one process, because starting it (torch, model) takes longest."""
    script = (
        "import json, sys, django; django.setup()\n"
        "from django.core.management import call_command\n"
        "for command in json.loads(sys.argv[1]): call_command(*command)"
    )
    wanted = json.dumps([[str(word) for word in command] for command in commands])
    environment = environment | {"DJANGO_SETTINGS_MODULE": "deploy.settings"}
    program = [sys.executable, "-c", script, wanted]
    done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{wanted} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    last: object = None
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            with urllib.request.urlopen(url, timeout=30):
                return
        except urllib.error.HTTPError as error:
            last = error.read()[:2000]
        except OSError as error:
            last = error
        time.sleep(0.3)
    raise AssertionError(f"{url} was not ready in {STARTS_WITHIN_S} s: {last!r}")
