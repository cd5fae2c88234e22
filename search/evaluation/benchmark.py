"""A retrieval benchmark: what a catalog sells, and photos with the products they should find."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from search.errors import BenchmarkError
from segmentation.types import BoxXyxyPx

SAME = 2
"""Grade of the same product in the same color."""
OTHER_COLOR = 1
"""Grade of the same product in another color."""


@dataclass(frozen=True, slots=True)
class CatalogItem:
    """One thing that is for sale, with one picture."""

    id: str
    file: Path
    item_group: str = ""
    """What colors and sizes of one product share; blank where it is not known."""
    category_id: int | None = None
    color: str = ""
    product_type: str = ""
    """What the shop files it under, where no category is known."""
    box_xyxy_px: BoxXyxyPx | None = None
    """Where in the picture it is; None: the whole picture."""


@dataclass(frozen=True, slots=True)
class BenchmarkQuery:
    """One photo and what should be found for it."""

    id: str
    file: Path
    kind: str
    relevant: Mapping[str, int]
    """Grade by catalog id; empty where the product is not for sale, so that nothing should be found."""
    box_xyxy_px: BoxXyxyPx | None = None
    """Where in the photo the person or the item is; None: anywhere."""
    category_id: int | None = None
    """Which garment in the box is meant; None: not said."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Catalog and queries; every id is unique, every relevant id is in the catalog, every file exists."""

    name: str
    catalog: tuple[CatalogItem, ...]
    queries: tuple[BenchmarkQuery, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of queries, in the order they first occur."""
        return tuple(dict.fromkeys(query.kind for query in self.queries))

    def wanted_category_id(self, query: BenchmarkQuery) -> int | None:
        """The category of what a query is about: its own, else that of the products it should find."""
        if query.category_id is not None:
            return query.category_id
        known = (item.category_id for item in self.catalog if item.id in query.relevant)
        return next((category_id for category_id in known if category_id is not None), None)

    def part(self, *, kinds: Collection[str] = (), limit: int | None = None) -> Benchmark:
        """The same catalog with fewer queries.

        Args:
            kinds: Only queries of these; empty keeps all.
            limit: At most so many, taken evenly from the whole list; None keeps all.

        Raises:
            BenchmarkError: There is no query of a kind, or `limit` is below 1.
        """
        unknown = sorted(set(kinds) - set(self.kinds))
        if unknown:
            raise BenchmarkError(f"{self.name} has no queries of kind {unknown[0]!r}; it has {', '.join(self.kinds)}.")
        chosen = [query for query in self.queries if not kinds or query.kind in kinds]
        if limit is not None and limit < 1:
            raise BenchmarkError("At least one query is needed.")
        if limit is not None and limit < len(chosen):
            chosen = [chosen[number * len(chosen) // limit] for number in range(limit)]
        return replace(self, queries=tuple(chosen))


def check_benchmark(benchmark: Benchmark, where: str) -> Benchmark:
    """Hold a benchmark to what it promises.

    Args:
        benchmark: As it was read.
        where: The file it was read from, for messages.

    Raises:
        BenchmarkError: An id occurs twice, a relevant id is not in the catalog, or a picture is missing.
    """
    for name, ids in (
        ("catalog", [item.id for item in benchmark.catalog]),
        ("queries", [query.id for query in benchmark.queries]),
    ):
        if not ids:
            raise BenchmarkError(f"{where}: {name} is empty.")
        seen: set[str] = set()
        for each in ids:
            if each in seen:
                raise BenchmarkError(f"{where}: {name} holds the id {each!r} twice.")
            seen.add(each)
    sold = {item.id for item in benchmark.catalog}
    for query in benchmark.queries:
        absent = sorted(set(query.relevant) - sold)
        if absent:
            raise BenchmarkError(f"{where}: query {query.id!r} should find {absent[0]!r}, which is not in the catalog.")
    _check_files(benchmark, where)
    return benchmark


def _check_files(benchmark: Benchmark, where: str) -> None:
    files = dict.fromkeys([item.file for item in benchmark.catalog] + [query.file for query in benchmark.queries])
    missing = [file for file in files if not file.is_file()]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise BenchmarkError(f"{where}: there is no picture {missing[0]}{more}.")
