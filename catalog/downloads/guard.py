"""HTTP to addresses that strangers choose (feeds, shoppers, webhooks), which cannot be led into this network.

The address is checked where it is connected to: a host is resolved once a connection, every address it has is checked,
and the connection goes to the very address that was checked, on every hop of a chain of redirects. So a name that
resolves to something else a moment later (DNS rebinding) wins nothing.
"""

from __future__ import annotations

import functools
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from contextvars import ContextVar
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from catalog.downloads.addresses import check_address, check_url

CONNECT_TIMEOUT_S = 10.0
"""One address of a host; the next is tried after it."""
USER_AGENT = "Selvedge/0.1 (product images and webhooks)"
WRITTEN_AT_ONCE_BYTES = 64 * 1024
REDIRECT_BODY_BYTES = 64 * 1024
"""Read so that the connection can be used again; nobody looks at them."""

_deadline_s: ContextVar[float] = ContextVar("deadline_s")
"""When the request of this thread must be over, on the monotonic clock."""


class HostNotFound(httpx.ConnectError):
    """The name cannot be resolved."""


class TlsFailed(httpx.ConnectError):
    """The server's certificate is not good, or it speaks no TLS."""


def guarded_client(*, timeout_s: float, max_redirects: int = 5, max_connections: int = 20) -> httpx.Client:
    """A client for addresses that are not to be trusted; safe for many threads at once.

    Nothing of the environment (proxies, netrc) is used, and no cookie is kept. Settings: `SELVEDGE_ALLOWED_NETWORKS`,
    `SELVEDGE_ALLOWED_PORTS`. Its requests raise `catalog.errors.AddressRefused` besides httpx's own errors. A body is
    as long as the server likes: stream it, and stop.

    Args:
        timeout_s: For a request as a whole, from the first hop to the last byte of the body.
        max_redirects: Hops that are followed; 0 leaves the redirect to the caller.
        max_connections: At once, over all hosts.
    """
    return _GuardedClient(
        timeout_s,
        transport=_GuardedTransport(max_connections),
        trust_env=False,
        follow_redirects=max_redirects > 0,
        max_redirects=max_redirects,
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
    )


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system's resolver orders them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _GuardedClient(httpx.Client):
    """Gives every request a deadline, which its redirects inherit."""

    def __init__(self, timeout_s: float, **options: Any) -> None:
        super().__init__(timeout=timeout_s, **options)
        self._total_s = timeout_s

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        request.extensions = {"deadline_s": time.monotonic() + self._total_s, **request.extensions}
        return super().send(request, **options)


class _GuardedTransport(httpx.HTTPTransport):
    """httpx's own transport on checked connections; every hop of every request passes here."""

    def __init__(self, max_connections: int) -> None:
        super().__init__(verify=_tls_context(), trust_env=False)
        # httpx offers no way to pass a network backend; the pool is otherwise as it makes it itself.
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls_context(),
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=5.0,
            network_backend=_GuardedBackend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        check_url(request.url, was_https=bool(request.extensions.get("was_https")))
        request.extensions["was_https"] = request.url.scheme == "https"
        deadline_s = request.extensions["deadline_s"]
        with _until(deadline_s):
            response = super().handle_request(request)
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101  (the transport is a synchronous one)
        response.stream = _Body(response.stream, deadline_s)
        if response.has_redirect_location:
            _drop_body(response)
        return response


class _Body(httpx.SyncByteStream):
    """A body whose reading ends at the deadline, however slowly it drips."""

    def __init__(self, inner: httpx.SyncByteStream, deadline_s: float) -> None:
        self._inner = inner
        self._deadline_s = deadline_s

    def __iter__(self) -> Iterator[bytes]:
        chunks = iter(self._inner)
        while True:
            with _until(self._deadline_s):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def close(self) -> None:
        self._inner.close()


class _GuardedBackend(httpcore.NetworkBackend):
    """Resolves, checks, and connects to what was checked."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = [str(check_address(address)) for address in _resolve(host, port)]
        for left, address in enumerate(addresses, start=1 - len(addresses)):
            try:
                stream = self._inner.connect_tcp(address, port, min(_time_left(), CONNECT_TIMEOUT_S))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if left == 0:
                    raise
            else:
                return _TimedStream(stream)
        raise HostNotFound(f"{host} has no address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise httpcore.UnsupportedProtocol("sockets of this machine are not connected to")


class _TimedStream(httpcore.NetworkStream):
    """A connection of which every step ends at the deadline of the request that uses it."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _time_left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), WRITTEN_AT_ONCE_BYTES):
            self._inner.write(buffer[start : start + WRITTEN_AT_ONCE_BYTES], _time_left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, _time_left()))
        except httpcore.ConnectError as error:
            raise TlsFailed(f"no secure connection: {error}") from error

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _drop_body(response: httpx.Response) -> None:
    """Takes a redirect's body away: httpx would read and decompress all of it, however much comes."""
    n_bytes = 0
    for chunk in response.stream:  # type: ignore[union-attr]  # the transport is a synchronous one
        n_bytes += len(chunk)
        if n_bytes > REDIRECT_BODY_BYTES:
            break
    response.stream.close()  # type: ignore[union-attr]
    response.headers.pop("content-encoding", None)
    response.stream = httpx.ByteStream(b"")


def _resolve(host: str, port: int) -> list[str]:
    answer: Future[list[str]] = Future()

    def ask() -> None:
        try:
            answer.set_result(look_up(host, port))
        except (OSError, ValueError) as error:
            answer.set_exception(error)

    # The system's resolver knows no time-out, so nobody waits for it longer than for the rest.
    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        return answer.result(timeout=_time_left())
    except FutureTimeout as error:
        raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from error
    except (OSError, ValueError) as error:
        raise HostNotFound(f"{host} cannot be resolved") from error


@contextmanager
def _until(deadline_s: float) -> Iterator[None]:
    token = _deadline_s.set(deadline_s)
    try:
        yield
    finally:
        _deadline_s.reset(token)


def _time_left() -> float:
    """Seconds, above 0."""
    left_s = _deadline_s.get() - time.monotonic()
    if left_s <= 0:
        raise httpcore.ReadTimeout("the time for this request is over")
    return left_s


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """Made once: reading the certificates of all authorities takes tens of milliseconds."""
    return httpx.create_ssl_context()
