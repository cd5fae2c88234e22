"""Nobody leads the server into its own network: addresses are checked where they are connected to, on every hop."""

from __future__ import annotations

import gzip
import ipaddress
import time
from collections.abc import Iterator

import httpx
import pytest
from pytest_django import Settings

from catalog.downloads import guard
from catalog.downloads.addresses import check_address
from catalog.downloads.guard import guarded_client
from catalog.downloads.web import fetch
from catalog.errors import AddressRefused, DownloadFailed
from tests.web_server import ALLOWED, LyingResolver, Site, Visit, running_site


@pytest.fixture
def site(settings: Settings) -> Iterator[Site]:
    """A server on every loopback address, of which only 127.0.0.2 may be asked."""
    settings.SELVEDGE_ALLOWED_NETWORKS = [f"{ALLOWED}/32"]
    with running_site() as running:
        settings.SELVEDGE_ALLOWED_PORTS = [running.port]
        yield running


def code_of(url: str, *, max_bytes: int = 1000, timeout_s: float = 5.0) -> str:
    with pytest.raises(DownloadFailed) as caught:
        fetch(url, max_bytes=max_bytes, timeout_s=timeout_s)
    return caught.value.code


INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "192.88.99.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:a00:1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "2606:4700::5efe:127.0.0.1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "not an address",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_refused_in_whatever_form(address: str) -> None:
    with pytest.raises(AddressRefused, match="address"):
        check_address(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "2606:4700::6810:84e5", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e", "1.1.1.1"]
)
def test_a_public_address_may_be_connected_to(address: str) -> None:
    assert check_address(address) == ipaddress.ip_address(address)


def test_a_setting_allows_a_network_also_in_its_mapped_form_and_no_other(settings: Settings) -> None:
    settings.SELVEDGE_ALLOWED_NETWORKS = ["10.1.0.0/16"]
    check_address("10.1.2.3")
    check_address("::ffff:10.1.2.3")
    with pytest.raises(AddressRefused):
        check_address("10.2.0.1")


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1", "address_refused"),
        ("[::1]", "address_refused"),
        ("[::ffff:127.0.0.1]", "address_refused"),
        ("[::ffff:7f00:1]", "address_refused"),
        ("[0:0:0:0:0:ffff:127.0.0.1]", "address_refused"),
        ("localhost", "address_refused"),
        ("LOCALHOST", "address_refused"),
        ("2130706433", "url_refused"),
        ("0x7f.1", "url_refused"),
        ("0x7f000001", "url_refused"),
        ("0177.0.0.1", "url_refused"),
        ("017700000001", "url_refused"),
        ("127.1", "url_refused"),
        ("127.0.0.1.", "url_refused"),
        ("user:password@127.0.0.2", "url_refused"),
        ("127.0.0.2@127.0.0.1", "url_refused"),
    ],
)
def test_no_spelling_of_this_machine_is_asked_directly_or_by_redirect(site: Site, host: str, code: str) -> None:
    site.serve("/secret", b"secret")
    assert code_of(site.url("/secret", host)) == code
    assert code_of(site.redirect("/moved", site.url("/secret", host))) == code
    assert site.hits["/secret"] == 0


def test_metadata_of_clouds_is_not_reached_by_a_redirect(site: Site, settings: Settings) -> None:
    settings.SELVEDGE_ALLOWED_PORTS = [site.port, 80]
    for address in ("169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]"):
        assert code_of(site.redirect("/moved", f"http://{address}/latest/meta-data/")) == "address_refused"


def test_a_name_is_resolved_once_and_the_connection_goes_to_what_was_checked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The second answer would be this machine: a client that looks again to connect ends there.
    resolver = LyingResolver(rebinding_example=[[ALLOWED], ["127.0.0.1"]])
    monkeypatch.setattr(guard, "look_up", resolver)
    site.routes["/photo"] = lambda visit: visit.answer(body=visit.connection.getsockname()[0].encode())
    assert fetch(site.url("/photo", "rebinding.example"), max_bytes=100, timeout_s=5).data == ALLOWED.encode()
    assert resolver.asked == ["rebinding.example"]
    assert code_of(site.url("/photo", "rebinding.example")) == "address_refused"
    assert site.hits["/photo"] == 1


def test_one_bad_address_among_good_ones_refuses_the_host(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "look_up", LyingResolver(mixed_example=[[ALLOWED, "10.0.0.1"]]))
    site.serve("/photo", b"photo")
    assert code_of(site.url("/photo", "mixed.example")) == "address_refused"
    assert not site.seen


def test_a_redirect_to_a_name_is_resolved_and_checked_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "look_up", LyingResolver(front_example=[[ALLOWED]], back_example=[["127.0.0.1"]]))
    site.serve("/secret", b"secret")
    site.redirect("/moved", site.url("/secret", "back.example"))
    assert code_of(site.url("/moved", "front.example")) == "address_refused"
    assert site.hits["/secret"] == 0


def test_the_next_address_of_a_host_is_tried_where_the_first_does_not_answer(
    site: Site, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SELVEDGE_ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]
    monkeypatch.setattr(guard, "look_up", LyingResolver(two_example=[["::1", ALLOWED]]))
    site.serve("/photo", b"photo")
    assert fetch(site.url("/photo", "two.example"), max_bytes=100, timeout_s=5).data == b"photo"


def test_what_the_address_refusal_says_does_not_tell_the_address(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "look_up", LyingResolver(db_internal=[["10.20.30.40"]]))
    with pytest.raises(DownloadFailed) as caught:
        fetch(site.url("/", "db.internal"), max_bytes=10, timeout_s=5)
    assert "10.20" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost.", "①②⑦.⓪.⓪.①"])
def test_spellings_that_some_resolvers_know_lead_nowhere_either(site: Site, host: str) -> None:
    assert code_of(site.url("/secret", host)) in {"address_refused", "url_refused", "dns_failed"}
    assert not site.seen


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("file:///etc/passwd", "scheme_refused"),
        ("ftp://127.0.0.2/photo.jpg", "scheme_refused"),
        ("gopher://127.0.0.2/", "scheme_refused"),
        ("http://127.0.0.2:22/", "port_refused"),
        ("http://127.0.0.2:99999/", "port_refused"),
        ("http://[::1", "url_refused"),
        ("http://xn--/", "url_refused"),
    ],
)
def test_other_schemes_ports_and_broken_addresses_are_refused_directly_and_by_redirect(
    site: Site, target: str, code: str
) -> None:
    assert code_of(target) == code
    assert code_of(site.redirect("/moved", target)) in {code, "url_refused"}


@pytest.mark.parametrize("url", ["", "http:///photo.jpg", "//shop.example/a", "photo.jpg", "http://a\x00b/", "\ud800"])
def test_what_is_no_web_address_is_refused_with_a_reason(site: Site, url: str) -> None:
    assert code_of(url) in {"url_refused", "scheme_refused", "port_refused", "dns_failed"}


def test_a_redirect_from_https_to_http_is_refused() -> None:
    with pytest.raises(AddressRefused, match="https to http"):
        guard.check_url(httpx.URL("http://shop.example/"), was_https=True)


def test_redirects_are_followed_so_far_and_no_farther(site: Site) -> None:
    site.serve("/photo", b"photo")
    site.redirect("/moved", "/photo", 308)
    assert fetch(site.url("/moved"), max_bytes=100, timeout_s=5).final_url == site.url("/photo")
    assert code_of(site.redirect("/circle", "/circle")) == "too_many_redirects"
    assert site.hits["/circle"] == 6


def test_nothing_of_the_environment_and_no_cookie_goes_along(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    site.serve("/photo", b"photo", Set_Cookie="session=1; Path=/")
    with guarded_client(timeout_s=5) as client:
        for _ in range(2):
            fetch(site.url("/photo"), max_bytes=100, timeout_s=5, client=client)
    headers = site.seen[1].headers
    assert (headers["Cookie"], headers["Authorization"], headers["Accept-Encoding"]) == (None, None, "identity")


def test_a_body_that_drips_ends_at_the_deadline_as_a_whole(site: Site) -> None:
    def drip(visit: Visit) -> None:
        visit.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            visit.wfile.write(b"x")
            time.sleep(0.02)

    site.routes["/slow"] = drip
    assert code_of(site.url("/slow"), timeout_s=0.3) == "timeout"


def test_headers_that_drip_or_never_end_are_cut_off(site: Site) -> None:
    def drip(visit: Visit) -> None:
        for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 100:
            visit.wfile.write(bytes([letter]))
            time.sleep(0.02)

    def flood(visit: Visit) -> None:
        visit.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            visit.wfile.write(b"X-Long: " + b"x" * 1000 + b"\r\n")

    site.routes |= {"/drip": drip, "/flood": flood}
    assert code_of(site.url("/drip"), timeout_s=0.3) == "timeout"
    assert code_of(site.url("/flood")) == "broken_answer"


@pytest.mark.parametrize("announced", ["5000", "5", None])
def test_no_more_is_read_than_allowed_whatever_the_server_announces(site: Site, announced: str | None) -> None:
    def lie(visit: Visit) -> None:
        length = f"Content-Length: {announced}\r\n" if announced else "Connection: close\r\n"
        visit.wfile.write(f"HTTP/1.1 200 OK\r\n{length}\r\n".encode() + b"x" * 5000)
        visit.close_connection = True

    site.routes["/huge"] = lie
    if announced == "5":
        assert fetch(site.url("/huge"), max_bytes=1000, timeout_s=5).data == b"xxxxx"
    else:
        assert code_of(site.url("/huge")) == "too_large"


def test_a_body_shorter_than_announced_is_no_answer(site: Site) -> None:
    def break_off(visit: Visit) -> None:
        visit.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf")
        visit.close_connection = True

    site.routes["/half"] = break_off
    assert code_of(site.url("/half")) == "broken_answer"


def test_compressed_bodies_nobody_asked_for_are_read_within_the_same_limit(site: Site) -> None:
    site.serve("/small", gzip.compress(b"a photo"), Content_Encoding="gzip")
    assert fetch(site.url("/small"), max_bytes=100, timeout_s=5).data == b"a photo"
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 60_000
    site.serve("/bomb", bomb, Content_Encoding="gzip")
    assert code_of(site.url("/bomb"), max_bytes=100_000) == "too_large"
    site.serve("/brotli", b"whatever", Content_Encoding="br")
    assert code_of(site.url("/brotli")) == "bad_encoding"
    site.serve("/cut", gzip.compress(b"a photo")[:-6], Content_Encoding="gzip")
    assert code_of(site.url("/cut")) == "truncated"


def test_the_body_of_a_redirect_is_not_unpacked(site: Site) -> None:
    site.serve("/photo", b"photo")
    bomb = gzip.compress(b"\0" * 50_000_000)
    site.routes["/moved"] = lambda visit: visit.answer(302, bomb, Location="/photo", Content_Encoding="gzip")
    assert fetch(site.url("/moved"), max_bytes=100, timeout_s=5).data == b"photo"


@pytest.mark.parametrize(
    ("status", "is_final"), [(404, True), (410, True), (403, True), (429, False), (500, False), (503, False)]
)
def test_a_refusal_says_whether_another_try_is_worth_it_and_when(site: Site, status: int, is_final: bool) -> None:
    site.routes["/photo"] = lambda visit: visit.answer(status, Retry_After="120")
    with pytest.raises(DownloadFailed) as caught:
        fetch(site.url("/photo"), max_bytes=100, timeout_s=5)
    assert (caught.value.code, caught.value.is_final, caught.value.retry_after_s) == (f"http_{status}", is_final, 120)


def test_an_unchanged_file_is_told_by_its_etag_without_its_bytes(site: Site) -> None:
    def answer(visit: Visit) -> None:
        fresh = visit.headers["If-None-Match"] == '"v1"' and visit.headers["If-Modified-Since"] == "yesterday"
        visit.answer(304 if fresh else 200, b"" if fresh else b"photo", ETag='"v1"', Last_Modified="yesterday")

    site.routes["/photo"] = answer
    first = fetch(site.url("/photo"), max_bytes=100, timeout_s=5)
    again = fetch(site.url("/photo"), max_bytes=100, timeout_s=5, etag=first.etag, last_modified=first.last_modified)
    assert (first.not_modified, again.not_modified, again.data) == (False, True, b"")


def test_a_certificate_nobody_signed_is_refused_and_a_dead_host_is_named_as_such(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert code_of(site.url("/photo").replace("http:", "https:")) == "tls_failed"
    monkeypatch.setattr(guard, "look_up", _unknown)
    assert code_of(site.url("/photo", "nowhere.example")) == "dns_failed"


def _unknown(host: str, port: int) -> list[str]:
    raise OSError("no such name")
