"""The admin: lists that are of use, actions that act, writes on the audit log, and no secret on any page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework_api_key.models import APIKey

from catalog.models import ApiKey, AuditEntry, ImportJob, ImportRowError, Product, ProductImage, WebhookDelivery
from catalog.models import WebhookEndpoint as Endpoint
from tests.access_cases import PAGE, bearing, operator, prefix_of, publishable_of, secret_of
from tests.factories import make_image, make_product, make_retailer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    settings.SELVEDGE_IMPORTS_DIR = tmp_path / "imports"


@pytest.fixture
def maria(admin_client: Client, admin_user: User) -> Client:
    admin_user.username = "maria"
    admin_user.save()
    return admin_client


def address(model: str, page: str, *args: object) -> str:
    return reverse(f"admin:{model}_{page}", args=args)


def act(client: Client, model: str, action: str, *keys: object) -> str:
    """The page after an action on a list."""
    form = {"action": action, "_selected_action": [str(key) for key in keys]}
    answer = client.post(address(model, "changelist"), form, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def entries() -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.order_by("pk").values_list("actor", "action", "target"))


def full_house() -> list[object]:
    """One of everything."""
    retailer = make_retailer("acme")
    product = make_product(retailer)
    make_image(product)
    make_image(product, position=1, file="", sha256="", status="failed", error="not found", error_code="http_404")
    job = ImportJob.objects.create(retailer=retailer, options={"feed_url": "https://feeds:hush@shop.example/f.csv"})
    ImportRowError.objects.create(job=job, line=7, reason="no price")
    hook = Endpoint.objects.create(retailer=retailer, url="https://shop.example/hook", events=["import.finished"])
    delivery = WebhookDelivery.objects.create(endpoint=hook, event="import.finished", payload={})
    key = ApiKey.objects.get(prefix=prefix_of(secret_of("acme")))
    entry = AuditEntry.objects.create(
        at=product.created_at, actor="staff x", action="product.update", retailer=retailer
    )
    return [retailer, product, *product.images.all(), job, hook, delivery, key, entry]


def test_every_list_and_every_record_can_be_looked_at(maria: Client) -> None:
    records = full_house()
    key = next(each for each in records if isinstance(each, ApiKey))
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        assert maria.get(address(name, "changelist")).status_code == 200, name
    for record in records:
        name = f"{record._meta.app_label}_{record._meta.model_name}"  # type: ignore[attr-defined]
        page = maria.get(address(name, "change", record.pk))  # type: ignore[attr-defined]
        assert page.status_code == 200, name
        assert "hush" not in page.content.decode(), "no password of a feed"
        assert key.hashed_key not in page.content.decode()
    assert "no price" in maria.get(address("catalog_importjob", "change", records[4].pk)).content.decode()  # type: ignore[attr-defined]
    assert key.hashed_key not in maria.get(address("catalog_apikey", "changelist")).content.decode()


def test_the_librarys_own_keys_are_not_offered() -> None:
    assert not admin.site.is_registered(APIKey)


def test_a_key_made_here_is_shown_once_works_and_is_audited(maria: Client, settings: Settings) -> None:
    settings.SELVEDGE_ANONYMOUS = "none"
    wish = {"name": "front", "kind": "publishable", "retailer": make_retailer().pk, "rate": "90/minute"}
    wish["allowed_origins"] = f'["{PAGE.upper()}/"]'
    answer = maria.post(address("catalog_apikey", "add"), wish)
    [key] = re.findall(r'value="(slv_pk_[^"]+)"', answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert bearing(key, PAGE).get("/api/products").status_code == 200
    record = ApiKey.objects.get()
    assert (record.allowed_origins, record.rate) == ([PAGE], "90/minute")
    later = maria.get(address("catalog_apikey", "change", record.pk)).content.decode()
    assert key.partition(".")[2] not in later + str(maria.cookies)
    assert entries() == [("staff maria", "api_key.create", record.prefix)]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "publishable"}, "name the pages"),
        ({"allowed_origins": '["shop.example"]', "kind": "publishable"}, "no origin"),
        ({"allowed_origins": '"https://shop.example"', "kind": "publishable"}, "Write a list"),
        ({"allowed_origins": "[1]", "kind": "publishable"}, "Write a list"),
        ({"kind": "operator"}, "no retailer"),
        ({"rate": "many"}, "a rate is such as"),
        ({"expiry_date_0": "2020-01-01", "expiry_date_1": "00:00"}, "in the past"),
    ],
)
def test_a_key_here_is_held_to_the_same_rules(maria: Client, fields: dict[str, str], said: str) -> None:
    wish = {"name": "n", "kind": "secret", "retailer": make_retailer().pk, "allowed_origins": "[]", "rate": ""}
    page = maria.post(address("catalog_apikey", "add"), wish | fields)
    assert said in page.content.decode()
    assert not ApiKey.objects.exists()


def test_keys_are_revoked_from_the_list(maria: Client, settings: Settings) -> None:
    settings.SELVEDGE_ANONYMOUS = "none"
    revoked, kept = secret_of(), operator()
    act(maria, "catalog_apikey", "revoke", prefix_of(revoked))
    assert bearing(revoked).get("/api/products").status_code == 401
    assert bearing(kept).get("/api/products").status_code == 200
    assert entries() == [("staff maria", "api_key.revoke", prefix_of(revoked))]


def test_a_key_keeps_its_kind_and_its_retailer(maria: Client) -> None:
    key = publishable_of()
    form = {"name": "renamed", "kind": "operator", "retailer": "", "allowed_origins": f'["{PAGE}"]', "rate": ""}
    assert maria.post(address("catalog_apikey", "change", prefix_of(key)), form).status_code == 302
    record = ApiKey.objects.get()
    assert record.retailer is not None
    assert (record.name, record.kind, record.retailer.slug) == ("renamed", "publishable", "acme")
    assert bearing(key, PAGE).get("/api/products").status_code == 200


def test_what_is_edited_and_deleted_here_is_audited(maria: Client) -> None:
    product = make_product(external_id="SKU-X", title="Old")
    form = {field.name: getattr(product, field.name) for field in Product._meta.fields if field.editable}
    form = {name: "" if value is None else value for name, value in form.items()}
    form |= {"title": "New", "retailer": product.retailer.pk, "extra": "{}", "withdrawn_at_0": "", "withdrawn_at_1": ""}
    form |= {"images-TOTAL_FORMS": 0, "images-INITIAL_FORMS": 0}
    answer = maria.post(address("catalog_product", "change", product.pk), form, headers={"X-Request-ID": "edited-1"})
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    maria.post(address("catalog_product", "delete", product.pk), {"post": "yes"})
    assert entries() == [
        ("staff maria", "product.update", "SKU-X"),
        ("staff maria", "product.delete", "SKU-X"),
    ]
    edited = AuditEntry.objects.order_by("pk")[0]
    assert (edited.request_id, edited.retailer) == ("edited-1", product.retailer)
    assert "title" in str(edited.detail).lower()


def test_a_retailer_is_deleted_here_with_all_that_is_its_own(maria: Client) -> None:
    retailer = full_house()[0]
    answer = maria.post(address("catalog_retailer", "delete", retailer.pk), {"post": "yes"})  # type: ignore[attr-defined]
    assert answer.status_code == 302
    assert not Product.objects.exists()
    assert not ApiKey.objects.exists()
    assert ("staff maria", "retailer.delete", "acme") in entries()


def test_imports_are_cancelled_and_deliveries_sent_again(maria: Client) -> None:
    full_house()
    job, delivery = ImportJob.objects.get(), WebhookDelivery.objects.get()
    WebhookDelivery.objects.update(state="failed", n_attempts=9, next_attempt_at=None)
    act(maria, "catalog_importjob", "cancel", job.pk)
    act(maria, "catalog_webhookdelivery", "send_again", delivery.pk)
    job.refresh_from_db()
    delivery.refresh_from_db()
    assert job.state == ImportJob.State.CANCELLED
    assert (delivery.state, delivery.next_attempt_at is not None) == ("pending", True)
    assert "cancelled already" not in act(maria, "catalog_importjob", "cancel", job.pk)
    assert {action for _, action, _ in entries()} >= {"import.cancel", "webhook.retry"}


def test_the_list_of_imports_says_state_and_mode_in_the_words_of_the_api(maria: Client) -> None:
    ImportJob.objects.create(retailer=make_retailer(), state="failed", mode="delta")
    page = maria.get(address("catalog_importjob", "changelist")).content.decode()
    assert re.findall(r'field-(state_name|mode_name)">([^<]+)<', page) == [
        ("state_name", "failed"),
        ("mode_name", "delta"),
    ]


def test_failed_images_are_made_due(maria: Client) -> None:
    product = make_product()
    link = "https://shop.example/a.jpg"
    image = make_image(product, source=link, file="", sha256="", status="failed", error="gone", error_code="http_404")
    page = maria.get(address("catalog_productimage", "changelist"), {"status__exact": "failed"}).content.decode()
    assert "http_404" in page
    act(maria, "catalog_productimage", "fetch_again", image.pk)
    assert ProductImage.objects.get().next_attempt_at is not None


def test_the_audit_log_is_changed_by_nobody(maria: Client) -> None:
    entry = full_house()[-1]
    assert isinstance(entry, AuditEntry)
    assert maria.get(address("catalog_auditentry", "add")).status_code == 403
    assert maria.post(address("catalog_auditentry", "delete", entry.pk), {"post": "yes"}).status_code == 403
    assert maria.post(address("catalog_auditentry", "change", entry.pk), {"actor": "nobody"}).status_code == 403
    act(maria, "catalog_auditentry", "delete_selected", entry.pk)
    assert AuditEntry.objects.filter(pk=entry.pk).exists()


def test_whoever_may_only_look_changes_nothing(client: Client, django_user_model: type[User]) -> None:
    full_house()
    reader = django_user_model.objects.create_user("reader", password="x", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(reader)
    before = AuditEntry.objects.count()
    act(client, "catalog_apikey", "revoke", ApiKey.objects.get().pk)
    act(client, "catalog_importjob", "cancel", ImportJob.objects.get().pk)
    act(client, "catalog_webhookdelivery", "send_again", WebhookDelivery.objects.get().pk)
    assert client.get(address("catalog_apikey", "add")).status_code == 403
    assert not ApiKey.objects.filter(revoked=True).exists()
    assert ImportJob.objects.get().state == ImportJob.State.QUEUED
    assert AuditEntry.objects.count() == before
