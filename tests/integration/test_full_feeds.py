"""Full and delta feeds: what the feed leaves out goes, unless the feed is likelier torn than meant; and dry runs."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError
from pytest_django import Settings

from catalog import feed_import
from catalog.errors import FeedError
from catalog.feeds.rows import FeedRowError
from catalog.models import Product, ProductImage
from catalog.services import ImportSummary, import_feed
from tests.factories import feed_row, make_product, make_retailer, write_feed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def row(number: int, **cells: str) -> dict[str, str]:
    return feed_row(f"P{number}", image_link=f"https://cdn.example/{number}.jpg", **cells)


def rows(n: int) -> list[dict[str, str]]:
    return [row(number) for number in range(n)]


def take(tmp_path: Path, feed: Sequence[dict[str, str]], **options: Any) -> ImportSummary:
    return import_feed("acme", write_feed(tmp_path / "feed.csv", feed), **options)


def on_sale() -> set[str]:
    return set(Product.objects.filter(withdrawn_at=None).values_list("external_id", flat=True))


def numbered(numbers: range) -> set[str]:
    return {f"P{number}" for number in numbers}


def test_what_a_full_feed_leaves_out_is_withdrawn_and_comes_back_with_the_feed(tmp_path: Path) -> None:
    take(tmp_path, rows(5))
    summary = take(tmp_path, rows(3))
    assert (summary.unchanged, summary.gone, summary.refusal) == (3, 2, "")
    assert on_sale() == numbered(range(3))
    again = take(tmp_path, rows(5))
    assert (again.changed, again.unchanged, again.gone) == (2, 3, 0)
    assert on_sale() == numbered(range(5))


def test_what_a_delta_leaves_out_stays(tmp_path: Path) -> None:
    take(tmp_path, rows(5))
    summary = take(tmp_path, [row(1, price="1 USD"), row(9)], mode="delta")
    assert (summary.new, summary.changed, summary.gone) == (1, 1, 0)
    assert on_sale() == {*numbered(range(5)), "P9"}


def test_an_unknown_mode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="none of full, delta"):
        take(tmp_path, rows(1), mode="both")


def test_only_the_retailers_own_products_are_withdrawn(tmp_path: Path) -> None:
    make_product(make_retailer("other"))
    take(tmp_path, rows(2))
    take(tmp_path, rows(1))
    assert Product.objects.filter(retailer__slug="other", withdrawn_at=None).count() == 1


def test_a_feed_that_would_empty_the_catalog_takes_its_rows_over_and_withdraws_nothing(tmp_path: Path) -> None:
    take(tmp_path, rows(40))
    summary = take(tmp_path, [row(0, title="Renamed"), *rows(29)[1:]])
    assert (summary.changed, summary.gone, summary.refusal_code) == (1, 0, "withdrawals_guarded")
    assert "11 of 40 products on sale are not in the feed" in summary.refusal
    assert Product.objects.get(external_id="P0").title == "Renamed"
    assert on_sale() == numbered(range(40))
    allowed = take(tmp_path, rows(29), allow_withdrawals=True)
    assert (allowed.gone, allowed.refusal) == (11, "")
    assert on_sale() == numbered(range(29))


@pytest.mark.parametrize(("n_before", "n_after"), [(40, 30), (100, 80)])
def test_up_to_ten_products_or_a_fifth_may_go_unasked(tmp_path: Path, n_before: int, n_after: int) -> None:
    take(tmp_path, rows(n_before))
    assert take(tmp_path, rows(n_after)).gone == n_before - n_after


def test_a_product_whose_row_failed_is_not_taken_for_gone(tmp_path: Path) -> None:
    take(tmp_path, rows(3))
    summary = take(tmp_path, [row(0), row(1, price="free"), row(0, title="twice")])
    assert (summary.failed, summary.gone) == (2, 1)
    assert on_sale() == {"P0", "P1"}


def test_rows_that_tell_no_product_hold_withdrawals_back_until_somebody_allows_them(tmp_path: Path) -> None:
    take(tmp_path, rows(3))
    nameless = [row(0), row(1) | {"id": ""}]
    summary = take(tmp_path, nameless)
    assert (summary.gone, summary.refusal_code) == (0, "rows_unreadable")
    assert take(tmp_path, nameless, allow_withdrawals=True).gone == 2


def cut_csv(path: Path, whole: bytes) -> None:
    path.write_bytes(whole[: whole.rindex(b"https://shop")])


def cut_gzip(path: Path, whole: bytes) -> None:
    path.write_bytes(gzip.compress(whole)[:-20])


def empty(path: Path, whole: bytes) -> None:
    path.write_bytes(whole[: whole.index(b"\n") + 1])


@pytest.mark.parametrize("cut", [cut_csv, cut_gzip, empty])
def test_a_feed_that_breaks_off_withdraws_nothing_whatever_is_allowed(tmp_path: Path, cut: Any) -> None:
    take(tmp_path, rows(5))
    feed = write_feed(tmp_path / "feed.csv", rows(3))
    cut(feed, feed.read_bytes())
    summary = import_feed("acme", feed, allow_withdrawals=True)
    assert (summary.gone, summary.refusal_code) == (0, "feed_truncated")
    assert on_sale() == numbered(range(5))


def test_drafts_and_archived_products_are_withdrawn_by_a_delta_too(tmp_path: Path) -> None:
    def shopify(*statuses: str) -> ImportSummary:
        with (tmp_path / "products.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["Handle", "Title", "Variant SKU", "Variant Price", "Image Src", "Status"])
            for number, status in enumerate(statuses):
                writer.writerow([f"h{number}", "Tee", f"S{number}", "9.90", "https://cdn.example/a.jpg", status])
        return import_feed("acme", tmp_path / "products.csv", mode="delta", currency="EUR")

    assert shopify("active", "active", "draft").new == 2
    summary = shopify("draft", "active", "archived")
    assert (summary.withheld, summary.unchanged, summary.gone, summary.n_rows) == (2, 1, 1, 3)
    assert on_sale() == {"S1"}
    assert summary.examples["gone"] == [{"product_id": "S0", "title": "Tee"}]


def test_a_dry_run_tells_every_kind_with_examples_and_writes_nothing(tmp_path: Path) -> None:
    take(tmp_path, rows(4))
    changed = row(1, price="12.00 USD", gtin="77") | {"image_link": "https://cdn.example/new.jpg"}
    summary = take(tmp_path, [row(0), changed, row(9)], dry_run=True)
    assert (summary.new, summary.changed, summary.unchanged, summary.gone) == (1, 1, 1, 2)
    assert summary.examples["new"] == [{"product_id": "P9", "title": "Linen Shirt"}]
    assert [example["product_id"] for example in summary.examples["gone"]] == ["P2", "P3"]
    [example] = summary.examples["changed"]
    assert example["changes"] == [
        {"column": "price", "before": "15.00", "after": "12.00"},
        {"column": "gtin", "before": None, "after": "77"},
        {"column": "images", "before": "https://cdn.example/1.jpg", "after": "https://cdn.example/new.jpg"},
    ]
    assert json.dumps(summary.examples)
    assert on_sale() == numbered(range(4))
    assert str(Product.objects.get(external_id="P1").price) == "15.0000"


def test_a_dry_run_of_a_retailer_nobody_knows_calls_all_products_new(tmp_path: Path) -> None:
    summary = take(tmp_path, rows(7), dry_run=True)
    assert (summary.new, len(summary.examples["new"])) == (7, 5)


def test_a_price_alone_changes_no_image(tmp_path: Path) -> None:
    take(tmp_path, rows(1))
    before = ProductImage.objects.values().get()
    assert take(tmp_path, [row(0, price="9 USD", availability="out of stock")]).changed == 1
    assert ProductImage.objects.values().get() == before


def test_whoever_follows_the_catalog_is_told_of_changed_and_of_withdrawn_products_only(tmp_path: Path) -> None:
    told: list[list[int]] = []

    @contextmanager
    def changing(product_ids: Sequence[int]) -> Iterator[None]:
        told.append(list(product_ids))
        yield

    take(tmp_path, rows(3), changing=changing)
    assert told == []
    take(tmp_path, [row(0), row(1, price="9 USD")], changing=changing)
    keys = dict(Product.objects.values_list("external_id", "pk"))
    assert told == [[keys["P1"]], [keys["P2"]]]


def test_an_import_that_is_stopped_keeps_what_it_wrote_and_withdraws_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_import, "CHUNK_ROWS", 2)
    take(tmp_path, [row(9)])
    answers = iter([False, True])
    summary = take(tmp_path, rows(5), should_stop=lambda: next(answers))
    assert (summary.is_stopped, summary.new, summary.gone) == (True, 2, 0)
    assert on_sale() == {"P0", "P1", "P9"}


def test_errors_and_counts_are_told_chunk_by_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_import, "CHUNK_ROWS", 2)
    errors: list[Sequence[FeedRowError]] = []
    lines: list[int] = []
    feed = [row(0, price="free"), row(1), row(2), row(3, title="")]
    take(tmp_path, feed, on_errors=errors.append, on_chunk=lambda summary: lines.append(summary.lines_done))
    assert [[(error.line, error.product_id) for error in some] for some in errors] == [[(2, "P0")], [(5, "P3")]]
    assert lines == [3, 5, 5]


def test_a_product_deleted_while_its_chunk_is_written_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = feed_import.write_merges
    failures = iter([True, False])

    def write_late(*arguments: Any) -> None:
        if next(failures):
            Product.objects.all().delete()
            raise IntegrityError
        write(*arguments)

    take(tmp_path, rows(1))
    monkeypatch.setattr(feed_import, "write_merges", write_late)
    assert take(tmp_path, [row(0, price="9 USD")]).new == 1
    assert Product.objects.get().images.count() == 1


def test_products_written_by_others_during_an_import_are_left_alone(tmp_path: Path) -> None:
    take(tmp_path, rows(2))
    made = []

    def make_another(_: ImportSummary) -> None:
        made.extend([] if made else [make_product(make_retailer("acme"), external_id="api")])

    assert take(tmp_path, rows(2), on_chunk=make_another).gone == 0
    assert "api" in on_sale()
