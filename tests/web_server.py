"""A real web server on a loopback address of its own, that answers as a test says; and a resolver that lies."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ALLOWED = "127.0.0.2"
"""Stands for the public internet in tests: `settings.SELVEDGE_ALLOWED_NETWORKS` names it, and not 127.0.0.1."""


class Visit(BaseHTTPRequestHandler):
    """One request; `answer` sends a whole reply, `wfile` anything else."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        self.server.site.seen.append(self)
        self.server.site.hits[self.path] += 1
        route = self.server.site.routes.get(self.path)
        if route is None:
            self.answer(404)
        else:
            route(self)

    def do_POST(self) -> None:
        self.do_GET()

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Sends a reply; headers are written with underscores."""
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        # In one piece: a small second one would wait for the client's acknowledgement of the first.
        self._headers_buffer.append(b"\r\n" + body)  # type: ignore[attr-defined]
        self.flush_headers()

    def log_message(self, *args: Any) -> None:
        """Quiet."""


class Site:
    """The running server.

    Attributes:
        routes: What answers each path; all else is 404.
        seen: Every request, in order.
        hits: Requests by path.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.routes: dict[str, Callable[[Visit], object]] = {}
        self.seen: list[Visit] = []
        self.hits: Counter[str] = Counter()

    def url(self, path: str, host: str = ALLOWED) -> str:
        return f"http://{host}:{self.port}{path}"

    def serve(self, path: str, body: bytes, **headers: str) -> str:
        """Answers a path with this body; returns its address."""
        self.routes[path] = lambda visit: visit.answer(200, body, **headers)
        return self.url(path)

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        self.routes[path] = lambda visit: visit.answer(status, b"moved", Location=to)
        return self.url(path)


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that hang up, as those here often shall."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet."""


@contextmanager
def running_site(host: str = "0.0.0.0", port: int = 0) -> Iterator[Site]:
    """A server on all loopback addresses, so that only the guard decides which of them are reached."""
    server = QuietServer((host, port), Visit)
    site = Site(server.server_address[1])
    server.site = site  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


class LyingResolver:
    """Answers each name with its scripted addresses, one list a question; the last one stays.

    Attributes:
        asked: Names, in order.
    """

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = {name.replace("_", "."): list(lists) for name, lists in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        lists = self._answers.get(host)
        if lists is None:
            return [host]
        return lists.pop(0) if len(lists) > 1 else lists[0]
