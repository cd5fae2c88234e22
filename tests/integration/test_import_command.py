"""`manage.py import_feed`: what it prints, when it fails, and that the index follows."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from catalog.models import Product
from search.management import importing
from tests.factories import feed_row, write_feed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def row(number: int, **cells: str) -> dict[str, str]:
    return feed_row(f"P{number}", image_link=f"https://cdn.example/{number}.jpg", **cells)


def run(feed: Path, *more: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    arguments = ("import_feed", "--retailer", "acme", "--feed", str(feed), *more)
    call_command(*arguments, stdout=out, stderr=err, verbosity=0)
    return out.getvalue(), err.getvalue()


def test_it_tells_counts_bad_rows_and_what_is_left_to_do(tmp_path: Path) -> None:
    feed = write_feed(tmp_path / "feed.csv", [row(1), row(2, price="free")])
    out, err = run(feed, "--errors", str(tmp_path / "errors.jsonl"))
    assert "google_csv products: 1 new, 0 changed, 0 unchanged, 1 failed, 0 gone\n" in out
    assert "index_catalog --retailer acme --space serving" in out
    assert 'line 3, column price: "free" is not a price like 15.00 USD' in err
    [error] = [json.loads(line) for line in (tmp_path / "errors.jsonl").read_text().splitlines()]
    assert (error["line"], error["product_id"]) == (3, "P2")


def test_a_dry_run_prints_a_table_with_examples(tmp_path: Path) -> None:
    run(write_feed(tmp_path / "feed.csv", [row(1), row(2)]))
    out, _ = run(write_feed(tmp_path / "feed.csv", [row(1, price="9 USD", title="Silk Shirt"), row(3)]), "--dry-run")
    table = [" ".join(line.split()) for line in out.splitlines()[1:]]
    assert table == [
        "new 1",
        "P3 Linen Shirt",
        "changed 1",
        "P1 Silk Shirt",
        "title: Linen Shirt -> Silk Shirt",
        "price: 15.00 -> 9.00",
        "unchanged 0",
        "gone 1",
        "P2 Linen Shirt",
    ]
    assert Product.objects.get(external_id="P1").title == "Linen Shirt"


def test_refused_withdrawals_fail_it_once_the_rows_are_in(tmp_path: Path) -> None:
    run(write_feed(tmp_path / "feed.csv", [row(number) for number in range(20)]))
    few = write_feed(tmp_path / "feed.csv", [row(0, price="9 USD")])
    with pytest.raises(CommandError, match=r"19 of 20 products .*--allow-withdrawals"):
        run(few)
    assert str(Product.objects.get(external_id="P0").price) == "9.0000"
    assert "19 gone" in run(few, "--allow-withdrawals")[0]


def test_the_options_of_feeds_reach_the_import(tmp_path: Path) -> None:
    rows = [{name: text for name, text in row(1, price="9.90").items() if name != "link"}]
    link = ("--link-template", "https://shop.example/{id}")
    run(
        write_feed(tmp_path / "feed.csv", rows), "--currency", "eur", *link, "--mode", "delta", "--format", "google_csv"
    )
    product = Product.objects.get()
    assert (product.currency, product.link) == ("EUR", "https://shop.example/P1")


def test_a_feed_that_cannot_be_read_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no such file"):
        run(tmp_path / "nowhere.csv")
    with pytest.raises(CommandError, match="Nothing of the feed"):
        run(write_feed(tmp_path / "feed.csv", [row(1, price="free")]))


def test_the_index_follows_what_it_changes_and_withdraws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[int] = []
    follow = importing.products_changing

    def noting(product_ids: list[int]) -> object:
        followed.extend(product_ids)
        return follow(product_ids)

    monkeypatch.setattr(importing, "products_changing", noting)
    run(write_feed(tmp_path / "feed.csv", [row(1), row(2), row(3)]))
    run(write_feed(tmp_path / "feed.csv", [row(1, price="9 USD"), row(2)]))
    keys = dict(Product.objects.values_list("external_id", "pk"))
    assert followed == [keys["P1"], keys["P3"]]
