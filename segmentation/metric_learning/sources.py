"""Which source of identity a folder is, and what may not be learned from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentation.data.sources import SPLITS
from segmentation.errors import AnnotationError
from segmentation.metric_learning.catalog_sources import FEED_FILE, SCENES_FILE, DrawnSource, FeedSource
from segmentation.metric_learning.identities import IdentityItem, IdentitySource
from segmentation.metric_learning.street_source import StreetSource


def open_source(folder: Path) -> IdentitySource:
    """A drawn shop, a catalog with a feed, or annotated photos: whichever the folder is.

    Raises:
        AnnotationError: It is none of them.
    """
    if (folder / FEED_FILE).is_file():
        return DrawnSource(folder) if (folder / SCENES_FILE).is_file() else FeedSource(folder)
    if any((folder / name).is_file() for name in SPLITS["train"]):
        return StreetSource(folder)
    raise AnnotationError(
        f"{folder}: neither {FEED_FILE} (a catalog) nor {', '.join(SPLITS['train'])} (annotated photos) is there"
    )


@dataclass(frozen=True)
class WithoutQueries:
    """A source less the query photos of benchmarks, and less the products that only their queries show."""

    source: IdentitySource
    query_files: frozenset[Path]
    hidden_products: frozenset[str]

    @property
    def name(self) -> str:
        """The source's."""
        return self.source.name

    @property
    def kind(self) -> str:
        """The source's."""
        return self.source.kind

    def items(self) -> Iterator[IdentityItem]:
        """What may be learned from."""
        for item in self.source.items():
            hidden = {item.product, item.group} & self.hidden_products
            if not hidden and item.photo.resolve() not in self.query_files:
                yield item


def exclude_benchmarks(sources: Sequence[IdentitySource], benchmarks: Iterable[Path]) -> list[IdentitySource]:
    """Leave out what benchmarks measure with.

    Raises:
        AnnotationError: A file is no benchmark.
    """
    files: set[Path] = set()
    hidden: set[str] = set()
    for benchmark in benchmarks:
        content = read_benchmark(benchmark)
        files |= {(benchmark.parent / query["file"]).resolve() for query in content["queries"]}
        shown = {str(word) for each in content["catalog"] for word in (each["id"], each.get("item_group"))}
        asked = {str(word) for query in content["queries"] for word in (*query["relevant"], query.get("product"))}
        hidden |= asked - shown - {"None"}
    return [WithoutQueries(source, frozenset(files), frozenset(hidden)) for source in sources]


def read_benchmark(file: Path) -> dict[str, Any]:
    """A retrieval benchmark's `catalog` and `queries`.

    Raises:
        AnnotationError: The file is none.
    """
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        for each in content["catalog"]:
            str(each["id"]), str(each["file"])
        for each in content["queries"]:
            str(each["file"]), dict(each["relevant"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AnnotationError(f"{file}: no retrieval benchmark: {error!r}") from error
    return content
