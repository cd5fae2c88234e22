"""The keepers of vectors that every test here runs against; a new one joins by adding how its URL is made."""

from __future__ import annotations

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
    """

    name: str
    url: Callable[[Path], str]
    exact: bool = True


KEEPERS = [
    KeeperCase("faiss", lambda folder: f"faiss://{folder}"),
    KeeperCase("faiss-lists", lambda folder: f"faiss://{folder}?kind=ivf_sq8", exact=False),
]
EXACT_KEEPERS = [keeper for keeper in KEEPERS if keeper.exact]
