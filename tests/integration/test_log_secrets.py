"""No secret stands in the log, not even where a request fails with one in its hands."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from django.test import Client

from catalog.api import retailer_views
from deploy.redaction import redacted
from tests.access_cases import secret_of


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the process's own handler writes, as the settings set it up."""
    (handler,) = [each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler]
    written = io.StringIO()
    before = handler.setStream(written)
    yield written
    handler.setStream(before or handler.stream)


@pytest.mark.django_db
def test_a_request_that_breaks_down_leaves_its_traceback_but_not_its_key(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = secret_of()

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError(
            f"no answer to Authorization: Bearer {key} from https://feeds:hush@shop.example/f?token=t0ken"
        )

    monkeypatch.setattr(retailer_views, "asked", fail)
    answer = Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False).get("/api/retailers")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "Traceback" in log.getvalue()
    assert "RuntimeError: no answer to" in log.getvalue()
    for secret in (key.partition(".")[2], "hush", "t0ken"):
        assert secret not in log.getvalue()
        assert secret not in answer.content.decode()


@pytest.mark.parametrize(
    "line",
    [
        "key slv_sk_Abc12345.{}",
        "key slv_op_Abc12345.{} and more",
        "headers {{'Authorization': 'Bearer {}', 'Accept': '*/*'}}",
        "X-Api-Key: {}",
        "Cookie: sessionid={}; csrftoken=1",
        "signed with whsec_{}",
        "GET https://user:{}@feeds.example/products.xml",
        "GET https://{}@feeds.example/products.xml",
        "redis://:{}@10.0.0.5:6379/0 refused",
        "https://bucket.example/f.csv?X-Amz-Signature={}&v=1",
        "https://bucket.example/f.csv?v=1&access_token={}",
        "https://bucket.example/f.csv?key={}",
    ],
)
def test_what_is_secret_is_hidden_and_what_surrounds_it_stays(line: str) -> None:
    written = redacted("before " + line.format("S3cretS3cret+=") + " after")
    assert "S3cret" not in written
    assert written.startswith("before ")
    assert "[hidden]" in written


@pytest.mark.parametrize(
    "line",
    [
        "GET https://shop.example/a?page=2&size=M mailto:us@shop.example",
        "12 rows at https://shop.example:8443/feed.csv (user@host)",
        "key a1b2c3d4 (import job): product.update SKU-1",
    ],
)
def test_what_is_not_secret_stays_readable(line: str) -> None:
    assert redacted(line) == line
