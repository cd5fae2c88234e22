"""Spaces by name: an alias stands for the collection that is published; others are being built, or litter."""

import re
import time
from dataclasses import dataclass

from search.index.base import IndexDamaged, IndexMissing, SpaceMismatch
from search.index.milvus_client import FIELDS, MilvusConnection
from search.index.milvus_rows import MilvusRows

_ESCAPED = re.compile(r"_([0-9a-f]{2})")
_NEEDS_ESCAPE = re.compile(rb"[^A-Za-z0-9]")


@dataclass(frozen=True)
class MilvusSpace:
    """One space under one connection.

    Attributes:
        connection: To where it is.
        space: Its name.
        dim: Length of a vector.
    """

    connection: MilvusConnection
    space: str
    dim: int

    @property
    def alias(self) -> str:
        """What readers ask for."""
        return alias_of(self.connection.address.name, self.space)

    def published(self) -> MilvusRows:
        """The collection that is published, looked over.

        Raises:
            IndexMissing: There is none.
            IndexDamaged: It is laid out in another way, or was tampered with.
            SpaceMismatch: Its vectors have another length.
        """
        collection = self.connection.collection_of(self.alias)
        if collection is None:
            others = ", ".join(published_spaces(self.connection))
            known = f"; published here: {others}" if others else ""
            raise IndexMissing(f"nothing is published for space {self.space}{known}")
        dim, fields = self.connection.layout_of(collection)
        if fields != FIELDS:
            raise IndexDamaged(f"{collection} is not laid out as this version does it: rebuild the index")
        if dim != self.dim:
            raise SpaceMismatch(f"the index of space {self.space} has dimension {dim}, not {self.dim}")
        rows = MilvusRows(self.connection, collection, dim)
        rows.generation()
        return rows

    def new_collection(self) -> str:
        """A name for a collection that is about to be built."""
        return f"{self._collections}{time.time_ns():x}"

    def clear_litter(self) -> None:
        """Delete what a killed writer left, and what was published before."""
        published = self.connection.collection_of(self.alias)
        for name in self.connection.names():
            if name.startswith(self._collections) and name != published:
                self.connection.drop(name)

    def drop(self) -> None:
        """Delete everything of this space."""
        for name in self.connection.names():
            if name.startswith(self._collections):
                self.connection.drop(name)

    @property
    def _collections(self) -> str:
        return f"{self.connection.address.name}_rows_{escaped(self.space)}__"


def alias_of(name: str, space: str) -> str:
    """Give the alias of a space, in the letters that the server permits.

    >>> alias_of("shop", "net-emb8@0f")
    'shop_space_net_2demb8_400f'
    """
    return f"{name}_space_{escaped(space)}"


def escaped(space: str) -> str:
    """Write a space's name in letters, digits and underscores, such that it can be read back."""
    return _NEEDS_ESCAPE.sub(lambda byte: b"_%02x" % byte[0][0], space.encode()).decode()


def published_spaces(connection: MilvusConnection) -> list[str]:
    """The names of the spaces that have an alias, sorted."""
    begins = alias_of(connection.address.name, "")
    aliases = [
        alias
        for collection in connection.names()
        if collection.startswith(f"{connection.address.name}_rows_")
        for alias in connection.aliases(collection)
    ]
    return sorted(_unescaped(alias.removeprefix(begins)) for alias in aliases if alias.startswith(begins))


def _unescaped(text: str) -> str:
    """Undo `escaped`.

    >>> _unescaped(escaped("net-emb8@0f / é_"))
    'net-emb8@0f / é_'
    """
    # Bytes of one character follow each other, so they are put together before they are decoded.
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text).encode("latin-1").decode()
