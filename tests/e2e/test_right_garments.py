"""The whole path on drawn photos, nothing mocked: feed in, photo in, the right garments out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from segmentation.drawn import DrawnCatalog, draw_catalog

PRODUCTS, SCENES, SEED = 70, 12, 77
LIMIT = 10
# Somewhat below what the shipped checkpoints reach on this catalog: 0.93, 1.00, 0.69 and 0.96.
STUDIO_AT_1, STUDIO_AT_10, WILD_AT_1, WILD_AT_10 = 0.8, 0.95, 0.5, 0.85

ASK = """
import json, sys
import django
django.setup()
from pathlib import Path
from search.results import SearchOptions
from search.services import search_by_photo
folder, answers = Path(sys.argv[1]), {}
for query in json.loads((folder / "benchmark.json").read_text())["queries"]:
    box = query["box_xywh"]
    region = None if box is None else (box[0], box[1], box[0] + box[2], box[1] + box[3])
    wanted = SearchOptions(limit=10, verdict="none", box_xyxy=region)
    result = search_by_photo((folder / query["file"]).read_bytes(), wanted)
    answers[query["id"]] = [[found.product.external_id for found in seen.results] for seen in result.objects]
print(json.dumps(answers))
"""


def run(repository: Path, env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=repository, env=env, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DrawnCatalog:
    return draw_catalog(tmp_path_factory.mktemp("right") / "drawn", products=PRODUCTS, scenes=SCENES, seed=SEED)


@pytest.fixture(scope="module")
def recall(drawn: DrawnCatalog, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """recall@k by kind of query: the share with a relevant product among the first k of any garment found."""
    env = os.environ | {
        "SELVEDGE_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "DJANGO_SETTINGS_MODULE": "deploy.settings",
        "PYTHONPATH": str(repository),
        "LOG_LEVEL": "ERROR",
    }
    run(repository, env, "manage.py", "migrate", "--verbosity", "0")
    index = ("index_catalog", "--retailer", "drawn", "--feed", str(drawn.feed), "--images", str(drawn.root))
    said = run(repository, env, "manage.py", *index)
    assert f"{PRODUCTS} described, 0 failed" in said
    answers = json.loads(run(repository, env, "-c", ASK, str(drawn.root)))
    hits: dict[str, list[bool]] = defaultdict(list)
    for query in json.loads(drawn.benchmark.read_text())["queries"]:
        for k in (1, LIMIT):
            found = any(set(results[:k]) & set(query["relevant"]) for results in answers[query["id"]])
            hits[f"{query['kind']}@{k}"].append(found)
    return {name: sum(values) / len(values) for name, values in hits.items()}


def test_another_view_of_a_product_finds_it(recall: dict[str, float]) -> None:
    assert recall["studio@1"] >= STUDIO_AT_1, recall
    assert recall[f"studio@{LIMIT}"] >= STUDIO_AT_10, recall


def test_a_garment_worn_in_the_street_finds_its_product(recall: dict[str, float]) -> None:
    assert recall["wild@1"] >= WILD_AT_1, recall
    assert recall[f"wild@{LIMIT}"] >= WILD_AT_10, recall
