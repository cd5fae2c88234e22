"""What shoppers do with answers, in a real Chromium: the page reports it, the dashboard shows what came of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from tests.e2e.pages_steps import chosen_first, search_on_page, shown_product_ids

pytestmark = pytest.mark.browser


def reported(page: Page, kind: str, act: Callable[[], Any]) -> list[dict[str, Any]]:
    """The events of a type that the page sends, once the server has stored them."""

    def tells(request: Request) -> bool:
        return request.url.endswith("/api/events") and f'"{kind}"' in (request.post_data or "")

    before = stored(page, kind)
    with page.expect_request(tells) as sent:
        act()
    events = [event for event in sent.value.post_data_json["events"] if event["type"] == kind]
    # A browser lets nobody read the answer to a request that may outlive its page.
    for _ in range(100):
        if stored(page, kind) >= before + len(events):
            break
        page.wait_for_timeout(100)
    assert stored(page, kind) >= before + len(events)
    return events


def stored(page: Page, kind: str) -> int:
    return int(page.request.get("/api/events/summary").json()["totals"][kind])


def test_products_that_are_seen_and_opened_are_reported_and_counted_on_the_dashboard(
    page: Page, rich_photo: Path
) -> None:
    replies: list[Any] = []
    page.goto("/")
    views = reported(page, "view", lambda: replies.append(search_on_page(page, rich_photo)))
    (reply,) = replies
    shown = shown_product_ids(page)
    assert {event["search_id"] for event in views} == {reply["search_id"]}
    assert {event["product_id"] for event in views} & set(shown)
    before = page.request.get("/api/trends").json()["rates"]
    with page.context.expect_page():
        (click,) = reported(page, "click", page.locator("#products-list .product__title a").first.click)
    found = chosen_first(reply)
    assert (click["product_id"], click["rank"], click["object_id"]) == (shown[0], 1, found["object_id"])
    assert set(click) == {
        "event_id",
        "type",
        "product_id",
        "retailer",
        "search_id",
        "rank",
        "object_id",
        "occurred_at",
    }
    after = page.request.get("/api/trends").json()["rates"]
    assert after["click_through"]["count"] == before["click_through"]["count"] + 1

    page.goto("/trends")
    card = page.locator("[data-rate='click_through']")
    rate = after["click_through"]
    expect(card.locator(".rate__value")).to_have_text(f"{rate['rate'] * 100:.1f}\u00a0%")
    expect(card).to_contain_text(f"{rate['count']} of {rate['of']} searches")
    lines = page.evaluate("Chart.getChart('rate-chart').data.datasets.map(set => [set.key, set.data.at(-1)])")
    today = after["by_day"][-1]
    assert dict(lines)["click_through"] == pytest.approx(today["clicked"] / today["answered"])
    with page.expect_download() as download:
        page.get_by_role("button", name="Download days as CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert [(row["date"], int(row["clicked"])) for row in rows] == [
        (day["date"], day["clicked"]) for day in after["by_day"]
    ]


def test_nothing_is_reported_of_who_asks_not_to_be_followed(page: Page, rich_photo: Path) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })")
    page.goto("/")
    search_on_page(page, rich_photo)
    page.locator("#products-list .product").first.scroll_into_view_if_needed()
    page.wait_for_timeout(3000)
    assert not [url for url in sent if url.endswith("/api/events")]
