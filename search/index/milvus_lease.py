"""One writer per space over all machines: a lease that is kept in Milvus, which offers no lock.

Rows are written last-one-wins and read with strong consistency, so of several who find the lease free and write theirs,
all read the same winner a moment later. Who is so slow that it writes after that moment would take the lease from the
winner; the winner notices before it sends its next change, and gives up. Writers of one machine exclude each other by a
file lock before they come here, so what this machine holds is its own, or of a process that was killed.
"""

import hashlib
import secrets
import socket
import time
import uuid
from dataclasses import dataclass, field

from search.index.base import TAG_NAMES, IndexBusy, IndexUnreachable
from search.index.milvus_client import ID, VECTOR, MilvusConnection

LEASE_S = 120.0
"""How long a lease holds after the last change that was sent: others wait so long for a machine that broke down."""

SETTLE_S = 0.25
"""How long after writing a lease the winner is read: longer than a request takes."""

_POLL_S = 0.1
_UNTIL_MS, _TOKEN, _MACHINE = "price", "brand_id", "gender_id"


@dataclass
class Lease:
    """The right to change a space. Not thread-safe: its writer is.

    Attributes:
        connection: To the server.
        space: Name of the vector space.
    """

    connection: MilvusConnection
    space: str
    _token: int = field(default_factory=lambda: secrets.randbits(62))
    _held_until: float = 0.0

    def acquire(self, timeout_s: float) -> None:
        """Take the lease.

        Raises:
            IndexBusy: Another machine held it for `timeout_s`.
            IndexUnreachable: The server does not answer.
        """
        self._prepare()
        give_up = time.monotonic() + timeout_s
        while not self._take():
            if time.monotonic() >= give_up:
                raise IndexBusy(
                    f"a writer on another machine held space {self.space} for {timeout_s:g} s; try again later"
                )
            time.sleep(_POLL_S)

    def renew(self) -> None:
        """Make sure, before a change is sent, that the lease is still held.

        Raises:
            IndexUnreachable: It is lost: another machine took it after this one had been silent for long.
        """
        row = self._read()
        if row is None or row[_TOKEN] != self._token:
            raise IndexUnreachable(f"another machine has become the writer of space {self.space}; begin again")
        if self._held_until - time.time() < LEASE_S / 2:
            self._write(LEASE_S)

    def release(self) -> None:
        """Give the lease back, if it is still held."""
        row = self._read()
        if row is not None and row[_TOKEN] == self._token:
            self._write(0.0)

    def _take(self) -> bool:
        row = self._read()
        is_ours = row is not None and row[_MACHINE] == _machine_id()
        is_free = row is None or row[_UNTIL_MS] < time.time() * 1000
        if not (is_free or is_ours):
            return False
        self._write(LEASE_S)
        if is_free:
            time.sleep(SETTLE_S)
            row = self._read()
            return row is not None and row[_TOKEN] == self._token
        return True

    def _prepare(self) -> None:
        if self._name in self.connection.names():
            return
        try:
            self.connection.create(self._name, 2, is_small=True)
        except IndexUnreachable:
            # Another writer may have been faster.
            if self._name not in self.connection.names():
                raise

    def _read(self) -> dict[str, int] | None:
        rows = self.connection.rows(self._name, [self._id], (_UNTIL_MS, _TOKEN, _MACHINE))
        return rows[0] if rows else None

    def _write(self, seconds: float) -> None:
        self._held_until = time.time() + seconds
        row = dict.fromkeys(TAG_NAMES, 0) | {
            _UNTIL_MS: int(self._held_until * 1000) if seconds else 0,
            _TOKEN: self._token,
            _MACHINE: _machine_id(),
        }
        self.connection.upsert(self._name, [{ID: self._id, VECTOR: [1.0, 0.0]} | row])

    @property
    def _name(self) -> str:
        return f"{self.connection.address.name}_leases"

    @property
    def _id(self) -> int:
        return _number(self.space)


def _machine_id() -> int:
    return _number(f"{socket.gethostname()} {uuid.getnode()}")


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1
