"""What steering by attribute gains, where the truth is known: drawn products of another seed, and a real catalog.

    python -m benchmarks.attribute_steering --embedder FILE [--products 1200] [--seed 2] [--catalog FOLDER] [--json OUT]

The embedder carries axes (`manage.py fit_steering`). Every product is drawn twice: one packshot is sold, the other,
taken anew, is the query (every second product). *Another color*: right is the same cut in the wanted color; the color
filter admits what the server's would, by the dominant color that was seen. *Same pattern*: right is the same pattern in
another color, the product itself left out. P@10 counts the right ones among ten against what ten places can hold.
With a catalog, its products in several colors ask for each of their other colors; P@1 is the recall@1 of a garment of
the same item group in the wanted color. Searches are exact.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from tqdm import tqdm

from segmentation.checkpoint import SHIPPED_EMBEDDER, SHIPPED_SEGMENTER, read_info
from segmentation.device import best_device
from segmentation.drawn.variations import varied_products
from segmentation.embedding import Embedder
from segmentation.management.progress import progress_on
from segmentation.metric_learning.garment_finder import GarmentFinder
from segmentation.steering import SteeringAxes, read_axes
from segmentation.steering.evaluation import FILTERED, PLAIN, Rates, another_color, color_separation, same_pattern
from segmentation.steering.sampling import embed_catalog, embed_drawn

QUERY_EVERY = 2


def main() -> None:
    """Run and print the tables."""
    options = _options()
    axes = read_axes(options.embedder)
    if axes is None:
        sys.exit(f"{options.embedder.name} carries no axes: run manage.py fit_steering first")
    how = read_info(options.embedder).metrics["steering"]
    if how["seed"] == options.seed:
        sys.exit(f"seed {options.seed} drew what the axes were fitted on: choose another")
    torch.set_num_threads(options.threads)
    embedder, info = Embedder.from_file(options.embedder, device=best_device().name)
    print(
        f"{info.version}: {len(axes.color_axes)} color axes, {len(axes.pattern_axes)} pattern axes; fitted on {how}\n"
    )
    tables = _on_drawn(embedder, axes, options)
    if options.catalog is not None:
        tables |= _on_catalog(embedder, axes, options)
    for title, rates in tables.items():
        _print(title, rates)
    if options.json is not None:
        content = {title: {method: asdict(each) for method, each in rates.items()} for title, rates in tables.items()}
        options.json.write_text(json.dumps({"embedder": info.version, "tables": content}, indent=1), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embedder", type=Path, default=SHIPPED_EMBEDDER, help="a checkpoint with axes")
    parser.add_argument("--products", type=int, default=1200, help="drawn products (default 1200)")
    parser.add_argument("--seed", type=int, default=2, help="another one than the axes were fitted on (default 2)")
    parser.add_argument("--catalog", type=Path, help="folder with feed.csv, some item groups in several colors")
    parser.add_argument("--segmenter", type=Path, default=SHIPPED_SEGMENTER, help="finds the catalog's garments")
    parser.add_argument("--color-weight", type=float, default=0.15, help="as search.arranging.COLOR_WEIGHT")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here")
    return parser.parse_args()


def _on_drawn(embedder: Embedder, axes: SteeringAxes, options: argparse.Namespace) -> dict[str, Mapping[str, Rates]]:
    products = varied_products(options.seed, options.products)
    shots = []
    for shot, chosen in enumerate((products, products[::QUERY_EVERY])):
        with tqdm(desc="sold" if shot == 0 else "queries", unit="garment") as bar:
            shots.append(embed_drawn(embedder, chosen, options.seed, shot=shot, on_progress=progress_on(bar)))
    sold, queries = shots
    separation = color_separation(queries, sold)
    print(f"colors seen in two packshots of a product, against those of another color of it: AUC {separation:.3f}\n")
    return {
        f"drawn, {len(sold)} products: another color": another_color(
            queries, sold, axes, color_weight=options.color_weight
        ),
        "drawn: same pattern in another color": same_pattern(queries, sold, axes),
        "drawn: same pattern in another color, on other cuts": same_pattern(queries, sold, axes, other_cuts=True),
    }


def _on_catalog(embedder: Embedder, axes: SteeringAxes, options: argparse.Namespace) -> dict[str, Mapping[str, Rates]]:
    finder = GarmentFinder.from_file(options.segmenter)
    with tqdm(desc="catalog", unit="photo") as bar:
        sold = embed_catalog(embedder, finder, options.catalog, on_progress=progress_on(bar))
    rates = another_color(sold, sold, axes, color_weight=options.color_weight, same=True)
    name = options.catalog.resolve().name
    known = (
        " (axes were fitted on it too)" if name in read_info(options.embedder).metrics["steering"]["catalogs"] else ""
    )
    return {f"{name}, {len(sold)} photos{known}: another color": rates}


def _print(title: str, rates: Mapping[str, Rates]) -> None:
    against = FILTERED if FILTERED in rates else PLAIN
    base = rates[against]
    print(f"{title} ({base.n_questions} questions; ratios to {against!r})")
    print(f"  {'':<34}{'P@1':>7}{'ratio':>7}{'P@10':>8}{'ratio':>7}")
    for method, each in rates.items():
        one, ten = _ratio(each.precision_at_1, base.precision_at_1), _ratio(each.precision_at_10, base.precision_at_10)
        print(f"  {method:<34}{each.precision_at_1:>7.3f}{one:>7}{each.precision_at_10:>8.3f}{ten:>7}")
    print()


def _ratio(value: float, base: float) -> str:
    return f"{value / base:.2f}" if base > 0 else "-"


if __name__ == "__main__":
    main()
