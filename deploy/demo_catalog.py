"""What the demo shows: which folder, under which retailer, indexed in which state, with which sample photos."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from search.index.snapshots import POINTER
from workers.config import WorkersConfig, text_of

MOST_SAMPLES = 8
SAMPLE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
"""What browsers show."""
PHOTO_SUFFIXES = SAMPLE_SUFFIXES | {".gif", ".heic", ".heif"}
"""What a feed may name."""
SAMPLE_FOLDERS = ("samples", "scenes", "images/wild_dev", "images/query_dev")
"""Where folders keep photos that are not packshots."""


class DemoError(Exception):
    """The demo cannot run like this; the message says what to change."""


@dataclass(frozen=True, slots=True)
class DemoCatalog:
    """One catalog of the demo and where its records live."""

    folder: Path
    """Holds `feed.csv` and the images it names."""
    retailer: str
    data_dir: Path

    @property
    def feed(self) -> Path:
        """The product feed."""
        return self.folder / "feed.csv"


def drawn(root: Path) -> DemoCatalog:
    """The catalog the project draws itself; its records are the project's default ones, so commands find them."""
    return DemoCatalog(root / "var" / "drawn", "demo", Path(os.environ.get("SELVEDGE_DATA_DIR") or root / "var"))


def of_folder(folder: Path, root: Path) -> DemoCatalog:
    """A folder of the user's, with records of its own.

    Raises:
        DemoError: The folder holds no feed.csv.
    """
    folder = folder.expanduser().resolve()
    if not (folder / "feed.csv").is_file():
        raise DemoError(f"{folder} holds no feed.csv (DATA= names a folder with feed.csv and its images).")
    slug = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")
    slug = slug if slug else "demo"
    data_dir = root / "var" / f"demo-{slug}"
    recorded = _read_state(data_dir).get("folder")
    if recorded is not None and recorded != str(folder):
        # Another folder of the same name was shown before: two catalogs must not share records.
        data_dir = data_dir.with_name(f"{data_dir.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:6]}")
    return DemoCatalog(folder, slug, data_dir)


def fingerprint(catalog: DemoCatalog) -> str:
    """Changes whenever the feed, a photo's name, size or time, a checkpoint, or where the records live changes."""
    config = WorkersConfig.from_environment()
    digest = hashlib.sha256()
    for variable in ("DATABASE_URL", "VECTOR_INDEX_URL"):
        digest.update(f"{variable}={os.environ.get(variable, '')}\n".encode())
    for path in [*sorted(_photos(catalog.folder)), catalog.feed, config.segmenter, config.embedder]:
        if path.exists():
            status = path.stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def is_done(catalog: DemoCatalog, state: str) -> bool:
    """Whether exactly this state was indexed to the end, and what came of it is still there."""
    return _read_state(catalog.data_dir).get("indexed") == state and holds_products(catalog) and holds_an_index(catalog)


def holds_products(catalog: DemoCatalog) -> bool:
    """Whether the data folder's database has products; one elsewhere is believed to."""
    if text_of(os.environ, "DATABASE_URL", ""):
        return True
    try:
        # Asked read-only, so that a missing file is not made by asking.
        address = f"{(catalog.data_dir / 'db.sqlite3').absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            return database.execute("SELECT 1 FROM catalog_product LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return False


def holds_an_index(catalog: DemoCatalog) -> bool:
    """Whether anything is published in the data folder; an index elsewhere is believed to be there."""
    if text_of(os.environ, "VECTOR_INDEX_URL", ""):
        return True
    return any((catalog.data_dir / "index").glob(f"*/{POINTER}"))


def claim(catalog: DemoCatalog) -> None:
    """Remember whose records these are before there is one: an interrupted run must not share them either."""
    if "folder" not in _read_state(catalog.data_dir):
        mark_done(catalog, "")


def mark_done(catalog: DemoCatalog, state: str) -> None:
    """Remember that this state is indexed."""
    catalog.data_dir.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"folder": str(catalog.folder), "indexed": state})
    fresh = catalog.data_dir / "demo.json.new"
    fresh.write_text(content, encoding="utf-8")
    fresh.replace(catalog.data_dir / "demo.json")


def place_samples(catalog: DemoCatalog) -> Path | None:
    """Copy a few photos to where the search page offers them, and return one; None where the folder has no photo."""
    chosen = choose_samples(catalog.folder)
    target = catalog.data_dir / "media" / "samples"
    target.mkdir(parents=True, exist_ok=True)
    for stale in set(target.iterdir()) - {target / photo.name for photo in chosen}:
        stale.unlink()
    for photo in chosen:
        copy = target / photo.name
        if not copy.exists() or copy.stat().st_size != photo.stat().st_size:
            shutil.copy2(photo, copy)
    return target / chosen[0].name if chosen else None


def choose_samples(folder: Path) -> list[Path]:
    """At most `MOST_SAMPLES` photos of different names, spread over what the folder offers; scenes first."""
    offers = [offer for name in SAMPLE_FOLDERS if (offer := sorted(_photos(folder / name, SAMPLE_SUFFIXES)))]
    if not offers:
        offers = [sorted(_photos(folder, SAMPLE_SUFFIXES))]
    share = -(-MOST_SAMPLES // len(offers))
    spread = [offer[:: max(1, len(offer) // share)][:share] for offer in offers]
    by_turns = [photo for turn in itertools.zip_longest(*spread) for photo in turn if photo is not None]
    return list({photo.name: photo for photo in by_turns}.values())[:MOST_SAMPLES]


def remove_folder(folder: Path) -> None:
    """Remove a folder the demo made; a missing one is fine."""
    if folder.exists():
        shutil.rmtree(folder)


def _photos(folder: Path, suffixes: frozenset[str] = PHOTO_SUFFIXES) -> Iterator[Path]:
    if not folder.is_dir():
        return iter(())
    return (path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())


def _read_state(data_dir: Path) -> dict[str, str]:
    try:
        state = json.loads((data_dir / "demo.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}
