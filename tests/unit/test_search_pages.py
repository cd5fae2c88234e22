"""What the pages' views send: samples, limits and a policy that lets nothing foreign in."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from search.pages.content_security import content_security_policy
from search.pages.samples import MOST_SAMPLES, list_sample_photos


@pytest.fixture
def samples(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    folder = tmp_path / "samples"
    folder.mkdir()
    return folder


def test_samples_are_offered_by_name_without_what_a_browser_cannot_show(samples: Path) -> None:
    for name in ("b_scene.PNG", "a-scene.jpg", "phone.heic", ".hidden.jpg", "notes.txt"):
        (samples / name).touch()
    (samples / "folder.jpg").mkdir()
    assert [(sample.file_name, sample.label) for sample in list_sample_photos()] == [
        ("a-scene.jpg", "a scene"),
        ("b_scene.PNG", "b scene"),
    ]


def test_a_samples_address_survives_odd_names(samples: Path) -> None:
    (samples / 'red "coat" #1.jpg').touch()
    assert list_sample_photos()[0].url == "/media/samples/red%20%22coat%22%20%231.jpg"


def test_only_so_many_samples_are_offered_as_fit_the_page(samples: Path) -> None:
    for number in range(MOST_SAMPLES + 5):
        (samples / f"{number:02}.jpg").touch()
    assert len(list_sample_photos()) == MOST_SAMPLES


def test_without_a_samples_folder_the_page_offers_none(settings: Settings, tmp_path: Path, client: Client) -> None:
    settings.MEDIA_ROOT = tmp_path
    assert list_sample_photos() == []
    assert "try a sample" not in client.get("/").content.decode()


def test_the_search_page_carries_samples_and_the_upload_limit(
    samples: Path, settings: Settings, client: Client
) -> None:
    settings.SELVEDGE_MAX_UPLOAD_BYTES = 3 * 1024 * 1024
    (samples / 'a"><script>.jpg').touch()
    html = client.get("/").content.decode()
    assert 'data-max-bytes="3145728"' in html
    assert "up to 3&nbsp;MB" in html
    assert 'data-sample-name="a&quot;&gt;&lt;script&gt;.jpg"' in html


@pytest.mark.parametrize("address", ["/", "/trends", "/trends/"])
def test_pages_forbid_inline_and_foreign_scripts_and_framing(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200
    policy = dict(part.split(" ", 1) for part in response["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    html = response.content.decode()
    assert "<script>" not in html
    assert " style=" not in html
    assert " on" + "click=" not in html


def test_media_from_another_host_may_be_shown_and_fetched_but_never_run() -> None:
    policy = content_security_policy("/static/", "https://cdn.example/media/")
    assert "img-src 'self' blob: https://cdn.example;" in policy
    assert "connect-src 'self' https://cdn.example;" in policy
    assert "script-src 'self';" in policy


def test_pages_can_only_be_read(client: Client) -> None:
    assert client.post("/").status_code == 405
