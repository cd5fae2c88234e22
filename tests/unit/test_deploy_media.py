"""The demo serves pictures, only pictures, and only those in the media folder."""

from __future__ import annotations

import pytest
from django.http import Http404
from django.test import RequestFactory

from deploy.media import serve_media

# Closing an answer looks after the database connection, which an earlier test may have opened.
pytestmark = pytest.mark.django_db

get = RequestFactory().get


@pytest.fixture
def media(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "media"
    (tmp_path / "media" / "catalog").mkdir(parents=True)
    (tmp_path / "media" / "catalog" / "a.jpg").write_bytes(b"jpeg")
    (tmp_path / "media" / "page.svg").write_text("<svg onload=alert(1)>")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "media" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    return tmp_path / "media"


def test_a_catalog_photo_is_served_and_may_be_kept_for_ever(media):
    answer = serve_media(get("/"), "catalog/a.jpg")
    assert b"".join(answer.streaming_content) == b"jpeg"
    assert answer["Content-Type"] == "image/jpeg"
    assert "immutable" in answer["Cache-Control"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    answer.close()


def test_a_photo_the_browser_has_is_not_sent_again(media):
    first = serve_media(get("/"), "catalog/a.jpg")
    again = serve_media(get("/", headers={"If-Modified-Since": first["Last-Modified"]}), "catalog/a.jpg")
    first.close()
    assert again.status_code == 304


@pytest.mark.parametrize(
    "name", ["../secret.jpg", "catalog/../../secret.jpg", "link.jpg", "page.svg", "none.jpg", "catalog", "a\0.jpg"]
)
def test_what_is_no_picture_in_the_media_folder_is_not_there(media, name):
    with pytest.raises(Http404):
        serve_media(get("/"), name)


def test_an_absolute_name_does_not_leave_the_media_folder(media):
    with pytest.raises(Http404):
        serve_media(get("/"), str(media.parent / "secret.jpg"))
