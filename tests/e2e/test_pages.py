"""The photo search page in a real Chromium, against the real API, model, index and a drawn catalog."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.pages_site import HOSTILE_TITLE, Site
from tests.e2e.pages_steps import api_search, outline_area, outline_of, product_ids, search_on_page, shown_product_ids

pytestmark = pytest.mark.browser


def test_a_photo_comes_back_with_every_garment_outlined_and_its_products_in_the_apis_order(
    page: Page, rich_photo: Path
) -> None:
    page.goto("/")
    reply = search_on_page(page, rich_photo)
    assert page.locator("#outlines .outline").count() == len(reply["objects"])
    assert page.locator("#garments button").count() == len(reply["objects"])
    first = reply["objects"][0]
    assert shown_product_ids(page) == product_ids(first) != []
    matches = [f"match {round(result['score'] * 100)} %" for result in first["results"]]
    assert [said.replace("\u00a0", " ") for said in page.locator(".product__match").all_text_contents()] == matches
    expect(page.locator("#products-title")).to_have_text(f"Products like the {first['category']['name']}")
    expect(page.locator("#facts")).to_contain_text(reply["model_version"])
    expect(page.locator(".product__picture img").first).to_have_js_property("complete", True)
    assert page.locator(".product__picture img").first.evaluate("image => image.naturalWidth") > 0


def test_outlines_lie_where_the_api_says_the_garments_are(page: Page, rich_photo: Path) -> None:
    page.goto("/")
    reply = search_on_page(page, rich_photo)
    stage = page.locator("#stage").bounding_box()
    assert stage is not None
    assert stage["width"] / stage["height"] == pytest.approx(
        reply["image"]["width"] / reply["image"]["height"], rel=0.02
    )
    for found in reply["objects"]:
        edge = outline_of(page, found).locator(".outline__edge")
        drawn = edge.evaluate(
            "path => { const b = path.getBBox(), v = path.ownerSVGElement.viewBox.baseVal;"
            " return [b.x / v.width, b.y / v.height, (b.x + b.width) / v.width, (b.y + b.height) / v.height]; }"
        )
        xs = [x for ring in found["polygons"] for x in ring[::2]]
        ys = [y for ring in found["polygons"] for y in ring[1::2]]
        assert drawn == pytest.approx([min(xs), min(ys), max(xs), max(ys)], abs=0.002)


def test_a_garment_is_chosen_from_the_keyboard(page: Page, rich_photo: Path) -> None:
    page.goto("/")
    reply = search_on_page(page, rich_photo)
    second = reply["objects"][1]
    outline = outline_of(page, second)
    expect(outline).to_have_attribute("aria-pressed", "false")
    outline.focus()
    page.keyboard.press("Enter")
    expect(outline).to_have_attribute("aria-pressed", "true")
    assert shown_product_ids(page) == product_ids(second)
    expect(page.locator("#status")).to_contain_text(second["category"]["name"])
    page.locator("#garments button").first.focus()
    page.keyboard.press("Space")
    expect(outline).to_have_attribute("aria-pressed", "false")
    assert shown_product_ids(page) == product_ids(reply["objects"][0])


def test_a_click_on_the_photo_chooses_the_garment_under_the_pointer(page: Page, rich_photo: Path) -> None:
    page.goto("/")
    reply = search_on_page(page, rich_photo)
    smallest = min(reply["objects"], key=lambda found: outline_area(found))
    outline_of(page, smallest).dispatch_event("click")
    expect(outline_of(page, smallest)).to_have_attribute("aria-pressed", "true")
    assert page.locator("#outlines .outline").last.get_attribute("data-object-id") == str(smallest["object_id"])
    assert shown_product_ids(page) == product_ids(smallest)


def test_markup_in_a_product_title_is_shown_as_the_text_it_is(page: Page, site: Site) -> None:
    page.goto("/")
    reply = search_on_page(page, site.hostile_packshot)
    titles = [result["product"]["title"] for found in reply["objects"] for result in found["results"]]
    assert HOSTILE_TITLE in titles, "the product's own picture must find it"
    holder = next(
        found for found in reply["objects"] if HOSTILE_TITLE in [r["product"]["title"] for r in found["results"]]
    )
    page.locator(f"#garments [data-object-id='{holder['object_id']}']").click()
    card = page.locator(".product").filter(has_text="onerror")
    expect(card.locator(".product__title")).to_have_text(HOSTILE_TITLE)
    expect(card.locator(".product__price")).to_have_text("now $59.50before $80.00")
    assert page.locator(".product__title img").count() == 0
    assert page.evaluate("window.wasRun") is None


def test_only_web_addresses_are_linked_to_and_they_get_no_handle_on_the_page(page: Page, site: Site) -> None:
    reply = api_search(page.request, site.scenes[0])
    for found in filter(product_ids, reply["objects"]):
        found["results"][0]["product"]["link"] = "javascript:window.wasRun = true"
    page.goto("/")
    page.route("**/api/search", lambda route: route.fulfill(json=reply))
    search_on_page(page, site.scenes[0])
    expect(page.locator(".product").first.locator("a")).to_have_count(0)
    links = page.locator(".product a")
    assert links.count() > 0
    for link in links.all():
        assert str(link.get_attribute("href")).startswith(("http://", "https://"))
        assert "noopener" in str(link.get_attribute("rel"))


def test_only_what_is_in_stock_is_shown_when_asked_and_the_rest_is_counted(page: Page, site: Site) -> None:
    page.goto("/")
    reply = search_on_page(page, site.scenes[0])
    results = reply["objects"][0]["results"]
    buyable = [result["product"]["product_id"] for result in results if result["product"]["in_stock"]]
    assert 0 < len(buyable) < len(results)
    page.get_by_label("Show only what is in stock").check()
    assert shown_product_ids(page) == buyable
    expect(page.locator("#products-note")).to_contain_text(str(len(results) - len(buyable)))
    page.get_by_label("Show only what is in stock").uncheck()
    assert shown_product_ids(page) == product_ids(reply["objects"][0])


def test_choosing_a_retailer_searches_the_same_photo_again_in_its_catalog(page: Page, site: Site) -> None:
    page.goto("/")
    search_on_page(page, site.scenes[0])
    with page.expect_response("**/api/search") as response:
        page.get_by_label("Retailer").select_option("outlet")
    expect(page.locator("#progress")).to_be_hidden()
    found = response.value.json()["objects"][0]
    assert {result["product"]["retailer"] for result in found["results"]} == {"outlet"}
    assert shown_product_ids(page) == product_ids(found)


def test_a_newer_photo_wins_over_one_still_searched(page: Page, site: Site) -> None:
    waiting: list[Route] = []
    page.route("**/api/search", lambda route: waiting.append(route) if not waiting else route.continue_())
    page.goto("/")
    page.set_input_files("#photo-file", site.scenes[0])
    expect(page.locator("#progress")).to_be_visible()
    with page.expect_event("requestfailed", lambda request: "/api/search" in request.url):
        reply = search_on_page(page, site.scenes[1])
    assert shown_product_ids(page) == product_ids(reply["objects"][0])
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_search_can_be_cancelled(page: Page, site: Site) -> None:
    page.route("**/api/search", lambda _: None)
    page.goto("/")
    page.set_input_files("#photo-file", site.scenes[0])
    with page.expect_event("requestfailed"):
        page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#progress")).to_be_hidden()
    expect(page.locator("#outcome")).to_be_hidden()
    expect(page.locator("#status")).to_have_text("Cancelled.")


def test_a_failing_server_is_named_and_the_search_can_be_tried_again(page: Page, site: Site) -> None:
    page.goto("/")
    page.route("**/api/search", lambda route: route.fulfill(status=502, body="<html>Bad gateway</html>"), times=1)
    with page.expect_response("**/api/search"):
        page.set_input_files("#photo-file", site.scenes[0])
    expect(page.get_by_role("alert")).to_contain_text("502")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".product").first).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
