"""A real receiver of webhooks on a loopback address: it keeps what comes, and answers as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pytest_django import Settings

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Message:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Receiver:
    """The running server. `answer` decides; it may block, for a receiver that hangs.

    Attributes:
        cut_off: Set when a sender hung up on an answer.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.messages: list[Message] = []
        self.cut_off = threading.Event()
        self.answer: Callable[[Message], Answer] = lambda _: Answer()

    def url(self, path: str = "/hook") -> str:
        return f"http://{LOOPBACK}:{self.port}{path}"

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.messages]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        message = Message(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        receiver.messages.append(message)
        answer = receiver.answer(message)
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(answer.body)
        except OSError:
            receiver.cut_off.set()
            raise

    def log_message(self, *args: Any) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Senders that hang up are what some tests are about."""


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    server = _Server((LOOPBACK, 0), _Handler)
    receiver = Receiver(server.server_address[1])
    server.receiver = receiver  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def allow(settings: Settings, *receivers: Receiver) -> None:
    """Lets webhooks go to these; everything else of this machine stays refused."""
    settings.SELVEDGE_ALLOWED_NETWORKS = [f"{LOOPBACK}/32"]
    settings.SELVEDGE_ALLOWED_PORTS = [443, *(receiver.port for receiver in receivers)]
