"""The rows of one collection: what the contract asks of them, at whatever exactness the server's index has.

One row is none: its id is `STATE_ID`, its price the generation. It stands among the others so that a change and its
number are sent, and seen, together.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.index.base import ABSENT, NO_VALUE, TAG_NAMES, IndexDamaged, Where
from search.index.exact import Ranked, rank, true_scores
from search.index.milvus_client import (
    BYTES_A_REPLY,
    ID,
    MOST_HITS,
    ROWS_A_REQUEST,
    VECTOR,
    Candidates,
    MilvusConnection,
    Row,
)
from search.index.rows import candidates_for

STATE_ID = -1
STATE_TAG = -2
"""Every tag of the state row but the price: below all that a filter can ask for."""

GROWTH = 4
"""How many times more candidates are asked for where those that came do not settle who is among the k best."""

_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True)
class MilvusRows:
    """See the file's beginning.

    Attributes:
        connection: To where they are.
        name: Of the collection, or of an alias.
        dim: Length of a vector.
    """

    connection: MilvusConnection
    name: str
    dim: int

    def generation(self) -> int:
        """The number of the published state.

        Raises:
            IndexDamaged: The row that tells is gone.
        """
        state = self.connection.rows(self.name, [STATE_ID], ["price"])
        if not state:
            raise IndexDamaged(f"{self.name} has lost its state: rebuild the index")
        return state[0]["price"]

    def __len__(self) -> int:
        return self.connection.count(self.name, "") - 1

    def ids(self) -> NDArray[np.int64]:
        """All ids, rising."""
        pages = [[row[ID] for row in page] for page in self.connection.every(self.name, f"{ID} >= 0", (), MOST_HITS)]
        return np.sort(np.array([one for page in pages for one in page], dtype=np.int64))

    def tags(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """A row of tags for each id, `ABSENT` where there is none."""
        found: dict[int, list[int]] = {}
        for some in chunks(np.unique(ids)):
            for row in self.connection.rows(self.name, some.tolist(), TAG_NAMES):
                found[row[ID]] = [row[name] for name in TAG_NAMES]
        absent = [ABSENT] * len(TAG_NAMES)
        rows = [found.get(one, absent) for one in ids.tolist()]
        return np.array(rows, dtype=np.int64).reshape(-1, len(TAG_NAMES))

    def holds(self, ids: NDArray[np.int64]) -> set[int]:
        """Those of some ids that are there."""
        return {row[ID] for some in chunks(ids) for row in self.connection.rows(self.name, some.tolist(), ())}

    def search(
        self, queries: NDArray[np.float32], k: int, where: Where | None, masked: NDArray[np.int64] | None = None
    ) -> list[Ranked]:
        """Find the k best rows of each query, all that there are if fewer; `masked` ids, rising, are none."""
        expression = expression_of(where)
        if expression is None:
            return [_nothing() for _ in queries]
        hidden = np.array([STATE_ID]) if masked is None else np.append(masked, STATE_ID)
        found: dict[int, Ranked] = {}
        limit = candidates_for(k) + 1
        while len(found) < len(queries):
            limit = min(limit, MOST_HITS)
            open_rows = [row for row in range(len(queries)) if row not in found]
            for row, candidates in zip(open_rows, self._candidates(queries[open_rows], limit, expression), strict=True):
                ranked = _rank(candidates, queries[row], k, hidden)
                if self._is_settled(candidates, ranked, k, limit, expression):
                    found[row] = ranked
                elif limit == MOST_HITS:
                    # Where enough came, only ties are open: which of them are hits is then chance.
                    is_enough = ranked[0].size == k
                    found[row] = ranked if is_enough else self._rank_every(queries[row], k, expression, hidden)
            limit *= GROWTH
        return [found[row] for row in range(len(queries))]

    def _candidates(self, queries: NDArray[np.float32], limit: int, expression: str) -> Iterator[Candidates]:
        step = max(1, BYTES_A_REPLY // (limit * self.dim * 4))
        for start in range(0, len(queries), step):
            yield from self.connection.search(self.name, queries[start : start + step], limit, expression)

    def _is_settled(self, found: Candidates, ranked: Ranked, k: int, limit: int, expression: str) -> bool:
        """Whether the k best are among the candidates, as surely as the index can tell."""
        ids, scores = ranked
        if found.ids.size < limit:
            if self.connection.address.is_exact or ids.size == k:
                return True
            # An approximate search may come back with fewer rows than the filter allows.
            return found.ids.size >= self.connection.count(self.name, expression)
        if ids.size < k:
            return False
        if not self.connection.address.scores_truly:
            return True
        # Two float32 sums of `dim` products: the server's of the last, and of a rival that did not come.
        return bool(scores[-1] > found.scores[-1] + 2.0 * self.dim * 2.0**-23)

    def _rank_every(self, query: NDArray[np.float32], k: int, expression: str, hidden: NDArray[np.int64]) -> Ranked:
        """Read and rank all rows that are allowed: the last resort, slow and sure."""
        best = _nothing()
        batch = max(1, min(MOST_HITS, BYTES_A_REPLY // (self.dim * 4)))
        for page in self.connection.every(self.name, expression, (VECTOR,), batch):
            ids, scores = _rank(_read(page, self.dim), query, k, hidden)
            best = rank(np.concatenate((best[0], ids)), np.concatenate((best[1], scores)), k)
        return best


def expression_of(where: Where | None) -> str | None:
    """Say a restriction in the server's words; empty: all rows; None: no row can match.

    >>> expression_of(Where(retailer_ids=frozenset({2, 1}), price_max=900))
    'retailer_id in [1, 2] and price >= 0 and price <= 900'
    >>> expression_of(Where(brand_ids=frozenset({-1}))) is None
    True
    """
    if where is None:
        return ""
    terms = []
    for name in TAG_NAMES:
        wanted = getattr(where, f"{name.removesuffix('_id')}_ids", None)
        if wanted is None:
            continue
        values = sorted(one for one in wanted if 0 <= one <= _INT64.max or (one == NO_VALUE and name == "category_id"))
        if not values:
            return None
        terms.append(f"{name} in [{', '.join(map(str, values))}]")
    if where.price_min is not None or where.price_max is not None:
        terms.append(f"price >= {min(max(where.price_min or 0, 0), _INT64.max)}")
    if where.price_max is not None:
        terms.append(f"price <= {max(min(where.price_max, _INT64.max), NO_VALUE)}")
    if where.in_stock is not None:
        terms.append(f"in_stock == {int(where.in_stock)}")
    return " and ".join(terms)


def state_row(generation: int, dim: int) -> Row:
    """The row that tells the generation."""
    vector = np.zeros(dim, dtype=np.float32)
    vector[0] = 1.0
    return {ID: STATE_ID, VECTOR: vector} | dict.fromkeys(TAG_NAMES, STATE_TAG) | {"price": generation}


def chunks(ids: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Cut ids into as many as one request may name."""
    for start in range(0, ids.size, ROWS_A_REQUEST):
        yield ids[start : start + ROWS_A_REQUEST]


def _rank(found: Candidates, query: NDArray[np.float32], k: int, hidden: NDArray[np.int64]) -> Ranked:
    kept = np.flatnonzero(~np.isin(found.ids, hidden))
    return rank(found.ids[kept], true_scores(found.vectors, kept, query), k)


def _read(page: list[Row], dim: int) -> Candidates:
    ids = np.array([row[ID] for row in page], dtype=np.int64)
    vectors = np.array([row[VECTOR] for row in page], dtype=np.float32).reshape(-1, dim)
    return Candidates(ids, np.zeros(ids.size, dtype=np.float32), vectors)


def _nothing() -> Ranked:
    return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
