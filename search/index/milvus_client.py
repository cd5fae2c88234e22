"""Talks to Milvus: the only file that imports its client. What the client raises is translated here."""

import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
from numpy.typing import NDArray
from pymilvus import DataType, MilvusClient, MilvusException
from pymilvus.exceptions import ConnectionConfigException

from search.index.base import TAG_NAMES, IndexBusy, IndexMissing, IndexUnreachable
from search.index.milvus_options import MilvusAddress

# Every error is raised to the caller; the client would log its traceback, too.
for _client in ("pymilvus", "milvus_lite"):
    logging.getLogger(_client).setLevel(logging.CRITICAL)

ID, VECTOR, PARTITION_KEY = "id", "vector", "retailer_id"
FIELDS = frozenset((ID, VECTOR, *TAG_NAMES))

ROWS_A_REQUEST = 4096
"""Rows or ids sent at once: 4 MiB at 256 floats; servers refuse requests above 64 MiB."""

BYTES_A_REPLY = 16 * 2**20  # of vectors

MOST_HITS = 16_384
"""More hits than these no search, and more rows no query, may ask for at once."""

_NOT_FOUND = (100, 1600)  # the collection, the alias
Row = Mapping[str, object]


@dataclass(frozen=True)
class Candidates:
    """What one query's search found: ids int64 (n,), coarse scores float32 (n,), vectors float32 (n, dim), falling."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    vectors: NDArray[np.float32]


class MilvusConnection:
    """One process's connection to a server or file; safe in threads.

    A file's engine gives no promise about searches beside writes, so `alone` makes them wait for each other.

    Args:
        address: Where to.

    Raises:
        IndexUnreachable: The server does not answer, or refuses.
        IndexBusy: Another process has opened the file.
    """

    def __init__(self, address: MilvusAddress) -> None:
        self.address = address
        self._lock = threading.RLock()
        self._read_s = float(address.timeout_s)
        self._write_s = float(address.timeout_s * 6)
        try:
            if address.is_lite:
                Path(address.uri).parent.mkdir(parents=True, exist_ok=True)
            self._client = MilvusClient(uri=address.uri, token=address.token(), timeout=self._read_s)
        except ConnectionConfigException as error:
            raise IndexBusy(
                f"{address.uri} cannot be opened, likely because another process has: such a file serves one process"
            ) from error
        except (MilvusException, grpc.RpcError, OSError) as error:
            raise IndexUnreachable(f"{address.uri} does not answer: {error}") from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Do several things as one, as far as this process can tell; of use for a file only."""
        if self.address.is_lite:
            with self._lock:
                yield
        else:
            yield

    def collection_of(self, alias: str) -> str | None:
        """The collection that an alias stands for; None where there is no such alias."""
        try:
            with self._asking():
                return str(self._client.describe_alias(alias, timeout=self._read_s)["collection_name"])
        except IndexMissing:
            return None

    def names(self) -> list[str]:
        """The names of all collections."""
        with self._asking():
            return [str(name) for name in self._client.list_collections(timeout=self._read_s)]

    def aliases(self, collection: str) -> list[str]:
        """The aliases of a collection."""
        with self._asking():
            return [str(name) for name in self._client.list_aliases(collection, timeout=self._read_s)["aliases"]]

    def layout_of(self, collection: str) -> tuple[int, frozenset[str]]:
        """The length of a collection's vectors, and the names of its fields."""
        with self._asking():
            fields = self._client.describe_collection(collection, timeout=self._read_s)["fields"]
        dims = [int(field["params"]["dim"]) for field in fields if field["name"] == VECTOR]
        return (dims or [0])[0], frozenset(str(field["name"]) for field in fields)

    def create(self, collection: str, dim: int, *, is_small: bool = False) -> None:
        """Create a collection, index it and load it; a small one is neither parted nor copied."""
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(ID, DataType.INT64, is_primary=True)
        schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=dim)
        for name in TAG_NAMES:
            schema.add_field(name, DataType.INT64, is_partition_key=name == PARTITION_KEY)
        where, index = self.address, self._client.prepare_index_params()
        index.add_index(
            VECTOR,
            index_type="FLAT" if is_small else where.index,
            metric_type="IP",
            params={} if is_small else where.build_params(),
        )
        with self._asking():
            self._client.create_collection(
                collection,
                schema=schema,
                num_partitions=1 if is_small else where.partitions,
                consistency_level="Strong",
                timeout=self._write_s,
            )
            self._client.create_index(collection, index, timeout=self._write_s)
            replicas = 1 if is_small else where.replicas
            self._client.load_collection(collection, replica_number=replicas, timeout=self._write_s)

    def point(self, alias: str, collection: str, *, is_new: bool) -> None:
        """Let an alias stand for a collection, at once."""
        change = self._client.create_alias if is_new else self._client.alter_alias
        with self._asking():
            change(collection, alias, timeout=self._write_s)

    def drop(self, collection: str) -> None:
        """Delete a collection with its aliases."""
        with self._asking():
            for alias in self._client.list_aliases(collection, timeout=self._read_s)["aliases"]:
                self._client.drop_alias(alias, timeout=self._write_s)
            self._client.drop_collection(collection, timeout=self._write_s)

    def upsert(self, collection: str, rows: Sequence[Row]) -> None:
        """Add or replace up to `ROWS_A_REQUEST` rows; a search sees all of them or none."""
        with self._asking():
            self._client.upsert(collection, list(rows), timeout=self._write_s)

    def delete(self, collection: str, ids: Sequence[int]) -> None:
        """Delete up to `ROWS_A_REQUEST` rows; unknown ids are ignored."""
        with self._asking():
            self._client.delete(collection, ids=list(ids), timeout=self._write_s)

    def rows(self, name: str, ids: Sequence[int], fields: Sequence[str]) -> list[dict[str, int]]:
        """Read some numbers of those of up to `ROWS_A_REQUEST` rows that exist, in any order."""
        with self._asking():
            found = self._client.query(
                name, ids=list(ids), output_fields=[ID, *fields], timeout=self._read_s, consistency_level="Strong"
            )
        return [dict(row) for row in found]

    def count(self, name: str, expression: str) -> int:
        """Count the rows that an expression allows; an empty one allows all."""
        with self._asking():
            found = self._client.query(
                name, filter=expression, output_fields=["count(*)"], timeout=self._read_s, consistency_level="Strong"
            )
        return int(found[0]["count(*)"])

    def every(self, name: str, expression: str, fields: Sequence[str], batch: int) -> Iterator[list[Row]]:
        """Read all rows that an expression allows, by batches."""
        with self._asking():
            pages = self._client.query_iterator(
                name,
                batch_size=batch,
                filter=expression,
                output_fields=[ID, *fields],
                timeout=self._write_s,
                consistency_level="Strong",
            )
        try:
            while True:
                with self._asking():
                    rows = pages.next()
                if not rows:
                    return
                yield list(rows)
        finally:
            pages.close()

    def search(self, name: str, queries: NDArray[np.float32], limit: int, expression: str) -> list[Candidates]:
        """Find up to `limit` rows for each query, with their vectors."""
        with self._asking():
            replies = self._client.search(
                name,
                data=list(queries),
                anns_field=VECTOR,
                limit=limit,
                filter=expression,
                output_fields=[VECTOR],
                search_params={"metric_type": "IP", "params": self.address.search_params(limit)},
                timeout=self._read_s,
                consistency_level="Strong",
            )
        return [_candidates(list(hits), queries.shape[1]) for hits in replies]

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            with self.alone():
                yield
        except MilvusException as error:
            if error.code in _NOT_FOUND:
                raise IndexMissing(f"{self.address.uri} no longer holds it: {error.message}") from error
            raise IndexUnreachable(f"{self.address.uri} does not serve: {error.message}") from error
        except grpc.RpcError as error:
            raise IndexUnreachable(f"{self.address.uri} does not answer: {error}") from error


_connections: dict[tuple[MilvusAddress, int], MilvusConnection] = {}
_connections_lock = threading.Lock()


def connection_to(address: MilvusAddress) -> MilvusConnection:
    """Give this process's connection; a forked process gets its own.

    Raises:
        IndexUnreachable, IndexBusy: It cannot be opened.
    """
    key = (address, os.getpid())
    with _connections_lock:
        if key not in _connections:
            _connections[key] = MilvusConnection(address)
        return _connections[key]


def _candidates(hits: list[Mapping[str, object]], dim: int) -> Candidates:
    vectors = np.array([hit["entity"][VECTOR] for hit in hits], dtype=np.float32)  # type: ignore[index]
    return Candidates(
        np.array([hit["id"] for hit in hits], dtype=np.int64),
        np.array([hit["distance"] for hit in hits], dtype=np.float32),
        vectors.reshape(-1, dim),
    )
