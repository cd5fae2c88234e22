"""Every route of the API, every method, every kind of wrong key: one retailer never sees or touches another's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django import Settings

from catalog.access.caller import Right
from catalog.models import ApiKey, AuditEntry
from tests.access_cases import bearing, operator, prefix_of, secret_of
from tests.pretend_models import PretendModel
from tests.tenancy_routes import OPEN, ROUTES, Ask
from tests.tenancy_world import MARK, OTHER, VICTIM, World, belongings, make_world
from workers.model_files import configured_pair

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
EVERY = [(method, ask) for (_, method), asks in ROUTES.items() for ask in asks]


@pytest.fixture
def world(db: None, lend: Callable[..., PretendModel], settings: Settings, tmp_path: Path) -> World:
    settings.SELVEDGE_IMPORTS_DIR = tmp_path / "imports"
    lend(configured_pair())
    made = make_world(tmp_path / "shops")
    made.ids["own_product"] = f"{OTHER}-0"
    settings.SELVEDGE_ANONYMOUS = "none"
    return made


def routes() -> Iterator[tuple[str, Any]]:
    """Names and views of all routes below /api/."""

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[tuple[str, Any]]:
        for pattern in patterns:
            path = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, path)
            elif path.removeprefix("^").startswith("api/"):
                yield str(pattern.name), getattr(pattern.callback, "cls", None) or pattern.callback.view_class

    return walk(get_resolver().url_patterns, "")


def test_every_route_and_method_has_a_line_in_the_table() -> None:
    there = {
        (name, method)
        for name, view in routes()
        if name not in OPEN
        for method in METHODS
        if hasattr(view, method.lower())
    }
    assert there == set(ROUTES)


def seen(answer: Any) -> str:
    """All that an answer shows."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return f"{answer.headers} {body.decode('utf-8', 'replace')}".lower()


def send(client: Client, method: str, ask: Ask, world: World) -> Any:
    """Asks, and checks that nothing of the victim's is shown or changed."""
    answer = ask.send(client, method, world.ids)
    assert MARK not in seen(answer)
    if "{slug}" not in f"{ask.path} {ask.body}" and "{product_id}" not in f"{ask.path} {ask.body}":
        assert VICTIM not in seen(answer)
    assert belongings() == world.state
    return answer


@contextmanager
def each(subtests: pytest.Subtests, method: str, ask: Ask) -> Iterator[None]:
    """One way to ask, told apart in the report; what it writes is undone."""
    with subtests.test(f"{method} {ask.path} {str(ask.body)[:60]}"), transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_with_the_other_retailers_keys(world: World, subtests: pytest.Subtests) -> None:
    for method, ask in EVERY:
        with each(subtests, method, ask):
            shopper = send(bearing(world.publishable), method, ask, world)
            answer = send(bearing(world.secret), method, ask, world)
            if ask.right == Right.OPERATE:
                assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
            elif ask.finds_own:
                assert answer.status_code in {200, 201, 204}, answer.content
            else:
                assert answer.status_code == 404, answer.content
                assert answer.json()["code"] in {"not_found", "unknown_retailer", "unknown_image"}
            if ask.right == Right.SEARCH:
                assert shopper.status_code == answer.status_code
            else:
                assert (shopper.status_code, shopper.json()["code"]) == (403, "permission_denied")


def test_with_no_key_and_with_keys_that_ended(world: World, subtests: pytest.Subtests) -> None:
    expired = secret_of(VICTIM, expires_at=timezone.now() - timedelta(seconds=1))
    revoked = secret_of(VICTIM)
    ApiKey.objects.filter(prefix=prefix_of(revoked)).update(revoked=True)
    world.state = belongings()
    clients = [Client(), bearing(expired), bearing(revoked), bearing(f"{world.own_secret}x")]
    for method, ask in EVERY:
        with each(subtests, method, ask):
            answers = [send(client, method, ask, world) for client in clients]
            assert [answer.status_code for answer in answers] == [401] * 4
            assert [answer.json()["code"] for answer in answers] == ["not_authenticated"] + ["invalid_api_key"] * 3


def test_a_publishable_key_writes_and_reports_nothing_of_its_own_either(
    world: World, subtests: pytest.Subtests
) -> None:
    own = bearing(world.own_publishable, f"https://{MARK}.example")
    for method, ask in EVERY:
        if ask.right != Right.SEARCH:
            with each(subtests, method, ask):
                assert ask.send(own, method, world.ids).status_code == 403
                assert belongings() == world.state


def test_the_owners_own_key_finds_them_and_writes_are_audited(world: World, subtests: pytest.Subtests) -> None:
    own = bearing(world.own_secret)
    for method, ask in EVERY:
        # What is asked for is not the owner's, or nothing of anybody's.
        if "{product_pk}" in f"{ask}" or "{own_product}" in ask.path or ask.right == Right.OPERATE:
            continue
        with each(subtests, method, ask):
            n_entries = AuditEntry.objects.count()
            answer = ask.send(own, method, world.ids)
            # There is nothing to retry or to cancel: that is said to nobody else.
            assert answer.status_code < 300 or answer.status_code == 409, answer.content
            if ask.right == Right.WRITE and answer.status_code < 300:
                assert AuditEntry.objects.count() > n_entries
                entry = AuditEntry.objects.order_by("-pk")[0]
                assert entry.actor == f"key {world.ids['prefix']} ({MARK} key)"
                assert entry.request_id == answer["X-Request-ID"]


def test_a_catalog_open_to_all_shows_nobody_how_it_is_set_up(world: World, settings: Settings) -> None:
    settings.SELVEDGE_ANONYMOUS = "read"
    assert MARK in seen(Client().get("/api/products"))
    hidden = [(method, ask) for method, ask in EVERY if ask.right not in {Right.SEARCH, Right.REPORT}]
    assert {ask.send(Client(), method, world.ids).status_code for method, ask in hidden} == {401}


def test_every_route_refuses_a_parameter_that_it_does_not_know(world: World, subtests: pytest.Subtests) -> None:
    for method, ask in EVERY:
        client = bearing(operator()) if ask.right == Right.OPERATE else bearing(world.own_secret)
        with each(subtests, method, ask):
            path = f"{ask.path}{'&' if '?' in ask.path else '?'}sort_by=price"
            answer = replace(ask, path=path).send(client, method, world.ids)
            assert answer.status_code == 400, answer.content
            assert [error["field"] for error in answer.json()["errors"]] == ["sort_by"]
