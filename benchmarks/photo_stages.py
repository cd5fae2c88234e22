"""Milliseconds per photo, stage by stage, beside a naive torchvision Mask R-CNN in the same run.

    python -m benchmarks.photo_stages [--data FOLDER] [--queries FOLDER] [--photos 20] [--json FILE]

Indexes a catalog (the drawn one, or a folder with feed.csv) into a scratch folder through `manage.py index_catalog`,
then asks `search_by_photo`, the code behind `POST /api/search`, and finally runs torchvision's
`maskrcnn_resnet50_fpn` in eager mode on the same photos. The naive model has random weights, so that it finds and
pastes next to nothing: a trained one is slower still.
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

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("decode", "segment", "embed", "search", "rank", "total")
WARM_UP = 2


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with feed.csv; the drawn catalog where absent")
    parser.add_argument("--queries", type=Path, help="folder of query photos; scenes of the drawn catalog where absent")
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"SELVEDGE_DATA_DIR": scratch, "DJANGO_SETTINGS_MODULE": "deploy.settings", "LOG_LEVEL": "ERROR"}
        folder = options.data if options.data is not None else _drawn(Path(scratch))
        _manage("migrate", "--verbosity", "0")
        _manage("index_catalog", "--retailer", "bench", "--feed", str(folder / "feed.csv"), "--images", str(folder))
        queries = options.queries if options.queries is not None else folder / "scenes"
        files = sorted(queries.glob("*.jpg"))[: options.photos + WARM_UP]
        if len(files) <= WARM_UP:
            sys.exit(f"{queries} holds too few .jpg photos")
        ours = _our_stages(files)
        naive = {"its own 800 px": _naive_ms(files), "at 512 px": _naive_ms(files, min_size=512, max_size=512)}
    _print(ours, naive, len(files) - WARM_UP)
    if options.json is not None:
        content = {"at": datetime.now(UTC).isoformat(), "stages_ms": ours, "naive_ms": naive}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _drawn(scratch: Path) -> Path:
    folder = scratch / "drawn"
    _manage("draw_catalog", "--out", str(folder), "--products", "160", "--scenes", "24", "--seed", "1")
    return folder


def _manage(*arguments: str) -> None:
    subprocess.run([sys.executable, str(ROOT / "manage.py"), *arguments], check=True)


def _our_stages(files: list[Path]) -> dict[str, float]:
    """Median milliseconds by stage."""
    import django  # settings read the scratch folder from the environment set above

    django.setup()
    from search.results import SearchOptions  # needs Django's applications
    from search.services import search_by_photo

    timings = [search_by_photo(file.read_bytes(), SearchOptions()).timings_ms for file in files][WARM_UP:]
    return {stage: median(timing[stage] for timing in timings) for stage in STAGES}


def _naive_ms(files: list[Path], **changes: int) -> float:
    """Median milliseconds of decoding and one eager forward of torchvision's model, all else left at its defaults."""
    import torch  # kept out of the parts above, as in a web process
    from torchvision.models.detection import maskrcnn_resnet50_fpn

    from segmentation.data.loaders import to_tensor
    from segmentation.images import decode_rgb

    model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, **changes).eval()
    elapsed = []
    for file in files:
        started = time.perf_counter()
        with torch.no_grad():
            model([to_tensor(decode_rgb(file.read_bytes()))])
        elapsed.append((time.perf_counter() - started) * 1e3)
    return median(elapsed[WARM_UP:])


def _print(ours: dict[str, float], naive: dict[str, float], n_photos: int) -> None:
    print(f"\n{n_photos} photos, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}; median milliseconds a photo\n")
    for stage in STAGES:
        print(f"{stage:<52}{ours[stage]:>9.1f}")
    for size, ms in naive.items():
        print(f"{f'torchvision maskrcnn_resnet50_fpn, {size}':<52}{ms:>9.1f}   {ms / ours['total']:.1f}x our total")


if __name__ == "__main__":
    main()
