"""The ways a photo comes to the search page, and the kinds of photos that come, in a real Chromium."""

from __future__ import annotations

import io
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.pages_site import Site
from tests.e2e.pages_steps import file_named, search_on_page

pytestmark = pytest.mark.browser


def test_a_sample_is_searched_by_one_click(page: Page, site: Site) -> None:
    page.goto("/")
    samples = page.get_by_role("button", name="Search with the sample photo")
    assert samples.count() == len(site.scenes)
    with page.expect_response("**/api/search") as response:
        samples.nth(1).click()
    expect(page.locator("#progress")).to_be_hidden()
    assert response.value.ok
    expect(samples.nth(1)).to_have_attribute("aria-pressed", "true")
    assert page.locator("#garments button").count() == len(response.value.json()["objects"])


@pytest.mark.parametrize("gesture", ["drop", "paste"])
def test_a_photo_may_be_dropped_and_pasted(page: Page, site: Site, gesture: str) -> None:
    page.goto("/")
    with page.expect_response("**/api/search") as response:
        page.evaluate(
            """async ([gesture, sample]) => {
                const blob = await (await fetch(sample)).blob();
                const transfer = new DataTransfer();
                transfer.items.add(new File([blob], "photo.jpg", { type: "image/jpeg" }));
                const event = gesture === "drop"
                    ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
                    : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true });
                document.getElementById("drop-zone").dispatchEvent(event);
            }""",
            [gesture, f"/media/samples/{site.scenes[0].name}"],
        )
    expect(page.locator("#progress")).to_be_hidden()
    assert page.locator("#garments button").count() == len(response.value.json()["objects"])


def test_a_bad_file_shows_what_the_api_says_about_it(page: Page) -> None:
    page.goto("/")
    problem = search_on_page(page, file_named("holiday.jpg", b"this is no photo at all"))
    assert problem["status"] >= 400
    alert = page.get_by_role("alert")
    for part in (problem["title"], problem["detail"], problem["request_id"]):
        expect(alert).to_contain_text(part)
    expect(page.locator("#outcome")).to_be_hidden()


def test_a_photo_over_the_limit_is_refused_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    huge = tmp_path / "huge.jpg"
    with huge.open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    page.goto("/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/api/search" in request.url else None)
    page.set_input_files("#photo-file", huge)
    expect(page.get_by_role("alert")).to_contain_text("at most 20.0 MB")
    assert sent == []


def test_where_no_garment_is_recognised_the_page_says_so(page: Page) -> None:
    page.goto("/")
    plain = io.BytesIO()
    Image.new("RGB", (320, 240), (200, 200, 205)).save(plain, "PNG")
    reply = search_on_page(page, file_named("wall.png", plain.getvalue()))
    assert [found["kind"] for found in reply["objects"]] == ["whole_image"]
    expect(page.locator("#products-note")).to_contain_text(
        "No garment was recognised; showing what looks like the whole photo."
    )
    assert page.locator("#outlines .outline").count() == 0


def test_a_heic_photo_gets_its_outlines_on_an_empty_canvas_with_a_note(page: Page, rich_photo: Path) -> None:
    data = io.BytesIO()
    pillow_heif.from_pillow(Image.open(rich_photo)).save(data, quality=90)
    page.goto("/")
    reply = search_on_page(page, {"name": "phone.heic", "mimeType": "image/heic", "buffer": data.getvalue()})
    expect(page.locator("#stage-note")).to_contain_text("cannot display")
    shape = page.locator("#stage").bounding_box()
    assert shape is not None
    assert shape["width"] / shape["height"] == pytest.approx(
        reply["image"]["width"] / reply["image"]["height"], rel=0.02
    )
    assert page.locator("#garments button").count() == len(reply["objects"]) > 0


def test_a_turned_phone_photo_is_displayed_in_the_shape_the_api_measured(page: Page, site: Site) -> None:
    data = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: to be turned by a quarter.
    scene = Image.open(site.scenes[0])
    scene.save(data, "JPEG", exif=exif)
    page.goto("/")
    reply = search_on_page(page, file_named("turned.jpg", data.getvalue()))
    assert (reply["image"]["width"], reply["image"]["height"]) == (scene.height, scene.width)
    expect(page.locator("#stage-note")).to_be_hidden()
    shape = page.locator("#stage").bounding_box()
    assert shape is not None
    assert shape["width"] / shape["height"] == pytest.approx(scene.height / scene.width, rel=0.02)


def test_other_wishes_are_asked_without_sending_the_photo_again_unless_it_was_forgotten(page: Page, site: Site) -> None:
    page.goto("/")
    first = search_on_page(page, site.scenes[0])
    with page.expect_response("**/api/search") as again:
        page.get_by_label("Show only what is in stock").check()
    expect(page.locator("#progress")).to_be_hidden()
    sent = again.value.request.post_data or ""
    assert first["image_id"] in sent
    assert "filename" not in sent
    assert again.value.json()["timings_ms"]["segment"] == 0
    forgotten = {"status": 404, "code": "unknown_image", "title": "Not Found", "detail": "Nothing is kept."}
    page.route(
        "**/api/search",
        lambda route: (
            route.fulfill(status=404, json=forgotten)
            if "image_id" in (route.request.post_data or "")
            else route.continue_()
        ),
    )
    with page.expect_response(lambda response: response.url.endswith("/api/search") and response.ok) as sent_again:
        page.get_by_label("Show only what is in stock").uncheck()
    expect(page.locator("#progress")).to_be_hidden()
    assert sent_again.value.json()["objects"] == first["objects"]
    expect(page.locator(".notice--problem:visible")).to_have_count(0)
