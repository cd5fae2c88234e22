"""What `/alternatives` gains over similar products that are merely filtered by stock.

    python -m benchmarks.alternatives [--catalog FOLDER] [--products 160] [--sold-out 0.35] [--limit 10] [--json FILE]

Takes a catalog (the drawn one, or a folder with feed.csv), sells every size of it as a product of its own, lets some of
them be sold out by a seeded draw, and indexes it into a scratch folder through `manage.py index_catalog`. Each product
that is sold out then asks for what to buy instead, twice: `similar_products` with `in_stock=true`, which is what one
would do without this project's ranking, and `find_alternatives`. Both lists are judged alike, over all results:

in stock   share that can be bought now
in size    share that comes in the size wanted, of those whose size is known
price      median of |log(price / price wanted)|: 0.18 is 20 % off
likeness   mean cosine of the garments; the same item in another color has its own
same item  share of questions whose first result is the same item in another color
for whom   share that is not made for the other gender
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catalog.models import Product

ROOT = Path(__file__).resolve().parent.parent
SUBJECTS = ("similar, in stock", "alternatives")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one subject said to one question."""

    wanted: Product
    shown: Sequence[Product]
    similarities: Sequence[float]
    ms: float


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalog", type=Path, help="folder with feed.csv; the drawn catalog where absent")
    parser.add_argument("--products", type=int, default=160, help="products of the drawn catalog")
    parser.add_argument("--sold-out", type=float, default=0.35, help="share of sizes that are sold out")
    parser.add_argument("--questions", type=int, default=300, help="at most so many sold-out products ask")
    parser.add_argument("--limit", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {
            "SELVEDGE_DATA_DIR": scratch,
            "DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "deploy.settings",
            "LOG_LEVEL": "ERROR",
        }
        folder = options.catalog if options.catalog is not None else _drawn(Path(scratch), options)
        feed = Path(scratch) / "sizes.csv"
        _sell_by_size(folder / "feed.csv", feed, options)
        _manage("migrate", "--verbosity", "0")
        _manage("index_catalog", "--retailer", "bench", "--feed", str(feed), "--images", str(folder))
        answers = _ask(options)
        figures = {name: _judge(given) for name, given in answers.items()}
    _print(figures)
    if options.json is not None:
        content = {"at": datetime.now(UTC).isoformat(), "catalog": folder.name, "figures": figures}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _drawn(scratch: Path, options: argparse.Namespace) -> Path:
    folder = scratch / "drawn"
    count = ("--products", str(options.products), "--scenes", "0", "--seed", str(options.seed))
    _manage("draw_catalog", "--out", str(folder), *count)
    return folder


def _sell_by_size(source: Path, target: Path, options: argparse.Namespace) -> None:
    """Writes the feed anew with a row for every size, some of them sold out."""
    draw = random.Random(options.seed)
    with source.open(encoding="utf-8", newline="") as read, target.open("w", encoding="utf-8", newline="") as written:
        rows = csv.DictReader(read)
        writer = csv.DictWriter(written, list(dict.fromkeys([*(rows.fieldnames or ()), "item_group_id", "size"])))
        writer.writeheader()
        for row in rows:
            for size in (row.get("size") or "").split("/"):
                stock = "out_of_stock" if draw.random() < options.sold_out else "in_stock"
                group = row.get("item_group_id") or row["id"]
                own = {"id": f"{row['id']}-{size}".strip("-"), "size": size, "item_group_id": group}
                writer.writerow(row | own | {"availability": stock})


def _ask(options: argparse.Namespace) -> dict[str, list[Answer]]:
    # Django is set up here, once the environment names the scratch folder.
    import django

    django.setup()
    # Records cannot be imported before that.
    from catalog.models import Product
    from search.filters import Filters
    from search.recommendations.alternatives import find_alternatives
    from search.recommendations.results import AlternativeOptions
    from search.recommendations.similar import SimilarOptions, similar_products

    def similar(product: Product) -> Any:
        return similar_products(product, SimilarOptions(limit=options.limit, filters=Filters(in_stock=True)))

    def alternatives(product: Product) -> Any:
        return find_alternatives(product, AlternativeOptions(limit=options.limit))

    sold_out = list(Product.objects.filter(availability="out_of_stock").order_by("pk"))
    asking = random.Random(options.seed).sample(sold_out, min(options.questions, len(sold_out)))
    answers: dict[str, list[Answer]] = {name: [] for name in SUBJECTS}
    for product in asking:
        for name, subject in zip(SUBJECTS, (similar, alternatives), strict=True):
            started = perf_counter()
            results = subject(product).results
            taken_ms = (perf_counter() - started) * 1000
            likeness = [each.similarity for each in results if each.similarity is not None]
            answers[name].append(Answer(product, [each.product for each in results], likeness, taken_ms))
    return answers


def _judge(answers: Sequence[Answer]) -> dict[str, float]:
    from search.recommendations.sizes import read_sizes, same_sizes
    from search.vocabulary import gender_of

    pairs = [(answer.wanted, shown) for answer in answers for shown in answer.shown]
    sized = [(read_sizes(wanted.size), read_sizes(shown.size)) for wanted, shown in pairs]
    firsts = [(answer.wanted, answer.shown[0]) for answer in answers if answer.shown]
    opposite = {"male": "female", "female": "male"}
    return {
        "questions": len(answers),
        "results": len(pairs) / len(answers),
        "in stock": _share(shown.is_in_stock for _, shown in pairs),
        "in size": _share(bool(same_sizes(one, other)) for one, other in sized if one and other),
        "price": median(_log_ratios(pairs)),
        "likeness": fmean(value for answer in answers for value in answer.similarities),
        "same item": _share(wanted.item_group_id == shown.item_group_id for wanted, shown in firsts),
        "for whom": _share(gender_of(s.gender) != opposite.get(gender_of(w.gender) or "", "-") for w, s in pairs),
        "ms": median(answer.ms for answer in answers),
    }


def _log_ratios(pairs: Sequence[tuple[Product, Product]]) -> Iterator[float]:
    for wanted, shown in pairs:
        if wanted.effective_price and shown.effective_price and wanted.currency == shown.currency:
            yield abs(math.log(shown.effective_price / wanted.effective_price))


def _share(values: Iterator[bool]) -> float:
    seen = list(values)
    return sum(seen) / len(seen) if seen else math.nan


def _print(figures: dict[str, dict[str, float]]) -> None:
    names = list(next(iter(figures.values())))
    print(f"{'':<20}" + "".join(f"{name:>11}" for name in names))
    for subject, values in figures.items():
        print(f"{subject:<20}" + "".join(f"{values[name]:>11.3f}" for name in names))


def _manage(*arguments: str) -> None:
    subprocess.run([sys.executable, str(ROOT / "manage.py"), *arguments], check=True)


if __name__ == "__main__":
    main()
