"""A served catalog and a real Chromium for the tests of the pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.pages_site import Site, served_site
from tests.e2e.pages_steps import api_search

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TIMEOUT_MS = 120_000
"""Patience for a busy machine; a page that answers is not waited for."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium; the test is skipped where there is none."""
    program = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The drawn catalog, served. Asked for after `browser`, so that nothing is drawn where there is no Chromium."""
    with served_site(tmp_path_factory.mktemp("site")) as served:
        yield served


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A fresh page of a desktop browser. The test fails where a script failed or the page's policy was broken."""
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def rich_photo(browser: Browser, site: Site) -> Path:
    """The drawn street scene in which the segmenter finds most garments; at least two."""
    context = browser.new_context(base_url=site.url)
    context.set_default_timeout(TIMEOUT_MS)
    counted = {
        scene: [found["kind"] for found in api_search(context.request, scene)["objects"]].count("garment")
        for scene in site.scenes
    }
    context.close()
    best = max(counted, key=lambda scene: counted[scene])
    assert counted[best] >= 2, f"the segmenter finds too few garments in the drawn scenes: {counted}"
    return best
