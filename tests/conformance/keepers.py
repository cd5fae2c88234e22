"""The keepers of vectors that every test here runs against; a new one joins by adding how its URL is made."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SPACE = "testnet-emb8@0123abcd"
OTHER_SPACE = "othernet-emb8@ffffffff"


@dataclass(frozen=True)
class KeeperCase:
    """One keeper, or one way of using it.

    Attributes:
        name: For test names.
        url: Makes the URL of a new, empty index from a folder that the test may fill.
        exact: Whether large indexes are searched exactly, too; small ones always are.
        module: The file in search/index that holds the keeper.
        slow: Divides the rows that the tests on many rows use: an engine that is not made for speed.
    """

    name: str
    url: Callable[[Path], str]
    exact: bool = True
    slow: int = 1
    module: str = "faiss_keeper"

    def many(self, count: int) -> int:
        """How many rows stand for `count` here."""
        return count // self.slow


KEEPERS = [
    KeeperCase("faiss", lambda folder: f"faiss://{folder}"),
    KeeperCase("faiss-lists", lambda folder: f"faiss://{folder}?kind=ivf_sq8", exact=False),
]
if importlib.util.find_spec("pymilvus") and importlib.util.find_spec("milvus_lite"):
    KEEPERS.append(KeeperCase("milvus-lite", lambda folder: f"milvus://{folder}.db", slow=10, module="milvus_keeper"))
EXACT_KEEPERS = [keeper for keeper in KEEPERS if keeper.exact]
