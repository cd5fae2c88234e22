"""What is kept of searches: for how long, for whom, without what; and how it is deleted."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image, PngImagePlugin
from pytest_django import Settings

from catalog.access.keys import create_key
from catalog.models import ApiKey, AuditEntry
from search import recording
from search.models import Event, QueryImage, SearchedGarment, SearchLog, Space
from search.query_images import purge_expired
from search.query_photos import remove_strays
from search.search_records import purge_old_searches
from segmentation.types import EncodedPhoto, GarmentDescriptor
from tests.factories import jpeg_bytes, make_retailer
from tests.search_factories import JACKET, PANTS, make_space, photo, seen, unit_vector
from tests.search_market import QUERY, Market, Seer, alike
from workers import runtime

pytestmark = pytest.mark.django_db

PHOTO = jpeg_bytes(size=(200, 400))
TROUSERS = unit_vector(7)
TOP_HALF, BOTTOM_HALF = (0.0, 0.0, 200.0, 200.0), (0.0, 200.0, 200.0, 400.0)


class Eyes(Seer):
    """A model that remembers what it was shown."""

    def __init__(self, space: str, *garments: GarmentDescriptor) -> None:
        super().__init__(space, photo(*garments, whole=unit_vector(2000)))
        self.shown: list[EncodedPhoto] = []

    def describe(self, photos: Any) -> Any:
        """As told."""
        self.shown += photos
        return super().describe(photos)


@pytest.fixture(autouse=True)
def photos_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VECTOR_INDEX_URL = f"faiss://{tmp_path / 'index'}"
    settings.SELVEDGE_QUERY_PHOTOS_DIR = tmp_path / "query_photos"
    return tmp_path / "query_photos"


@pytest.fixture
def market() -> Market:
    market = Market()
    market.sell("J", alike(0.9), retailer="one")
    market.sell("P", TROUSERS, retailer="one", category_id=PANTS)
    market.publish()
    return market


@pytest.fixture
def look() -> Iterator[Callable[[str], Eyes]]:
    """A model that sees a jacket above trousers."""
    with ExitStack() as stack:

        def begin(space: str) -> Eyes:
            jacket = seen(JACKET, QUERY, box=(10.0, 10.0, 190.0, 190.0))
            model = Eyes(space, jacket, seen(PANTS, TROUSERS, score=0.8, box=(20.0, 150.0, 180.0, 390.0)))
            stack.enter_context(runtime.lent(model))
            return model

        yield begin


@pytest.fixture
def eyes(market: Market, look: Callable[[str], Eyes]) -> Eyes:
    return look(market.space.name)


def post(client: Client, headers: dict[str, str] | None = None, **parameters: Any) -> Any:
    if "image" in parameters:
        upload = SimpleUploadedFile("photo.jpg", parameters.pop("image"), content_type="image/jpeg")
        return client.post("/api/search", {"image": upload, **parameters}, headers=headers)
    return client.post("/api/search", parameters, content_type="application/json", headers=headers)


def ask(client: Client, **parameters: Any) -> dict[str, Any]:
    answer = post(client, **parameters)
    assert answer.status_code == 200, answer.content
    reply: dict[str, Any] = answer.json()
    return reply


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def key_of(slug: str | None, kind: ApiKey.Kind = ApiKey.Kind.SECRET) -> dict[str, str]:
    retailer = None if slug is None else make_retailer(slug)
    return {"Authorization": f"Bearer {create_key(kind, 'test', retailer=retailer)[1]}"}


def let_all_expire() -> None:
    QueryImage.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))


def categories(reply: dict[str, Any]) -> list[str | None]:
    return [each["category"] and each["category"]["slug"] for each in reply["objects"]]


def test_nothing_is_kept_where_the_setting_says_so(client: Client, eyes: Eyes, settings: Settings) -> None:
    settings.SELVEDGE_QUERY_TTL_S = 0
    settings.SELVEDGE_KEEP_QUERY_PHOTOS = True
    reply = ask(client, image=PHOTO)
    assert reply["image_id"] is None
    assert not QueryImage.objects.exists()
    assert not settings.SELVEDGE_QUERY_PHOTOS_DIR.exists()
    assert SearchLog.objects.get().image_id is None


def test_the_photo_itself_is_nowhere_unless_asked_for(
    client: Client, eyes: Eyes, settings: Settings, tmp_path: Path
) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    ask(client, image=PHOTO)
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert not [path for path in written if "index" not in path.parts]
    kept = QueryImage.objects.get()
    assert PHOTO[:200] not in bytes(kept.description)
    assert not kept.photo


def test_an_image_id_expires_and_is_purged(client: Client, eyes: Eyes) -> None:
    image_id = ask(client, image=PHOTO)["image_id"]
    assert purge_expired() == 0
    let_all_expire()
    answer = post(client, image_id=image_id)
    assert refused(answer) == (404, "unknown_image")
    assert purge_expired() == 1
    assert answer.json()["detail"] == post(client, image_id=str(uuid.uuid4())).json()["detail"]


def test_what_expired_goes_with_later_searches_where_no_timer_runs(
    client: Client, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(client, image=PHOTO)
    let_all_expire()
    monkeypatch.setattr(recording, "_next_purge_s", 0.0)
    ask(client, image=PHOTO)
    assert QueryImage.objects.count() == 1


def test_an_image_id_is_its_own_retailers(client: Client, eyes: Eyes) -> None:
    one, two, operator = key_of("one"), key_of("two"), key_of(None, ApiKey.Kind.OPERATOR)
    of_one = ask(client, image=PHOTO, headers=one)["image_id"]
    of_nobody = ask(client, image=PHOTO)["image_id"]
    assert refused(post(client, image_id=of_one, headers=two)) == (404, "unknown_image")
    assert refused(post(client, image_id=of_one)) == (404, "unknown_image")
    assert refused(post(client, image_id=of_nobody, headers=one)) == (404, "unknown_image")
    assert ask(client, image_id=of_one, headers=key_of("one"))["image_id"] == of_one
    assert ask(client, image_id=of_one, headers=operator)["image_id"] == of_one
    assert ask(client, image_id=of_nobody)["image_id"] == of_nobody


def test_a_region_of_a_photo_that_was_not_kept_is_answered_by_the_garments_in_it(client: Client, eyes: Eyes) -> None:
    image_id = ask(client, image=PHOTO)["image_id"]
    reply = ask(client, image_id=image_id, box=[0, 200, 200, 400])
    assert [(each["object_id"], each["category"]["slug"]) for each in reply["objects"]] == [(1, "pants")]
    assert categories(ask(client, image_id=image_id, box="0,0,1,0.5")) == ["jacket"]
    answer = post(client, image_id=image_id, box=[0, 0, 40, 40])
    assert refused(answer) == (409, "photo_not_kept")
    assert "SELVEDGE_KEEP_QUERY_PHOTOS" in answer.json()["detail"]
    assert refused(post(client, image_id=image_id, box=[900, 900, 950, 950])) == (400, "invalid_parameter")
    assert len(eyes.shown) == 1


def test_a_region_of_a_kept_photo_is_looked_at_once(client: Client, eyes: Eyes, settings: Settings) -> None:
    settings.SELVEDGE_KEEP_QUERY_PHOTOS = True
    first = ask(client, image=PHOTO)
    for _ in range(2):
        reply = ask(client, image_id=first["image_id"], box=[0, 200, 200, 400])
        assert reply["objects"][-1]["kind"] == "region"
        assert reply["image_id"] == first["image_id"]
    assert [each.region_xyxy_px for each in eyes.shown] == [None, BOTTOM_HALF]
    assert ask(client, image_id=first["image_id"])["objects"] == first["objects"]
    for edge in range(20):
        ask(client, image_id=first["image_id"], box=[edge, 0, 200, 200])
    assert ask(client, image_id=first["image_id"])["objects"] == first["objects"]
    assert len(eyes.shown) == 22, "what was asked first is remembered however many regions follow"


def test_a_search_of_a_region_is_asked_again_as_that_region(client: Client, eyes: Eyes) -> None:
    first = ask(client, image=PHOTO, box="0,0,200,200")
    assert ask(client, image_id=first["image_id"])["objects"] == first["objects"]
    assert first["objects"][-1]["kind"] == "region"
    assert [each.region_xyxy_px for each in eyes.shown] == [TOP_HALF]


def promote_another(market: Market) -> Space:
    Space.objects.update(state=Space.State.RETIRED)
    return Market(make_space("other-emb8@11111111")).space


def test_after_a_promotion_the_photo_must_be_sent_again(
    client: Client, market: Market, eyes: Eyes, look: Callable[[str], Eyes]
) -> None:
    image_id = ask(client, image=PHOTO)["image_id"]
    again = Market(promote_another(market))
    again.sell("J2", alike(0.9))
    again.publish()
    model = look(again.space.name)
    assert refused(post(client, image_id=image_id)) == (410, "image_outdated")
    assert refused(post(client, image_id=image_id, box=[0, 0, 1, 1])) == (410, "image_outdated")
    assert not model.shown


def test_after_a_promotion_a_kept_photo_is_described_anew(
    client: Client, market: Market, eyes: Eyes, look: Callable[[str], Eyes], settings: Settings
) -> None:
    settings.SELVEDGE_KEEP_QUERY_PHOTOS = True
    image_id = ask(client, image=PHOTO, box="0,0,200,200")["image_id"]
    again = Market(promote_another(market))
    again.sell("J2", alike(0.9))
    again.publish()
    model = look(again.space.name)
    assert ask(client, image_id=image_id, box=[0, 200, 200, 400])["space"] == again.space.name
    for _ in range(2):
        assert ask(client, image_id=image_id)["objects"][-1]["box"]["y_max"] == 400
    assert [each.region_xyxy_px for each in model.shown] == [BOTTOM_HALF, TOP_HALF]
    assert QueryImage.objects.get().space == again.space


def tell_tale_jpeg() -> bytes:
    """400x200 as stored, turned to 200x400, with a place, a camera, a profile, a comment, XMP and a trailer."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SecretCamera"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 1.0), 3: "E", 4: (13.0, 22.0, 2.0)})
    written = io.BytesIO()
    Image.new("RGB", (400, 200), (200, 30, 40)).save(
        written, "JPEG", exif=exif, icc_profile=b"SecretProfile" * 20, comment=b"SecretComment", xmp=b"<x>SecretXmp</x>"
    )
    return written.getvalue() + b"SecretTrailer"


def tell_tale_png() -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "SecretAuthor")
    written = io.BytesIO()
    Image.new("RGBA", (200, 400), (200, 30, 40, 255)).save(written, "PNG", pnginfo=texts)
    return written.getvalue()


@pytest.mark.parametrize("tell_tale", [tell_tale_jpeg, tell_tale_png])
def test_a_kept_photo_holds_pixels_and_nothing_else(
    client: Client, eyes: Eyes, settings: Settings, photos_dir: Path, tell_tale: Callable[[], bytes]
) -> None:
    settings.SELVEDGE_KEEP_QUERY_PHOTOS = True
    sent = tell_tale()
    assert b"Secret" in sent
    ask(client, image=sent)
    (file,) = photos_dir.iterdir()
    assert (file.stat().st_mode & 0o777, photos_dir.stat().st_mode & 0o777) == (0o600, 0o700)
    assert b"Secret" not in file.read_bytes()
    with Image.open(file) as kept:
        assert (kept.format, kept.size) == ("JPEG", (200, 400))
        assert not kept.getexif()
        assert not {"icc_profile", "comment", "xmp", "exif"} & set(kept.info)
        assert kept.convert("RGB").getpixel((100, 200)) == pytest.approx((200, 30, 40), abs=3)
    for address in (f"/media/{file.name}", f"/media/query_photos/{file.name}", f"/media/../query_photos/{file.name}"):
        assert client.get(address).status_code == 404


def test_photos_go_with_their_records_and_strays_with_the_chore(
    client: Client, eyes: Eyes, settings: Settings, photos_dir: Path
) -> None:
    settings.SELVEDGE_KEEP_QUERY_PHOTOS = True
    ask(client, image=PHOTO)
    ask(client, image=PHOTO, headers=key_of("one"))
    assert len(list(photos_dir.iterdir())) == 2
    make_retailer("one").delete()
    assert remove_strays() == 0, "its record may be on its way"
    settings.SELVEDGE_QUERY_TTL_S = 1
    for file in photos_dir.iterdir():
        past = datetime.now(UTC).timestamp() - 4000
        os.utime(file, (past, past))
    assert remove_strays() == 1
    let_all_expire()
    assert purge_expired() == 1
    assert not list(photos_dir.iterdir())


def test_a_photo_is_not_kept_where_its_record_is_not(
    client: Client, eyes: Eyes, settings: Settings, photos_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SELVEDGE_KEEP_QUERY_PHOTOS = True

    def full_disk(*_: object, **__: object) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(QueryImage.objects, "create", full_disk)
    assert ask(client, image=PHOTO)["image_id"] is None
    assert not list(photos_dir.iterdir())


def test_a_search_is_read_with_what_was_seen_and_done_and_without_the_photo(client: Client, eyes: Eyes) -> None:
    reply = ask(client, image=PHOTO, retailer="one")
    log = SearchLog.objects.get()
    for number, kind in enumerate(("view", "view", "click")):
        now = datetime.now(UTC)
        Event.objects.create(
            retailer=make_retailer("one"), event_id=str(number), kind=kind, search=log, external_id="J",
            occurred_at=now, received_at=now,
        )  # fmt: skip
    found = client.get(f"/api/searches/{reply['search_id']}", headers=key_of("one")).json()
    assert [(each["category"]["slug"], each["verdict"]) for each in found["garments"]] == [
        ("jacket", "similar"),
        ("pants", "similar"),
    ]
    assert found["events"] == {"view": 2, "click": 1, "cart": 0, "purchase": 0}
    assert (found["source"], found["retailer"], found["has_match"], found["n_garments"]) == ("upload", "one", True, 2)
    assert (found["image_id"], found["image_kept"], found["photo_kept"]) == (reply["image_id"], True, False)
    let_all_expire()
    assert client.get(f"/api/searches/{reply['search_id']}/").json()["image_kept"] is False


def test_a_search_is_deleted_with_all_that_stems_from_it(
    client: Client, eyes: Eyes, settings: Settings, photos_dir: Path
) -> None:
    settings.SELVEDGE_KEEP_QUERY_PHOTOS = True
    one = key_of("one")
    reply = ask(client, image=PHOTO, headers=one)
    address, now = f"/api/searches/{reply['search_id']}", datetime.now(UTC)
    Event.objects.create(
        retailer=make_retailer("one"), event_id="e", kind="click", search=SearchLog.objects.get(), external_id="J",
        occurred_at=now, received_at=now,
    )  # fmt: skip
    other = ask(client, image=PHOTO, headers=one)
    for _ in range(2):
        answer = client.delete(address, headers=one)
        assert (answer.status_code, answer.content) == (204, b"")
    assert not Event.objects.exists()
    assert [str(log.search_id) for log in SearchLog.objects.all()] == [other["search_id"]]
    assert SearchedGarment.objects.exclude(search__search_id=other["search_id"]).count() == 0
    assert len(list(photos_dir.iterdir())) == 1
    assert client.get(address, headers=one).status_code == 404
    assert refused(post(client, image_id=reply["image_id"], headers=one)) == (404, "unknown_image")
    assert set(AuditEntry.objects.values_list("action", "target")) == {("search.delete", reply["search_id"])}


def test_another_retailers_searches_are_not_there(client: Client, eyes: Eyes) -> None:
    address = f"/api/searches/{ask(client, image=PHOTO, headers=key_of('one'))['search_id']}"
    two, unknown = key_of("two"), f"/api/searches/{uuid.uuid4()}"
    assert client.get(address, headers=two).json()["detail"] == client.get(unknown, headers=two).json()["detail"]
    assert client.delete(address, headers=two).status_code == client.delete(unknown, headers=two).status_code == 204
    assert SearchLog.objects.count() == 1
    assert client.delete(address).status_code == 401, "reading alone does not delete"
    assert refused(client.get("/api/searches/7")) == (404, "not_found")


def test_searches_are_forgotten_in_time(client: Client, eyes: Eyes, settings: Settings) -> None:
    for _ in range(3):
        ask(client, image=PHOTO)
    old = SearchLog.objects.order_by("pk")[:2]
    SearchLog.objects.filter(pk__in=[log.pk for log in old]).update(created_at=datetime.now(UTC) - timedelta(days=31))
    assert purge_old_searches() == 0, "by default nothing is forgotten"
    settings.SELVEDGE_SEARCH_RETENTION_DAYS = 30
    assert purge_old_searches() == 2
    assert SearchLog.objects.count() == 1
    assert SearchedGarment.objects.count() == 2


def test_asking_again_takes_few_queries(client: Client, eyes: Eyes) -> None:
    image_id = ask(client, image=PHOTO)["image_id"]
    with CaptureQueriesContext(connection) as captured:
        ask(client, image_id=image_id)
    writes = [query["sql"] for query in captured if query["sql"].startswith("INSERT")]
    assert len(writes) == 2, "the search and its garments; the photo is on record"
    assert len(captured) <= 13
