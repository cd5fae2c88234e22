"""The pages where nobody may ask without a key: a key in the address or typed in, and people signed in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.pages_site import ROOT
from tests.factories import jpeg_bytes
from tests.integration.services import free_port, wait_until

pytestmark = pytest.mark.browser
PASSWORD = "of-maria-in-this-test"


@dataclass(frozen=True)
class LockedSite:
    """A server that answers nobody unknown; nothing is indexed."""

    url: str
    publishable: str
    secret: str


@pytest.fixture(scope="module")
def locked(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LockedSite]:
    folder, port = tmp_path_factory.mktemp("locked"), free_port()
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "SELVEDGE_DATA_DIR": str(folder / "data"),
        "SELVEDGE_ANONYMOUS": "none",
        "SELVEDGE_SEGMENTER": str(folder / "none.pt"),
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        "PORT": str(port),
    }

    def manage(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    manage("migrate", "--verbosity", "0")
    manage("createsuperuser", "--noinput", "--username", "maria", "--email", "maria@shop.example")
    key = ["create_api_key", "--retailer", "acme", "--create-retailer", "--name", "page"]
    publishable, secret = manage(*key, "--kind", "publishable", "--origin", url), manage(*key)
    server = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn_conf.py", "deploy.wsgi"]
    process = subprocess.Popen(server, cwd=ROOT, env=environment)
    try:
        wait_until(lambda: _answers(url), "the server", timeout_s=120)
        yield LockedSite(url, publishable, secret)
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    done = subprocess.run(["curl", "-fs", f"{url}/healthz"], capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture
def page(browser: Browser, locked: LockedSite) -> Iterator[Page]:
    context = browser.new_context(base_url=locked.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    context.close()
    assert complaints == []


def search(page: Page) -> tuple[int, str]:
    """Searches with a photo; the answer's status and code."""
    photo = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg_bytes(size=(64, 64))}
    with page.expect_response("**/api/search") as response:
        page.set_input_files("#photo-file", photo)  # type: ignore[arg-type]
    return response.value.status, response.value.json()["code"]


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("link", name="sign in").click()
    page.fill("#id_username", "maria")
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")


def test_a_key_in_the_address_is_used_and_taken_out_of_it(page: Page, locked: LockedSite) -> None:
    page.goto(f"/#key={locked.publishable}")
    expect(page).to_have_url(f"{locked.url}/")
    expect(page.locator("#problem")).to_be_empty()
    assert search(page)[0] == 503, "the key opens the search, which has no model here"
    page.reload()
    assert search(page)[0] == 503, "it lasts as long as the tab"
    assert page.evaluate("localStorage.length") == 0
    page.goto("/")
    expect(page.locator("#problem")).to_be_empty()


def test_the_search_page_asks_for_a_key_and_goes_on_with_it(page: Page, locked: LockedSite, tmp_path: Path) -> None:
    page.goto("/")
    expect(page.get_by_text("An API key is needed here")).to_be_visible()
    assert search(page) == (401, "not_authenticated")
    page.get_by_label("API key").fill("mistyped")
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_text("begins with slv_pk_")).to_be_visible()
    page.screenshot(path=tmp_path / "asks.png")
    page.get_by_label("API key").fill(locked.publishable)
    with page.expect_response("**/api/search") as response:
        page.keyboard.press("Enter")
    assert response.value.status == 503
    expect(page.get_by_label("API key")).to_have_count(0)


def test_trends_take_a_secret_key_and_refuse_a_publishable_one(page: Page, locked: LockedSite) -> None:
    page.goto(f"/trends#key={locked.publishable}")
    expect(page.get_by_text("This key does not open this page")).to_be_visible()
    page.get_by_label("API key").fill(locked.secret)
    page.get_by_role("button", name="Use this key").click()
    expect(page.locator("#dashboard")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#dashboard")).to_be_visible()
    expect(page.locator("#problem")).to_be_empty()


def test_a_person_signed_in_sees_trends_and_searches(page: Page, locked: LockedSite) -> None:
    sign_in(page, "/trends")
    expect(page).to_have_url(f"{locked.url}/trends")
    expect(page.locator("#dashboard")).to_be_visible()
    page.goto("/")
    assert search(page)[0] == 503, "the page's own token goes along"
    refused = page.request.post("/api/search", multipart={"colour": "red"})
    assert (refused.status, refused.json()["code"]) == (403, "csrf_failed"), "a cookie alone writes nothing"


def test_the_api_documentation_works_under_its_policy(page: Page) -> None:
    page.goto("/api/docs/")
    expect(page.get_by_text("Search by photo").first).to_be_visible()
