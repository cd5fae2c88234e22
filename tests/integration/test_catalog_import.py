"""Importing a feed: what is written, what is left alone, and what a bad image, a second run or a kill changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from catalog import import_summary, limits
from catalog.errors import FeedError, InvalidRetailer, StorageUnavailable
from catalog.feeds import opening
from catalog.feeds.rows import FeedRowError
from catalog.image_sources import ImageFolder
from catalog.models import Product, ProductImage, Retailer
from catalog.services import ImportSummary, import_feed
from tests.factories import feed_row, jpeg_bytes, write_feed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with two images and a feed of two products."""
    folder = tmp_path / "shop"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "shirt.jpg").write_bytes(jpeg_bytes())
    (folder / "images" / "dress.jpg").write_bytes(jpeg_bytes((10, 120, 30)))
    write_feed(folder / "feed.csv", [feed_row("A1"), feed_row("A2", title="Dress", image_link="images/dress.jpg")])
    return folder


def counts(summary: ImportSummary) -> tuple[int, int, int, int]:
    return summary.new, summary.changed, summary.unchanged, summary.failed


def import_rows(shop: Path, *rows: dict[str, str], dry_run: bool = False) -> ImportSummary:
    return import_feed("acme", write_feed(shop / "feed.csv", rows), dry_run=dry_run)


def stored_files(media: Path) -> list[Path]:
    return sorted(path for path in media.rglob("*") if path.is_file())


def test_a_first_import_stores_products_and_copies_of_their_images(shop: Path, media: Path) -> None:
    row = feed_row("A1", price="52.00 USD", sale_price="39.5 USD", color="Navy", gtin="0123")
    assert counts(import_rows(shop, row)) == (1, 0, 0, 0)
    product = Product.objects.get(retailer__slug="acme", external_id="A1")
    assert (str(product.effective_price), product.currency, product.color) == ("39.5000", "USD", "Navy")
    assert product.extra == {"gtin": "0123"}
    image = product.images.get()
    assert (image.position, image.source, image.status) == (0, "images/shirt.jpg", ProductImage.Status.OK)
    assert image.file.name == f"catalog/{image.sha256[:2]}/{image.sha256}.jpg"
    assert (media / image.file.name).read_bytes() == jpeg_bytes()


def test_the_same_feed_again_writes_no_record_and_reads_no_image(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_feed("acme", shop / "feed.csv")
    monkeypatch.delattr(ImageFolder, "read")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert counts(import_feed("acme", shop / "feed.csv")) == (0, 0, 2, 0)
    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []


def test_the_number_of_queries_does_not_grow_with_the_feed(shop: Path) -> None:
    def n_queries(n_rows: int) -> int:
        rows = [feed_row(f"{n_rows}-{number}") for number in range(n_rows)]
        import_rows(shop, *rows)
        with CaptureQueriesContext(connection) as queries:
            import_rows(shop, *rows)
        return len(queries)

    assert n_queries(2) == n_queries(60)


def test_changed_columns_change_their_product_and_no_other(shop: Path) -> None:
    import_rows(shop, feed_row("A1"), feed_row("A2"))
    before = {product.external_id: product for product in Product.objects.all()}
    assert counts(import_rows(shop, feed_row("A1", price="9.99 USD"), feed_row("A2"))) == (0, 1, 1, 0)
    after = {product.external_id: product for product in Product.objects.all()}
    assert str(after["A1"].price) == "9.9900"
    assert (after["A1"].pk, after["A1"].created_at) == (before["A1"].pk, before["A1"].created_at)
    assert after["A1"].updated_at > before["A1"].updated_at
    assert after["A2"].updated_at == before["A2"].updated_at


def test_retailers_do_not_share_product_ids(shop: Path) -> None:
    import_feed("acme", shop / "feed.csv")
    assert counts(import_feed("other", shop / "feed.csv")) == (2, 0, 0, 0)
    assert Product.objects.filter(external_id="A1").count() == 2


def test_a_withdrawn_product_that_returns_is_on_sale_again(shop: Path) -> None:
    import_rows(shop, feed_row("A1"))
    Product.objects.update(withdrawn_at=timezone.now())
    assert counts(import_rows(shop, feed_row("A1"))) == (0, 1, 0, 0)
    assert Product.objects.get().withdrawn_at is None


def test_a_new_picture_under_the_same_name_replaces_the_old_one(shop: Path) -> None:
    import_feed("acme", shop / "feed.csv")
    before = ProductImage.objects.get(product__external_id="A1")
    (shop / "images" / "shirt.jpg").write_bytes(jpeg_bytes((0, 0, 255), (40, 40)))
    assert counts(import_feed("acme", shop / "feed.csv")) == (0, 1, 1, 0)
    after = ProductImage.objects.get(product__external_id="A1")
    assert after.pk == before.pk
    assert after.sha256 != before.sha256


def test_a_touched_picture_is_read_once_more_and_then_recognised(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import_feed("acme", shop / "feed.csv")
    os.utime(shop / "images" / "shirt.jpg", ns=(1, 1))
    assert counts(import_feed("acme", shop / "feed.csv")) == (0, 0, 2, 0)
    monkeypatch.delattr(ImageFolder, "read")
    assert counts(import_feed("acme", shop / "feed.csv")) == (0, 0, 2, 0)


def test_images_the_feed_no_longer_names_are_dropped(shop: Path) -> None:
    import_rows(shop, feed_row("A1", additional_image_link="images/dress.jpg"))
    assert ProductImage.objects.count() == 2
    assert counts(import_rows(shop, feed_row("A1"))) == (0, 1, 0, 0)
    assert [image.source for image in ProductImage.objects.all()] == ["images/shirt.jpg"]


def test_equal_pictures_are_stored_once(shop: Path, media: Path) -> None:
    import_rows(shop, feed_row("A1"), feed_row("A2"), feed_row("A3"))
    assert len(stored_files(media)) == 1


def test_a_bad_row_is_reported_and_the_rest_imported(shop: Path) -> None:
    summary = import_rows(shop, feed_row("A1"), feed_row("A2", price="-1 USD"), feed_row("A3"))
    assert counts(summary) == (2, 0, 0, 1)
    assert summary.errors == [FeedRowError(3, "price", '"-1 USD" is negative', "A2")]
    assert summary.n_rows == 3


def test_a_product_whose_image_is_missing_is_stored_and_reported(shop: Path) -> None:
    row = feed_row("A1", image_link="images/lost.jpg", additional_image_link="images/dress.jpg")
    summary = import_rows(shop, row)
    assert counts(summary) == (0, 0, 0, 1)
    reason = 'there is no file "images/lost.jpg" in the images folder'
    assert summary.errors == [FeedRowError(2, "image_link", reason, "A1")]
    product = Product.objects.get()
    lost, dress = product.images.all()
    assert (lost.status, lost.error) == (ProductImage.Status.FAILED, summary.errors[0].reason)
    assert product.primary_image == dress


def test_an_image_that_turns_up_later_makes_its_product_whole(shop: Path) -> None:
    import_rows(shop, feed_row("A1", image_link="images/late.jpg"))
    (shop / "images" / "late.jpg").write_bytes(jpeg_bytes())
    assert counts(import_rows(shop, feed_row("A1", image_link="images/late.jpg"))) == (0, 1, 0, 0)
    image = ProductImage.objects.get()
    assert (image.status, image.error) == (ProductImage.Status.OK, "")


def test_an_image_that_was_stored_survives_the_loss_of_its_source(shop: Path) -> None:
    import_rows(shop, feed_row("A1"))
    (shop / "images" / "shirt.jpg").unlink()
    summary = import_rows(shop, feed_row("A1"))
    assert counts(summary) == (0, 0, 0, 1)
    assert "the copy stored earlier stays" in summary.errors[0].reason
    assert ProductImage.objects.get().status == ProductImage.Status.OK


def test_a_feed_without_images_changes_prices_and_keeps_the_pictures(shop: Path, tmp_path: Path) -> None:
    import_rows(shop, feed_row("A1"))
    update = tmp_path / "update"
    (update / "none").mkdir(parents=True)
    rows = [feed_row("A1", price="9.00 USD"), feed_row("A2", image_link="images/new.jpg")]
    summary = import_feed("acme", write_feed(update / "feed.csv", rows), images_dir=update / "none", mode="delta")
    assert (summary.changed, summary.failed) == (1, 1)
    assert [error.reason for error in summary.errors] == [
        '"images/new.jpg" is a file, and no images came with the feed'
    ]
    product = Product.objects.get(external_id="A1")
    assert (product.price, product.images.get().status) == (Decimal("9.00"), ProductImage.Status.OK)


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("../secret.jpg", "leads out of the images folder"),
        ("images/../../secret.jpg", "leads out of the images folder"),
        ("..\\secret.jpg", "leads out of the images folder"),
        ("images/escape.jpg", "leads out of the images folder"),
        ("/etc/passwd", "is not a path inside the images folder"),
        ("C:\\secret.jpg", "is not a path inside the images folder"),
        ("file:///etc/passwd", "file:// links are not supported"),
        ("images", "is not a file"),
        ("images/pipe", "is not a file"),
        ("images/circle", "cannot be read"),
        ("x" * 1000, "cannot be read"),
        ("images/shirt.jpg/inner.jpg", "there is no file"),
        ("images/empty.jpg", "is empty"),
        ("images/page.jpg", "is not a JPEG, PNG, WebP, HEIC or GIF file"),
        ("images/huge.jpg", "at most 20971520 are allowed"),
    ],
)
def test_an_image_that_must_not_be_taken_is_refused(shop: Path, media: Path, link: str, said: str) -> None:
    (shop.parent / "secret.jpg").write_bytes(jpeg_bytes())
    folder = shop / "images"
    (folder / "escape.jpg").symlink_to(shop.parent / "secret.jpg")
    (folder / "circle").symlink_to(folder / "circle")
    (folder / "empty.jpg").touch()
    (folder / "page.jpg").write_text("<script>alert(1)</script>")
    with (folder / "huge.jpg").open("wb") as file:
        file.truncate(limits.IMAGE_BYTES + 1)
    os.mkfifo(folder / "pipe")
    summary = import_rows(shop, feed_row("A1", image_link=link))
    assert said in summary.errors[0].reason
    assert summary.errors[0].column == "image_link"
    assert stored_files(media) == []


def test_the_copy_is_typed_by_its_content_not_by_the_name_in_the_feed(shop: Path) -> None:
    (shop / "images" / "shirt.html").write_bytes(jpeg_bytes())
    import_rows(shop, feed_row("A1", image_link="images/shirt.html"))
    assert str(ProductImage.objects.get().file.name).endswith(".jpg")


def test_links_may_repeat_the_name_of_the_images_folder(shop: Path) -> None:
    assert counts(import_feed("acme", shop / "feed.csv", images_dir=shop / "images")) == (2, 0, 0, 0)


def test_a_torn_copy_is_written_again(shop: Path, media: Path) -> None:
    import_rows(shop, feed_row("A1"))
    [copy] = stored_files(media)
    copy.write_bytes(b"\xff\xd8\xff")
    import_rows(shop, feed_row("A1"))
    assert copy.read_bytes() == jpeg_bytes()


def test_a_failed_write_leaves_no_copy_that_could_be_taken_for_whole(
    shop: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(StorageUnavailable, match="No space"):
        import_rows(shop, feed_row("A1"))
    assert [path for path in stored_files(media) if path.suffix != ".part"] == []
    assert not Product.objects.exists()


def test_a_dry_run_counts_all_and_writes_nothing(shop: Path, media: Path) -> None:
    rows = [feed_row("A1"), feed_row("A2", title=""), feed_row("A3", image_link="images/lost.jpg")]
    assert counts(import_rows(shop, *rows, dry_run=True)) == (1, 0, 0, 2)
    assert not Retailer.objects.exists()
    assert not media.exists()
    import_rows(shop, *rows)
    changed = feed_row("A1", title="New title")
    assert counts(import_rows(shop, changed, feed_row("A4"), dry_run=True)) == (1, 1, 0, 0)
    assert Product.objects.get(external_id="A1").title == "Linen Shirt"


def test_progress_rises_to_the_size_of_the_feed(shop: Path) -> None:
    seen: list[tuple[int, int]] = []
    import_feed("acme", shop / "feed.csv", on_progress=lambda done, total: seen.append((done, total)))
    size = (shop / "feed.csv").stat().st_size
    assert seen[0] == (0, size)
    assert seen[-1] == (size, size)
    assert seen == sorted(seen)


def test_a_feed_that_cannot_be_read_leaves_no_trace(shop: Path) -> None:
    (shop / "feed.csv").write_text("id,title\n1,Shirt\n")
    with pytest.raises(FeedError, match="the header lacks link, image_link, availability, price"):
        import_feed("acme", shop / "feed.csv")
    with pytest.raises(FeedError, match="no such images folder"):
        import_feed("acme", write_feed(shop / "feed.csv", [feed_row()]), images_dir=shop / "nowhere")
    with pytest.raises(InvalidRetailer):
        import_feed("no slug!", shop / "feed.csv")
    assert not Retailer.objects.exists()


def test_garbage_does_not_fill_the_memory_with_errors(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_summary, "ERRORS_KEPT", 3)
    summary = import_rows(shop, *(feed_row(str(number), price="free") for number in range(10)))
    assert (summary.failed, len(summary.errors), summary.errors_left_out) == (10, 3, 7)


KILLED_IMPORT = """
import os, signal, sys
from pathlib import Path
import django
django.setup()
from django.core.management import call_command
from catalog.services import import_feed
call_command("migrate", verbosity=0)
kill_at = int(sys.argv[2])
def progress(done, total):
    if done >= kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
summary = import_feed("acme", Path(sys.argv[1]), on_progress=progress)
print(summary.new, summary.changed, summary.unchanged, summary.failed)
"""


def test_an_import_killed_on_its_way_is_completed_by_the_next(shop: Path, tmp_path: Path, repository: Path) -> None:
    feed = write_feed(shop / "feed.csv", [feed_row(str(number)) for number in range(1200)])
    environment = os.environ | {"SELVEDGE_DATA_DIR": str(tmp_path / "data")}

    def run(kill_at_byte: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", KILLED_IMPORT, str(feed), str(kill_at_byte)]
        return subprocess.run(
            command, cwd=repository, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    assert run(kill_at_byte=opening.BUFFER_BYTES + 1).returncode == -signal.SIGKILL
    resumed = run(kill_at_byte=1 << 40)
    assert (resumed.stdout.strip(), resumed.returncode) == ("700 0 500 0", 0)


@pytest.mark.realdata
@pytest.mark.parametrize(("folder", "n_products"), [("luma", 440), ("wardrobe", 2125)])
def test_real_catalogs_are_imported_whole_and_recognised_again(shared_data: Path, folder: str, n_products: int) -> None:
    feed = shared_data / folder / "feed.csv"
    assert counts(import_feed(folder, feed)) == (n_products, 0, 0, 0)
    assert ProductImage.objects.filter(status=ProductImage.Status.OK).count() == n_products
    assert counts(import_feed(folder, feed)) == (0, 0, n_products, 0)
