"""A small shop with pretended models, in folders of its own: for tests of several spaces."""

from __future__ import annotations

import io
from pathlib import Path

from django.core.management import call_command

from search.models import ImageDescription
from search.results import SearchOptions
from search.services import search_by_photo
from tests.search_shop import packshot


def run(*arguments: object, **options: object) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=err, verbosity=0, **options)
    return out.getvalue(), err.getvalue()


def index(tmp_path: Path) -> tuple[str, str]:
    return run("index_catalog", "--retailer", "acme", "--feed", tmp_path / "shop" / "feed.csv")


def build_shadow(tmp_path: Path, number: int = 1) -> str:
    given = tmp_path / "given"
    files = ["--segmenter", given / f"s{number}.safetensors", "--embedder", given / f"e{number}.safetensors"]
    return run("index_catalog", "--space", "new", *files)[0]


def described(space: str) -> int:
    return ImageDescription.objects.filter(space__name=space, state=ImageDescription.State.OK).count()


def first_found(number: int) -> tuple[str, str]:
    """The space that answers a packshot, and the product that it finds first."""
    result = search_by_photo(packshot(number), SearchOptions(verdict="none"))
    return result.space, result.objects[0].results[0].product.external_id
