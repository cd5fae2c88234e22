"""How a base is laid out and searched, as far as people may choose it: the part of `VECTOR_INDEX_URL` behind the `?`.

Nothing has to be chosen. What a base is searched with follows from its size, and how far a search must look is
measured when it is built (`search.index.reach`, `search.index.build_lists`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches

from search.index.base import UnsupportedIndexUrl

FLAT_AT_MOST = 50_000
"""Up to so many vectors all are scanned: a millisecond at 256 floats, exact, and nothing to train."""

LISTS_AT_LEAST = 1_000
"""Fewer vectors are never put into lists, even if asked for: there is nothing to learn lists and codes from."""

KINDS = ("auto", "flat", "ivf_sq8", "ivf_pq")
DEVICES = ("cpu", "gpu")


@dataclass(frozen=True)
class IndexOptions:
    """What the URL says about how bases are built and searched; see `search.index.coarse`.

    Attributes:
        kind: `auto` chooses by size; `flat` scans everything in half precision and is exact; `ivf_sq8` looks into
            some lists of 8-bit codes; `ivf_pq` does so with product-quantized codes, a fourth of the memory. All of
            them rank by true scores on the stored vectors.
        nlist: Lists of an inverted file; None: about 4 * sqrt(N). Acts when a base is built.
        nprobe: Look into exactly so many lists for each query; None: as many as the query needs.
        rerank: Candidates whose true scores are taken, for each hit asked for; None: as many as the codes need.
        device: `gpu` also searches on a GPU, in every process that finds one; without it a GPU only helps building.
    """

    kind: str = "auto"
    nlist: int | None = None
    nprobe: int | None = None
    rerank: int | None = None
    device: str = "cpu"

    @classmethod
    def from_url(cls, options: Mapping[str, str]) -> "IndexOptions":
        """Read the options of a URL.

        Raises:
            UnsupportedIndexUrl: An option is unknown or its value out of range; the message says what is possible.

        >>> IndexOptions.from_url({"kind": "ivf_sq8", "nprobe": "64"}).nprobe
        64
        """
        for name in options:
            if name not in _READERS:
                near = get_close_matches(name, _READERS, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(_READERS)}"
                raise UnsupportedIndexUrl(f"unknown index option {name!r}; {hint}")
        return cls(**{name: _READERS[name](name, text) for name, text in options.items()})  # type: ignore[arg-type]

    def kind_for(self, count: int) -> str:
        """Decide what a base of so many vectors is searched with: one of `KINDS` but `auto`."""
        if count < LISTS_AT_LEAST:
            return "flat"
        if self.kind != "auto":
            return self.kind
        return "flat" if count <= FLAT_AT_MOST else "ivf_sq8"

    def __str__(self) -> str:
        chosen = [field.name for field in fields(self) if getattr(self, field.name) != field.default]
        return "&".join(f"{name}={getattr(self, name)}" for name in chosen)


def _one_of(choices: tuple[str, ...]) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text not in choices:
            raise UnsupportedIndexUrl(f"index option {name} must be one of {', '.join(choices)}, not {text!r}")
        return text

    return read


def _count(at_most: int) -> Callable[[str, str], int]:
    def read(name: str, text: str) -> int:
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= at_most):
            raise UnsupportedIndexUrl(f"index option {name} must be a whole number in 1..{at_most}, not {text!r}")
        return int(text)

    return read


_READERS: dict[str, Callable[[str, str], object]] = {
    "kind": _one_of(KINDS),
    "nlist": _count(1_000_000),
    "nprobe": _count(1_000_000),
    "rerank": _count(10_000),
    "device": _one_of(DEVICES),
}
