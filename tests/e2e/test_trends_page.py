"""The trend dashboard in a real Chromium: what it shows equals what the API counted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages_site import NEVER_SEARCHED, Site

pytestmark = pytest.mark.browser

CHART = "Chart.getChart('chart')"


@pytest.fixture(autouse=True)
def some_searches(page: Page, site: Site) -> None:
    """Shoppers searched, with and without a retailer."""
    for scene, form in ((site.scenes[0], {}), (site.scenes[1], {"retailer": "drawn"})):
        photo = {"name": scene.name, "mimeType": "image/jpeg", "buffer": scene.read_bytes()}
        assert page.request.post("/api/search", multipart={"image": photo, **form}).ok  # type: ignore[dict-item]


def counted(page: Page, query: str) -> Any:
    reply = page.request.get(f"/api/trends/?{query}")
    assert reply.ok, reply.text()
    return reply.json()


def open_dashboard(page: Page, query: str = "") -> None:
    page.goto(f"/trends{query}")
    expect(page.locator("#dashboard")).not_to_have_attribute("aria-busy", "true")


def shown_table(page: Page) -> dict[str, tuple[int, int]]:
    rows = [row.locator("th, td").all_text_contents() for row in page.locator("#totals-table tbody tr").all()]
    return {cells[0]: (int(cells[2]), int(cells[4])) for cells in rows}


def totals(trends: Any) -> dict[str, tuple[int, int]]:
    return {total["category"]["name"]: (total["catalog"], total["searches"]) for total in trends["totals"]}


def by_class_and_day(trends: Any, side: str) -> Counter[tuple[str, str]]:
    return Counter({(entry["category"]["name"], entry["date"]): entry["count"] for entry in trends[side]})


@pytest.mark.parametrize("query", ["days=30", "days=7", "days=90", "days=30&retailer=drawn", "days=30&retailer=outlet"])
def test_the_table_equals_the_api(page: Page, query: str) -> None:
    open_dashboard(page, f"?{query}")
    trends = counted(page, query)
    assert shown_table(page) == totals(trends) != {}
    foot = page.locator("#totals-table tfoot tr").locator("th, td").all_text_contents()
    assert int(foot[2]) == sum(catalog for catalog, _ in totals(trends).values()) > 0
    assert int(foot[4]) == sum(searches for _, searches in totals(trends).values())
    for version in trends["model_versions"]:
        expect(page.locator("#facts")).to_contain_text(version)


@pytest.mark.parametrize("side", ["catalog", "searches"])
def test_the_chart_shows_every_counted_garment_on_its_day_and_zero_on_the_others(page: Page, side: str) -> None:
    open_dashboard(page, f"?days=30&side={side}")
    trends = counted(page, "days=30")
    days = page.evaluate(f"{CHART}.data.labels")
    assert len(days) == 30
    assert (days[0], days[-1]) == (trends["from"], trends["to"])
    assert days == sorted(days)
    series = page.evaluate(f"{CHART}.data.datasets.map(set => [set.label, set.data])")
    wanted = by_class_and_day(trends, side)
    drawn_per_day = [sum(counts[day] for _, counts in series) for day in range(30)]
    assert drawn_per_day == [sum(n for (_, on), n in wanted.items() if on == day) for day in days]
    for name, counts in series:
        if not name.endswith("other classes"):
            assert counts == [wanted[name, day] for day in days]


def test_the_axis_starts_at_zero(page: Page) -> None:
    open_dashboard(page)
    assert page.evaluate(f"{CHART}.scales.y.min") == 0


def test_the_choices_change_what_is_counted_and_stay_in_the_address(page: Page) -> None:
    open_dashboard(page)
    with page.expect_response("**/api/trends/**"):
        page.get_by_label("Retailer").select_option("outlet")
    expect(page.locator("#facts")).to_contain_text("retailer outlet")
    assert shown_table(page) == totals(counted(page, "days=30&retailer=outlet"))
    with page.expect_response("**/api/trends/**"):
        page.get_by_label("7 days").check()
    page.reload()
    expect(page.locator("#facts")).to_contain_text("retailer outlet")
    expect(page.get_by_label("7 days")).to_be_checked()
    assert len(page.evaluate(f"{CHART}.data.labels")) == 7


def test_a_side_without_counts_says_so_instead_of_showing_an_empty_chart(page: Page) -> None:
    open_dashboard(page, f"?retailer={NEVER_SEARCHED}&side=searches")
    expect(page.locator("#chart-empty")).to_have_text("No garment was searched for in this period.")
    expect(page.locator("#chart-frame")).to_be_hidden()
    page.get_by_label("Catalog", exact=True).check()
    expect(page.locator("#chart-frame")).to_be_visible()
    expect(page.locator("#chart-empty")).to_be_hidden()


def test_a_heading_sorts_the_table_from_the_keyboard(page: Page) -> None:
    open_dashboard(page)
    heading = page.get_by_role("button", name="Class", exact=True)
    heading.focus()
    page.keyboard.press("Enter")
    names = list(shown_table(page))
    assert names == sorted(names)
    expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")
    page.keyboard.press("Enter")
    assert list(shown_table(page)) == names[::-1]


def test_the_downloaded_csv_is_the_table_with_its_period_and_models(page: Page) -> None:
    open_dashboard(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert download.value.suggested_filename.endswith(f"{date.fromisoformat(counted(page, 'days=30')['to'])}.csv")
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    shown = {row["class"]: (int(row["catalog_garments"]), int(row["searched_garments"])) for row in rows}
    assert list(shown.items()) == list(shown_table(page).items())
    assert {row["model_versions"] for row in rows} == {" ".join(counted(page, "days=30")["model_versions"])}


def test_numbers_that_fail_to_load_are_not_shown_as_the_ones_before(page: Page) -> None:
    open_dashboard(page)
    problem = {"title": "Out of order", "status": 503, "detail": "Come back later.", "code": "x", "request_id": "abc"}
    page.route("**/api/trends/**", lambda route: route.fulfill(status=503, json=problem), times=1)
    page.get_by_label("90 days").check()
    expect(page.get_by_role("alert")).to_contain_text("Come back later.")
    expect(page.locator("#dashboard")).to_be_hidden()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#dashboard")).to_be_visible()
    assert len(page.evaluate(f"{CHART}.data.labels")) == 90
