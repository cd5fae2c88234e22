"""Writes a drawn catalog: feed, packshots, street scenes, exact annotations and a retrieval benchmark."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from segmentation.drawn.annotations import CocoFile, benchmark
from segmentation.drawn.instances import Instance
from segmentation.drawn.listing import FEED_COLUMNS, feed_row
from segmentation.drawn.packshots import draw_packshot
from segmentation.drawn.products import Product, first_products
from segmentation.drawn.scenes import draw_scene

PACKSHOT_STREAM, SCENE_STREAM, VIEW_STREAM = 2, 3, 5
"""First numbers after the seed; every image has a sequence of its own."""
JPEG_QUALITY = 88
VIEW_EVERY = 5
"""Every fifth product is photographed a second time, as a query."""
POOL_LEAST, POOL_PER_SCENE = 96, 4

Progress = Callable[[int, int], None]
"""Called with (images drawn, images in all)."""


class CatalogExists(FileExistsError):
    """The output folder holds something else than a finished drawn catalog; nothing was written."""


@dataclass(frozen=True, slots=True)
class DrawnCatalog:
    """A finished catalog on disk."""

    root: Path
    products: int
    scenes: int
    seed: int

    @property
    def feed(self) -> Path:
        """Google Merchant columns; image links are relative to `root`."""
        return self.root / "feed.csv"

    @property
    def instances(self) -> Path:
        """COCO instances of the packshots."""
        return self.root / "instances.json"

    @property
    def scenes_instances(self) -> Path:
        """COCO instances of the street scenes."""
        return self.root / "scenes_instances.json"

    @property
    def benchmark(self) -> Path:
        """Queries with their relevant product ids."""
        return self.root / "benchmark.json"


def draw_catalog(
    out: Path, *, products: int, scenes: int, seed: int, on_progress: Progress | None = None
) -> DrawnCatalog:
    """Draw a shop's catalog and street scenes of people wearing it.

    Everything is written to a temporary folder beside `out`, which takes its place when complete, so an
    interrupted drawing leaves nothing that looks finished. The same arguments give the same bytes; more
    products leave earlier packshots and rows as they are, more scenes leave earlier scenes as they are.

    Args:
        out: Folder to make; a finished drawn catalog there is replaced.
        products: How many items (colors count).
        scenes: How many street scenes.
        seed: Decides everything.
        on_progress: Called after each image.

    Raises:
        CatalogExists: `out` is not empty and no drawn catalog.
        ValueError: A count is negative, or scenes are asked for without products.
    """
    if products < 0 or scenes < 0 or (scenes > 0 and products == 0):
        raise ValueError(f"cannot draw {scenes} scenes of {products} products")
    if out.exists() and any(out.iterdir()) and read_drawn_catalog(out) is None:
        raise CatalogExists(f"{out} holds something else than a drawn catalog")
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        _draw_into(work, products, scenes, seed, on_progress)
        _take_place(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return DrawnCatalog(out, products, scenes, seed)


def read_drawn_catalog(root: Path) -> DrawnCatalog | None:
    """The finished catalog in a folder, or None."""
    try:
        facts = json.loads((root / "catalog.json").read_text(encoding="utf-8"))
        return DrawnCatalog(root, int(facts["products"]), int(facts["scenes"]), int(facts["seed"]))
    except (FileNotFoundError, KeyError, ValueError):
        return None


def _draw_into(work: Path, products: int, scenes: int, seed: int, on_progress: Progress | None) -> None:
    for folder in ("images", "scenes", "views"):
        (work / folder).mkdir()
    shop = first_products(seed, products)
    viewed = [p for p in shop if p.number % VIEW_EVERY == 0]
    done, total = 0, len(shop) + len(viewed) + scenes
    packshots, views, streets = CocoFile("drawn packshots"), CocoFile("drawn views"), CocoFile("drawn scenes")

    def drawn(coco: CocoFile, name: str, picture: tuple[NDArray[np.uint8], list[Instance]]) -> None:
        nonlocal done
        image, instances = picture
        Image.fromarray(image).save(work / name, quality=JPEG_QUALITY)
        coco.add(name, (image.shape[1], image.shape[0]), instances)
        done += 1
        if on_progress is not None:
            on_progress(done, total)

    for product in shop:
        drawn(packshots, image_name(product), draw_packshot(product, _own_rng(seed, PACKSHOT_STREAM, product.number)))
    for product in viewed:
        name = f"views/{product.product_id.lower()}.jpg"
        drawn(views, name, draw_packshot(product, _own_rng(seed, VIEW_STREAM, product.number)))
    for number in range(scenes):
        pool = shop[: POOL_LEAST + POOL_PER_SCENE * number]
        drawn(streets, f"scenes/scene_{number:05d}.jpg", draw_scene(pool, _own_rng(seed, SCENE_STREAM, number)))
    _write_feed(work / "feed.csv", (feed_row(product, image_name(product), seed) for product in shop))
    _write_json(work / "instances.json", packshots.content())
    _write_json(work / "scenes_instances.json", streets.content())
    _write_json(work / "benchmark.json", benchmark(seed, [(p, image_name(p)) for p in shop], views, streets))
    _write_json(work / "catalog.json", {"products": products, "scenes": scenes, "seed": seed})


def image_name(product: Product) -> str:
    """Where a packshot lies, relative to the catalog's folder."""
    return f"images/{product.product_id.lower()}.jpg"


def _own_rng(seed: int, stream: int, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, stream, number])


def _write_feed(path: Path, rows: Iterable[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FEED_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def _take_place(work: Path, out: Path) -> None:
    """Put the finished folder where the old one was."""
    work.chmod(0o755)  # a temporary folder is private, a catalog is served
    if not out.exists():
        work.rename(out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent)) / "old"
    out.rename(old)
    work.rename(out)
    shutil.rmtree(old.parent)
