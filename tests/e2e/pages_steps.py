"""Steps that the tests of the photo search page share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import APIRequestContext, Locator, Page, expect


def file_named(name: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def api_search(request: APIRequestContext, photo: Path, **parameters: str) -> Any:
    form: dict[str, Any] = {"image": file_named(photo.name, photo.read_bytes()), **parameters}
    reply = request.post("/api/search", multipart=form)
    assert reply.ok, reply.text()
    return reply.json()


def search_on_page(page: Page, photo: Path | dict[str, Any]) -> Any:
    """Chooses the file on the page, waits until its answer is shown, returns the answer."""
    with page.expect_response("**/api/search") as response:
        page.set_input_files("#photo-file", photo)  # type: ignore[arg-type]
    expect(page.locator("#progress")).to_be_hidden()
    return response.value.json()


def shown_product_ids(page: Page) -> list[str]:
    return [str(card.get_attribute("data-product-id")) for card in page.locator(".product").all()]


def product_ids(found: dict[str, Any]) -> list[str]:
    return [result["product"]["product_id"] for result in found["results"]]


def chosen_first(reply: dict[str, Any]) -> dict[str, Any]:
    """The garment whose products the page shows of itself: the first one that has a good match."""
    found: dict[str, Any] = next((each for each in reply["objects"] if each["verdict"] != "none"), reply["objects"][0])
    return found


def good_product_ids(found: dict[str, Any]) -> list[str]:
    """What the page shows unasked."""
    return [result["product"]["product_id"] for result in found["results"] if result["verdict"] != "none"]


def outline_of(page: Page, found: dict[str, Any]) -> Locator:
    return page.locator(f"#outlines [data-object-id='{found['object_id']}']")


def outline_area(found: dict[str, Any]) -> float:
    box = found["box_relative"]
    return float((box["x_max"] - box["x_min"]) * (box["y_max"] - box["y_min"]))
