"""Two retailers that must know nothing of each other. All that is the first one's holds the word `MARK`."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db.models import Model
from django.utils import timezone

from catalog.access.keys import create_key
from catalog.models import (
    ApiKey,
    AuditEntry,
    ImportJob,
    ImportRowError,
    Product,
    ProductImage,
    WebhookDelivery,
    WebhookEndpoint,
)
from search.models import Event, SearchLog
from tests.access_cases import bearing, prefix_of
from tests.factories import feed_row, make_retailer, write_feed
from tests.search_shop import packshot

MARK = "zebra"
VICTIM, OTHER = "alpha", "beta"


@dataclass
class World:
    """Ids of the victim's records, and keys."""

    secret: str
    """The other retailer's, as the next one."""
    publishable: str
    own_secret: str
    own_publishable: str
    ids: dict[str, str] = field(default_factory=dict)
    state: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Of all that is the victim's, before anybody asks."""


def make_world(folder: Path) -> World:
    """Both retailers with products, described and indexed, and all that may belong to one. Lend a model before."""
    for slug in (VICTIM, OTHER):
        _open_shop(folder / slug, slug)
    own_secret, own_publishable = _keys(VICTIM, f"{MARK} key")
    secret, publishable = _keys(OTHER, "their key")
    world = World(secret, publishable, own_secret, own_publishable)
    form = {"image": SimpleUploadedFile("p.jpg", packshot(0), content_type="image/jpeg"), "verdict": "none"}
    searched = bearing(own_secret).post("/api/search", form).json()
    asked = {name: searched[name] for name in ("search_id", "image_id")}
    world.ids = _belongings(searched["search_id"]) | asked | {"prefix": prefix_of(own_secret), "slug": VICTIM}
    world.state = belongings()
    return world


def _open_shop(folder: Path, slug: str) -> None:
    word = MARK if slug == VICTIM else "plain"
    (folder / "images").mkdir(parents=True)
    rows = []
    for number in range(3):
        (folder / "images" / f"{word}{number}.jpg").write_bytes(packshot(number))
        cells = {name: f"{word} {name}" for name in ("brand", "description", "material", "product_type", "lining")}
        texts = cells | {"title": f"{word} tee {number}", "link": f"https://{word}.example/{number}"}
        rows.append(
            feed_row(f"{slug}-{number}", **texts, image_link=f"images/{word}{number}.jpg", item_group_id=f"G{number}")
        )
    feed = write_feed(folder / "feed.csv", rows)
    call_command("index_catalog", "--retailer", slug, "--feed", str(feed), verbosity=0)


def _keys(slug: str, name: str) -> tuple[str, str]:
    retailer = make_retailer(slug)
    _, secret = create_key(ApiKey.Kind.SECRET, name, retailer=retailer)
    page = f"https://{MARK}.example" if slug == VICTIM else "*"
    _, publishable = create_key(ApiKey.Kind.PUBLISHABLE, name, retailer=retailer, allowed_origins=[page])
    return secret, publishable


def _belongings(search_id: str) -> dict[str, str]:
    """One of everything; its ids by the names that addresses give them."""
    retailer, now = make_retailer(VICTIM), timezone.now()
    product = Product.objects.filter(retailer=retailer).order_by("pk").first()
    assert product is not None
    job = ImportJob.objects.create(
        retailer=retailer, feed_name=f"{MARK}.csv", error=f"{MARK} failed", created_by=MARK, examples={"new": [MARK]}
    )
    ImportRowError.objects.create(job=job, line=2, reason=f"{MARK} is no price")
    hook = WebhookEndpoint.objects.create(
        retailer=retailer, url=f"https://{MARK}.example/hook", events=["import.finished"]
    )
    delivery = WebhookDelivery.objects.create(endpoint=hook, event="import.finished", payload={"said": MARK})
    Event.objects.create(
        retailer=retailer,
        event_id=MARK,
        kind=Event.Kind.PURCHASE,
        search=SearchLog.objects.get(search_id=search_id),
        product=product,
        external_id=product.external_id,
        value=Decimal("987654.32"),
        currency="USD",
        occurred_at=now,
        received_at=now,
    )
    AuditEntry.objects.create(at=now, retailer=retailer, actor=MARK, action="product.update", target=MARK)
    image = ProductImage.objects.filter(product=product).first()
    assert image is not None
    return {
        "product_id": product.external_id,
        "product_pk": str(product.pk),
        "image_pk": str(image.pk),
        "job_id": str(job.pk),
        "webhook_id": str(hook.pk),
        "delivery_id": str(delivery.pk),
    }


def belongings() -> dict[str, list[dict[str, Any]]]:
    """Every record of the victim's, as it stands, apart from when its keys were used."""
    retailer = make_retailer(VICTIM)
    found: dict[str, list[dict[str, Any]]] = {"Retailer": [{"slug": retailer.slug, "name": retailer.name}]}
    for model in apps.get_models():
        path = _path_to_retailer(model)
        if path is not None and model._meta.app_label in {"catalog", "search"}:
            rows = model._default_manager.filter(**{path: retailer}).order_by("pk").values()
            found[model.__name__] = [{name: row[name] for name in row if name != "last_used_at"} for row in rows]
    return found


def _path_to_retailer(model: type[Model]) -> str | None:
    """By which fields a record belongs to a retailer."""
    names = {each.name for each in model._meta.get_fields() if each.concrete}
    for first, rest in (
        ("retailer", ""),
        ("product", "__retailer"),
        ("job", "__retailer"),
        ("endpoint", "__retailer"),
        ("search", "__retailer"),
        ("image", "__product__retailer"),
    ):
        if first in names:
            return first + rest
    return None
