"""Tiny benchmarks in every layout the evaluation reads, from pictures of one plain color each."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from tests.search_shop import packshot

Color = tuple[int, int, int]
RED, GREEN, BLUE = (200, 30, 30), (30, 200, 30), (30, 30, 200)


def picture(file: Path, color: Color = RED, size_px: tuple[int, int] = (60, 80)) -> Path:
    """A picture of one color, its folder made where it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size_px, color).save(file, "JPEG")
    return file


def write_json(file: Path, content: Any) -> Path:
    """A JSON file, its folder made where it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def shop_benchmark(folder: Path, n_products: int = 5) -> dict[str, Any]:
    """Packshots as catalog; each again, darker, as a `studio` query, and one of nothing that is sold."""
    (folder / "images").mkdir(parents=True)
    catalog, queries = [], []
    for number in range(n_products):
        (folder / "images" / f"{number}.jpg").write_bytes(packshot(number))
        with Image.open(io.BytesIO(packshot(number))) as opened:
            opened.point([int(0.93 * value) for value in range(256)] * 3).save(folder / "images" / f"q{number}.jpg")
        catalog.append({"id": f"P{number}", "item_group": "G", "file": f"images/{number}.jpg", "category_id": 1})
        queries.append(
            {
                "id": f"q{number}",
                "file": f"images/q{number}.jpg",
                "kind": "studio" if number % 2 else "wild",
                "box_xywh": None if number % 2 else [10, 10, 200, 290],
                "relevant": {f"P{number}": 2},
            }
        )
    picture(folder / "images" / "other.jpg", GREEN)
    queries.append({"id": "other", "file": "images/other.jpg", "kind": "studio", "relevant": {}})
    return {"name": "shop", "catalog": catalog, "queries": queries}


def write_ccp_robust(folder: Path) -> Path:
    """A gallery of two garments of one photo, and a changed photo that asks for both."""
    picture(folder / "gallery" / "1.jpg")
    picture(folder / "images" / "dev" / "1.jpg")
    items = [
        {"id": "a", "file": "1.jpg", "bbox": [0, 0, 30, 30], "category_id": 1, "colour": "red"},
        {"id": "b", "file": "1.jpg", "bbox": [0, 30, 30, 40], "category_id": 6},
    ]
    objects = [
        {"bbox": [0, 0, 30, 30], "category_id": 1, "relevant": ["a"]},
        {"bbox": [0, 30, 30, 40], "category_id": 6, "relevant": ["b"]},
    ]
    write_json(folder / "gallery_dev.json", {"note": "", "items": items})
    photo = {"id": "d", "file": "images/dev/1.jpg", "ops": ["background:2.jpg", "mirror"], "objects": objects}
    write_json(folder / "queries_dev.json", [photo])
    return folder


def write_deepfashion2(folder: Path) -> Path:
    """A user's photo with a garment that a shop sells, one it sells in another style, and one of style 0."""

    def item(style: int, category: int) -> dict[str, Any]:
        return {"category_id": category, "style": style, "bounding_box": [5, 5, 40, 60]}

    for name in ("000001", "000002", "000003"):
        picture(folder / "image" / f"{name}.jpg")
    user = {"source": "user", "pair_id": 7, "item1": item(1, 8), "item2": item(2, 1), "item3": item(0, 12)}
    write_json(folder / "annos" / "000001.json", user)
    write_json(
        folder / "annos" / "000002.json", {"source": "shop", "pair_id": 7, "item1": item(1, 8), "item2": item(0, 9)}
    )
    write_json(folder / "annos" / "000003.json", {"source": "shop", "pair_id": 8, "item1": item(1, 8)})
    return folder


def write_inshop(folder: Path) -> Path:
    """Two items in the gallery, one asked for; one training picture."""
    rows = [
        ("img/WOMEN/Dresses/id_1/a.jpg", "id_1", "gallery"),
        ("img/WOMEN/Blouses_Shirts/id_2/a.jpg", "id_2", "gallery"),
        ("img/WOMEN/Dresses/id_1/b.jpg", "id_1", "query"),
        ("img/WOMEN/Dresses/id_3/a.jpg", "id_3", "train"),
    ]
    for name, _, _ in rows:
        picture(folder / "Img" / name)
    lines = [str(len(rows)), "image_name item_id evaluation_status", *(" ".join(row) for row in rows)]
    (folder / "Eval").mkdir()
    (folder / "Eval" / "list_eval_partition.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "Anno").mkdir()
    box = "1\nimage_name clothes_type pose_type x_1 y_1 x_2 y_2\nimg/WOMEN/Dresses/id_1/b.jpg 3 1 4 5 50 70\n"
    (folder / "Anno" / "list_bbox_inshop.txt").write_text(box, encoding="utf-8")
    return folder
