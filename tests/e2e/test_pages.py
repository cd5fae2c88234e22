"""The photo search page in a real Chromium, against the real API, model, index and a drawn catalog."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.pages_site import HOSTILE_TITLE, Site
from tests.e2e.pages_steps import (
    api_search,
    chosen_first,
    good_product_ids,
    outline_area,
    outline_of,
    product_ids,
    search_on_page,
    shown_product_ids,
)

pytestmark = pytest.mark.browser


def test_a_photo_comes_back_with_every_garment_outlined_and_its_products_in_the_apis_order(
    page: Page, rich_photo: Path
) -> None:
    page.goto("/")
    reply = search_on_page(page, rich_photo)
    # The photo as a whole is the last on the list, and has no outline.
    assert page.locator("#outlines .outline").count() == len(reply["objects"]) - 1
    assert page.locator("#garments button").count() == len(reply["objects"])
    first = chosen_first(reply)
    good = [result for result in first["results"] if result["verdict"] != "none"]
    assert shown_product_ids(page) == good_product_ids(first) != []
    words = [{"exact": "Exact match", "similar": "Similar"}[result["verdict"]] for result in good]
    assert page.locator(".product .verdict").all_text_contents() == words
    for result, match in zip(good, page.locator(".product__match").all(), strict=True):
        assert f"similarity {result['similarity']:.2f}" in str(match.get_attribute("title"))
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
    for found in reply["objects"][:-1]:
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
    page.locator("#garments button").first.click()
    expect(outline).to_have_attribute("aria-pressed", "false")
    outline.focus()
    page.keyboard.press("Enter")
    expect(outline).to_have_attribute("aria-pressed", "true")
    assert shown_product_ids(page) == good_product_ids(second)
    expect(page.locator("#status")).to_contain_text(second["category"]["name"])
    page.locator("#garments button").first.focus()
    page.keyboard.press("Space")
    expect(outline).to_have_attribute("aria-pressed", "false")
    assert shown_product_ids(page) == good_product_ids(reply["objects"][0])


def test_a_click_on_the_photo_chooses_the_garment_under_the_pointer(page: Page, rich_photo: Path) -> None:
    page.goto("/")
    reply = search_on_page(page, rich_photo)
    smallest = min(reply["objects"], key=lambda found: outline_area(found))
    outline_of(page, smallest).dispatch_event("click")
    expect(outline_of(page, smallest)).to_have_attribute("aria-pressed", "true")
    assert page.locator("#outlines .outline").last.get_attribute("data-object-id") == str(smallest["object_id"])
    assert shown_product_ids(page) == good_product_ids(smallest)


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


def test_only_what_is_in_stock_is_searched_when_asked(page: Page, site: Site) -> None:
    page.goto("/")
    reply = search_on_page(page, site.scenes[0])
    stocks = {result["product"]["in_stock"] for found in reply["objects"] for result in found["results"]}
    assert stocks == {True, False}
    with page.expect_response("**/api/search") as response:
        page.get_by_label("Show only what is in stock").check()
    expect(page.locator("#progress")).to_be_hidden()
    found = response.value.json()["objects"]
    assert {result["product"]["in_stock"] for each in found for result in each["results"]} == {True}
    assert shown_product_ids(page) == good_product_ids(chosen_first(response.value.json()))


def test_a_color_is_searched_for_in_the_shape_of_the_garment(page: Page, site: Site) -> None:
    page.goto("/")
    before = [product_ids(found) for found in search_on_page(page, site.scenes[0])["objects"]]
    with page.expect_response("**/api/search") as response:
        page.get_by_label("Color").select_option("orange")
    expect(page.locator("#progress")).to_be_hidden()
    wanted = api_search(page.request, site.scenes[0], color="orange", verdict="none")
    after = [product_ids(found) for found in response.value.json()["objects"]]
    assert after == [product_ids(found) for found in wanted["objects"]] != before


def test_what_is_no_good_match_is_shown_only_when_asked_for(page: Page, site: Site) -> None:
    reply = api_search(page.request, site.scenes[0])
    first = reply["objects"][0]
    results = next(found["results"] for found in reply["objects"] if len(found["results"]) > 2)[:3]
    for result, (verdict, score) in zip(results, [("exact", 0.97), ("similar", 0.3), ("none", 0.01)], strict=True):
        result |= {"verdict": verdict, "score": score}
    reply |= {"objects": [first | {"results": results, "verdict": "exact"}], "calibrated": True, "looks": []}
    page.goto("/")
    page.route("**/api/search", lambda route: route.fulfill(json=reply))
    search_on_page(page, site.scenes[0])
    expect(page.locator(".product")).to_have_count(2)
    assert page.locator(".product__match").all_text_contents() == ["almost certainly the same", "perhaps the same"]
    page.get_by_role("button", name="Show 1 that look less alike").click()
    expect(page.locator(".product .verdict")).to_have_text(["Exact match", "Similar", "No good match"])
    expect(page.locator(".product").last).to_be_focused()
    reply["objects"] = [first | {"results": results[2:], "verdict": "none"}]
    search_on_page(page, site.scenes[0])
    expect(page.locator("#products-note")).to_have_text("No good match in the catalog.")
    expect(page.locator(".product")).to_have_count(0)
    page.get_by_role("button", name="Show the nearest all the same").click()
    expect(page.locator(".product")).to_have_count(1)


def test_variants_show_their_sizes_and_what_is_sold_out(page: Page, site: Site) -> None:
    reply = api_search(page.request, site.scenes[0])
    result = next(found["results"][0] for found in reply["objects"] if found["results"])
    product = result["product"]
    sizes = [("S", True), ("M", False)]
    result["variants"] = [product | {"size": size, "color": "Blue", "in_stock": stock} for size, stock in sizes]
    result |= {"n_variants": 2, "verdict": "exact"}
    reply["objects"] = [reply["objects"][0] | {"results": [result], "verdict": "exact"}]
    page.goto("/")
    page.route("**/api/search", lambda route: route.fulfill(json=reply))
    search_on_page(page, site.scenes[0])
    card = page.locator(".product")
    expect(card).to_contain_text("2 variants")
    expect(card.locator(".product__sizes > *")).to_have_text(["S", "M"])
    expect(card.locator(".product__sizes s")).to_have_text("M")


def test_the_look_is_offered_as_the_api_combines_it(page: Page, rich_photo: Path) -> None:
    reply = api_search(page.request, rich_photo, combine="true")
    best = next(look for look in reply["looks"] if len(look["items"]) > 1)
    page.goto("/")
    page.route("**/api/search", lambda route: route.fulfill(json=reply))
    search_on_page(page, rich_photo)
    card = page.locator("#looks .look").first
    expect(card.locator(".look__title")).to_have_text(best["retailer_name"])
    shown = [str(item.get_attribute("data-product-id")) for item in card.locator(".look__item").all()]
    assert shown == [item["result"]["product"]["product_id"] for item in best["items"]]
    expect(card.locator(".look__facts")).to_contain_text(f"{len(shown)} garments")


def test_choosing_a_retailer_searches_the_same_photo_again_in_its_catalog(page: Page, site: Site) -> None:
    page.goto("/")
    search_on_page(page, site.scenes[0])
    with page.expect_response("**/api/search") as response:
        page.get_by_label("Retailer").select_option("outlet")
    expect(page.locator("#progress")).to_be_hidden()
    found = chosen_first(response.value.json())
    assert {result["product"]["retailer"] for result in found["results"]} == {"outlet"}
    assert shown_product_ids(page) == good_product_ids(found)


def test_a_newer_photo_wins_over_one_still_searched(page: Page, site: Site) -> None:
    waiting: list[Route] = []
    page.route("**/api/search", lambda route: waiting.append(route) if not waiting else route.continue_())
    page.goto("/")
    page.set_input_files("#photo-file", site.scenes[0])
    expect(page.locator("#progress")).to_be_visible()
    with page.expect_event("requestfailed", lambda request: "/api/search" in request.url):
        reply = search_on_page(page, site.scenes[1])
    assert shown_product_ids(page) == good_product_ids(chosen_first(reply))
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
