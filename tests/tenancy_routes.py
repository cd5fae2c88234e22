"""How every route of the API is asked for another retailer's records: a new route without a line here fails a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog.access.caller import Right
from tests.search_shop import packshot

FEED = b"id,title,link,image_link,availability,price\nx,X,https://x.example/,https://x.example/x.jpg,in_stock,1 USD\n"
ROW = {"title": "Taken", "link": "https://x.example/", "price": "1.00", "currency": "USD", "availability": "in_stock"}
ALL_HOOKS = {"url": "https://8.8.8.8/hook", "events": ["import.finished"]}


@dataclass(frozen=True)
class Ask:
    """One way to ask a route."""

    path: str
    """With the victim's ids in braces."""
    right: Right
    body: Any = None
    """JSON; a form where a value is bytes."""
    finds_own: bool = False
    """It may be answered with 200: with what is the asker's own alone."""

    def send(self, client: Client, method: str, ids: Mapping[str, str]) -> Any:
        path = self.path.format_map(ids)
        body = _filled(self.body, ids)
        if isinstance(body, dict) and any(isinstance(value, bytes) for value in body.values()):
            form = {
                name: SimpleUploadedFile("a.bin", value) if isinstance(value, bytes) else value
                for name, value in body.items()
            }
            return client.post(path, form)
        if method in {"GET", "HEAD", "DELETE"}:
            return getattr(client, method.lower())(path)
        return getattr(client, method.lower())(path, {} if body is None else body, content_type="application/json")


def _filled(body: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(body, str):
        return body.format_map(ids)
    if isinstance(body, dict):
        return {name: _filled(value, ids) for name, value in body.items()}
    return [_filled(value, ids) for value in body] if isinstance(body, list) else body


def read(*paths: str, right: Right = Right.SEARCH, finds_own: bool = False) -> list[Ask]:
    return [Ask(path, right, finds_own=finds_own) for path in paths]


def listed(path: str, right: Right = Right.SEARCH) -> list[Ask]:
    """A list: what is one's own without a word, nothing by the victim's name."""
    return [Ask(path, right, finds_own=True), Ask(f"{path}?retailer={{slug}}", right)]


def of_product(rest: str = "") -> list[str]:
    """The victim's product: by its own id, with the victim named, and by our key."""
    named = f"/api/products/{{product_id}}{rest}"
    return [named, f"{named}?retailer={{slug}}", f"/api/products/{{product_pk}}{rest}"]


def write(paths: list[str] | str, body: Any = None, right: Right = Right.WRITE, finds_own: bool = False) -> list[Ask]:
    every = [paths] if isinstance(paths, str) else paths
    return [Ask(path, right, body, finds_own) for path in every]


HOOK = "/api/webhooks/{webhook_id}"
IMAGE = "/images/{image_pk}"
PHOTO = {"image": packshot(0), "verdict": "none"}
CLICK = {"event_id": "e1", "type": "click", "product_id": "{product_id}"}

ROUTES: dict[tuple[str, str], list[Ask]] = {
    ("search", "POST"): [
        Ask("/api/search", Right.SEARCH, PHOTO, finds_own=True),
        Ask("/api/search", Right.SEARCH, PHOTO | {"retailer": "{slug}"}),
        Ask("/api/search", Right.SEARCH, {"image_id": "{image_id}"}),
        Ask("/api/search", Right.SEARCH, {"product_id": "{product_id}"}),
        Ask("/api/search", Right.SEARCH, {"product_id": "{product_id}", "retailer": "{slug}"}),
        Ask("/api/search", Right.SEARCH, {"product_id": "{product_pk}"}),
    ],
    ("search-record", "GET"): read("/api/searches/{search_id}", right=Right.REPORT),
    # Deleting what is gone is no error, and what is another's is as good as gone.
    ("search-record", "DELETE"): write("/api/searches/{search_id}", finds_own=True),
    ("category-list", "GET"): listed("/api/categories"),
    ("trends", "GET"): listed("/api/trends", Right.REPORT),
    ("events", "POST"): [
        Ask("/api/events", Right.SEARCH, {"events": [CLICK]}, finds_own=True),
        Ask("/api/events", Right.SEARCH, {"events": [CLICK | {"retailer": "{slug}"}]}, finds_own=True),
        Ask("/api/events", Right.SEARCH, {"events": [CLICK | {"search_id": "{search_id}"}]}, finds_own=True),
    ],
    ("event-summary", "GET"): listed("/api/events/summary", Right.REPORT),
    ("product-list", "GET"): [*listed("/api/products"), *read("/api/products?facets=true", finds_own=True)],
    ("product-bulk", "POST"): [
        *write("/api/products/bulk?retailer={slug}", {"items": [{"product_id": "{product_id}", "action": "delete"}]}),
        *write("/api/products/bulk", {"items": [{"product_id": "{product_id}", "action": "delete"}]}, finds_own=True),
    ],
    ("product-detail", "GET"): read(*of_product()),
    # Without the victim named, the id is one of the asker's own: a product of its own may be made.
    ("product-detail", "PUT"): [*write(of_product()[1], ROW), *write(of_product()[0], ROW, finds_own=True)],
    ("product-detail", "PATCH"): write(of_product(), {"title": "Taken"}),
    ("product-detail", "DELETE"): write(of_product()),
    ("product-images", "GET"): read(*of_product("/images")),
    ("product-images", "POST"): write(of_product("/images"), {"image": packshot(1)}),
    ("product-image-detail", "GET"): read(*of_product(IMAGE), f"/api/products/{{own_product}}{IMAGE}"),
    ("product-image-detail", "PATCH"): write(
        [*of_product(IMAGE), f"/api/products/{{own_product}}{IMAGE}"], {"position": 0}
    ),
    ("product-image-detail", "DELETE"): write([*of_product(IMAGE), f"/api/products/{{own_product}}{IMAGE}"]),
    ("product-similar", "GET"): [
        *read(*of_product("/similar")),
        *read("/api/products/{own_product}/similar?verdict=none", finds_own=True),
    ],
    ("product-alternatives", "GET"): [
        *read(*of_product("/alternatives")),
        *read("/api/products/{own_product}/alternatives", finds_own=True),
    ],
    ("product-look", "GET"): [
        *read(*of_product("/look")),
        *read("/api/products/{own_product}/look", finds_own=True),
    ],
    ("retailer-list", "GET"): read("/api/retailers", finds_own=True),
    ("retailer-list", "POST"): write("/api/retailers", {"slug": "third", "name": "Third"}, Right.OPERATE),
    ("retailer-detail", "GET"): read("/api/retailers/{slug}"),
    ("retailer-detail", "PATCH"): write("/api/retailers/{slug}", {"name": "Taken"}, Right.OPERATE),
    ("retailer-detail", "DELETE"): write("/api/retailers/{slug}", right=Right.OPERATE),
    ("import-list", "GET"): listed("/api/imports", Right.REPORT),
    ("import-list", "POST"): write("/api/imports", {"feed": FEED, "retailer": "{slug}"}),
    ("import-detail", "GET"): read("/api/imports/{job_id}", right=Right.REPORT),
    ("import-errors", "GET"): read("/api/imports/{job_id}/errors", right=Right.REPORT),
    ("import-cancel", "POST"): write("/api/imports/{job_id}/cancel"),
    ("api-key-list", "GET"): listed("/api/api-keys", Right.CONFIGURE),
    ("api-key-list", "POST"): write("/api/api-keys", {"kind": "secret", "name": "x", "retailer": "{slug}"}),
    ("api-key-detail", "GET"): read("/api/api-keys/{prefix}", right=Right.CONFIGURE),
    ("api-key-detail", "DELETE"): write("/api/api-keys/{prefix}"),
    ("api-key-rotate", "POST"): write("/api/api-keys/{prefix}/rotate"),
    ("webhook-list", "GET"): listed("/api/webhooks", Right.CONFIGURE),
    ("webhook-list", "POST"): write("/api/webhooks", ALL_HOOKS | {"retailer": "{slug}"}),
    ("webhook-detail", "GET"): read(HOOK, right=Right.CONFIGURE),
    ("webhook-detail", "PATCH"): write(HOOK, {"active": False}),
    ("webhook-detail", "DELETE"): write(HOOK),
    ("webhook-secret", "POST"): write(f"{HOOK}/rotate-secret"),
    ("webhook-test", "POST"): write(f"{HOOK}/test"),
    ("webhook-deliveries", "GET"): read(f"{HOOK}/deliveries", right=Right.CONFIGURE),
    ("webhook-delivery", "GET"): read(f"{HOOK}/deliveries/{{delivery_id}}", right=Right.CONFIGURE),
    ("webhook-retry", "POST"): write(f"{HOOK}/deliveries/{{delivery_id}}/retry"),
}
"""By route and method."""
OPEN = {"schema", "docs"}
"""What anybody may read: the contract."""
