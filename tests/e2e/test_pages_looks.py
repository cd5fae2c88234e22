"""Both pages in a real Chromium: they fit small screens, can be read, and ask nobody else for anything."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from tests.e2e.pages_site import Site
from tests.e2e.pages_steps import search_on_page

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("address", ["/", "/trends"])
def test_the_pages_load_nothing_from_elsewhere(page: Page, site: Site, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="networkidle")
    if address == "/":
        search_on_page(page, site.scenes[0])
    assert [url for url in asked if not url.startswith((site.url, "blob:"))] == []


@pytest.mark.parametrize("width", [360, 390, 768])
def test_the_pages_fit_narrow_screens(page: Page, site: Site, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/trends", wait_until="networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto("/")
    search_on_page(page, site.scenes[0])
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground_in_both_schemes(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/")
    pairs = [
        ("ink", "ground"), ("ink", "surface"), ("ink-soft", "ground"), ("ink-soft", "surface"),
        ("ink-soft", "surface-sunken"), ("ink-soft", "accent-soft"), ("ink-soft", "bad-soft"), ("accent", "ground"),
        ("accent", "accent-soft"), ("accent-ink", "accent"), ("good", "good-soft"), ("warn", "warn-soft"),
        ("bad", "bad-soft"), ("bad", "surface"),
    ]  # fmt: skip
    for text, ground in pairs:
        assert contrast(color(page, text), color(page, ground)) >= 4.5, f"{text} on {ground} in the {scheme} scheme"


def color(page: Page, name: str) -> tuple[int, int, int]:
    value = page.evaluate("name => getComputedStyle(document.documentElement).getPropertyValue(name)", f"--{name}")
    assert re.fullmatch(r"\s*#[0-9a-f]{6}\s*", value), f"--{name} is {value!r}"
    red, green, blue = bytes.fromhex(value.strip()[1:])
    return red, green, blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """The contrast ratio of WCAG 2.2, 1..21."""

    def luminance(rgb: tuple[int, int, int]) -> float:
        linear = [v / 255 / 12.92 if v / 255 <= 0.04045 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)
