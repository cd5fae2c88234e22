"""What a feed's image links do at import: web addresses become due, files come from a folder or a zip."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from catalog import limits
from catalog.downloads.stage import fetch_images
from catalog.errors import FeedError
from catalog.images import take_upload
from catalog.models import Product, ProductImage
from catalog.services import ImportSummary, import_feed
from tests.factories import feed_row, jpeg_bytes, write_feed
from tests.web_server import ALLOWED, Site, running_site

pytestmark = pytest.mark.django_db
Status = ProductImage.Status
RED, BLUE = jpeg_bytes(), jpeg_bytes((0, 0, 200))


@pytest.fixture(autouse=True)
def site(settings: Settings, tmp_path: Path) -> Iterator[Site]:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.SELVEDGE_ALLOWED_NETWORKS = [f"{ALLOWED}/32"]
    with running_site() as running:
        settings.SELVEDGE_ALLOWED_PORTS = [running.port]
        yield running


def import_links(tmp_path: Path, main: str, *more: str, images_dir: Path | None = None) -> ImportSummary:
    row = feed_row("A1", image_link=main, additional_image_link=",".join(more))
    return import_feed("acme", write_feed(tmp_path / "feed.csv", [row]), images_dir=images_dir)


def images() -> list[ProductImage]:
    return list(ProductImage.objects.order_by("position"))


def test_a_web_link_waits_to_be_fetched_and_the_same_feed_again_asks_for_nothing(site: Site, tmp_path: Path) -> None:
    link = site.serve("/photo", RED)
    assert import_links(tmp_path, link).errors == []
    (image,) = images()
    assert (image.status, image.source, site.seen) == (Status.PENDING, link, [])
    fetch_images()
    assert import_links(tmp_path, link).unchanged == 1
    assert fetch_images().n_requests == 0
    assert images()[0].status == Status.OK


def test_a_link_that_failed_is_not_made_due_by_another_import(site: Site, tmp_path: Path) -> None:
    import_links(tmp_path, site.url("/nothing"))
    fetch_images()
    assert import_links(tmp_path, site.url("/nothing")).unchanged == 1
    assert fetch_images().n_requests == 0
    assert images()[0].error_code == "http_404"


def test_another_link_keeps_the_picture_until_its_own_is_there(site: Site, tmp_path: Path) -> None:
    import_links(tmp_path, site.serve("/old", RED))
    fetch_images()
    assert import_links(tmp_path, site.serve("/new", BLUE)).changed == 1
    (image,) = images()
    old = image.sha256
    assert (image.status, image.source, bool(image.file)) == (Status.OK, site.url("/new"), True)
    fetch_images()
    assert (images()[0].status, images()[0].sha256 != old) == (Status.OK, True)


def test_an_image_put_in_front_moves_the_others_without_fetching_them_again(site: Site, tmp_path: Path) -> None:
    first, second = site.serve("/1", RED), site.serve("/2", BLUE)
    import_links(tmp_path, first, second)
    fetch_images()
    before = {image.source: image.sha256 for image in images()}
    import_links(tmp_path, site.serve("/0", jpeg_bytes((9, 9, 9))), first, second)
    moved = images()
    assert {image.source: image.sha256 for image in moved[1:]} == before
    fetch_images()
    assert (site.hits["/1"], site.hits["/2"], site.hits["/0"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("link", "code", "said"),
    [
        ("http://user:secret@shop.example/a.jpg", "url_refused", "user name"),
        ("http://2130706433/a.jpg", "url_refused", "number in disguise"),
        ("https://shop.example:22/a.jpg", "port_refused", "port 22"),
        ("gs://photos/a.jpg", "link_refused", "gs:// links are not supported"),
    ],
)
def test_a_link_that_will_never_be_fetched_is_a_row_error_at_once(
    tmp_path: Path, settings: Settings, link: str, code: str, said: str
) -> None:
    settings.SELVEDGE_ALLOWED_PORTS = [80, 443]
    summary = import_links(tmp_path, link)
    assert said in summary.errors[0].reason
    assert (images()[0].status, images()[0].error_code) == (Status.FAILED, code)


def test_a_root_that_is_set_later_heals_the_links_below_it(site: Site, settings: Settings, tmp_path: Path) -> None:
    import_links(tmp_path, "gs://photos/a.jpg")
    settings.SELVEDGE_IMAGE_ROOTS = {"gs://photos": site.url("/bucket")}
    site.serve("/bucket/a.jpg", RED)
    import_links(tmp_path, "gs://photos/a.jpg")
    fetch_images()
    assert images()[0].status == Status.OK


def test_uploaded_images_outlive_feeds_that_do_not_name_them(site: Site, tmp_path: Path) -> None:
    link = site.serve("/photo", RED)
    import_links(tmp_path, link)
    uploaded = take_upload(Product.objects.get(), BLUE)
    import_links(tmp_path, link)
    assert [image.pk for image in images()][1:] == [uploaded.pk]


def write_zip(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    "name", ["images/shirt.jpg", "shirt.jpg", "spring/images/shirt.jpg", "photos/images/shirt.jpg"]
)
def test_images_come_from_a_zip_whatever_folder_it_was_made_of(tmp_path: Path, name: str) -> None:
    archive = write_zip(tmp_path / "images.zip" if name == "shirt.jpg" else tmp_path / "photos.zip", **{name: RED})
    assert import_links(tmp_path, "images/shirt.jpg", images_dir=archive).errors == []
    assert images()[0].status == Status.OK
    assert import_links(tmp_path, "images/shirt.jpg", images_dir=archive).unchanged == 1
    write_zip(archive, **{name: BLUE})
    assert import_links(tmp_path, "images/shirt.jpg", images_dir=archive).changed == 1


def test_a_zip_leads_nowhere_but_into_itself_and_unpacks_no_bomb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "IMAGE_BYTES", 100_000)
    (tmp_path / "secret.jpg").write_bytes(RED)
    archive = tmp_path / "photos.zip"
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("../secret.jpg", RED)
        opened.writestr("/abs.jpg", RED)
        opened.writestr(link, str(tmp_path / "secret.jpg"))
        opened.writestr("bomb.jpg", RED + b"\0" * 50_000_000)
        opened.writestr("lying.jpg", RED + b"\0" * 90_000)
    # The header says that it is as small as a photo; what is in it is not looked at beyond that.
    data = archive.read_bytes()
    archive.write_bytes(data.replace((len(RED) + 90_000).to_bytes(4, "little"), (500).to_bytes(4, "little")))
    refused = {}
    for name in ("../secret.jpg", "abs.jpg", "link.jpg", "bomb.jpg", "lying.jpg", "lost.jpg"):
        assert len(import_links(tmp_path, name, images_dir=archive).errors) == 1
        refused[name] = images()[0].error_code
    assert refused == {
        "../secret.jpg": "link_refused",
        "abs.jpg": "missing_file",
        "link.jpg": "missing_file",
        "bomb.jpg": "too_large",
        "lying.jpg": "unreadable",
        "lost.jpg": "missing_file",
    }


def test_a_file_that_is_no_zip_is_refused_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "photos.zip").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(FeedError, match=r"\Aphotos\.zip: neither a folder nor a zip"):
        import_links(tmp_path, "a.jpg", images_dir=tmp_path / "photos.zip")
    assert not Product.objects.exists()
