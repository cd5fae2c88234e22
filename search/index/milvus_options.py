"""What `VECTOR_INDEX_URL=milvus://...` says: which server or file, whose names in it, and how vectors are searched."""

import os
import re
from dataclasses import dataclass
from difflib import get_close_matches

from search.index.base import UnsupportedIndexUrl

INDEX_KINDS: tuple[str, ...] = ("FLAT", "IVF_FLAT", "IVF_SQ8", "HNSW", "HNSW_SQ", "DISKANN", "AUTOINDEX")
LITE_KINDS: tuple[str, ...] = ("FLAT", "IVF_FLAT", "HNSW", "AUTOINDEX")

_SERVER = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9a-f:]+\]):(?P<port>\d{1,5})/(?P<name>[A-Za-z][A-Za-z0-9]{0,31})")
_NUMBERS = {
    "m": (4, 64),
    "ef_construction": (8, 4096),
    "ef": (8, 16_384),
    "nlist": (1, 65_536),
    "nprobe": (1, 65_536),
    "partitions": (1, 1024),
    "replicas": (1, 64),
    "timeout_s": (1, 600),
}
_TEXTS = ("index", "token_env", "tls")
_LITE_NAME = "selvedge"


@dataclass(frozen=True)
class MilvusAddress:
    """Where the vectors are kept, and how.

    Attributes:
        uri: What the client connects to: `http(s)://host:port`, or the absolute path of a file.
        name: Begins the name of everything that is kept, so that several installations can share a server.
        is_lite: A file of this machine, opened by this process, rather than a server.
        index: One of `INDEX_KINDS`; acts when a space is built anew.
        token_env: Names the environment variable that holds `user:password` or an API key; empty: no secret.
        m: HNSW's links per vector; with `ef_construction`, acts when a space is built anew.
        ef_construction: Candidates looked at when a vector enters HNSW's graph.
        ef: Candidates looked at by a search in HNSW or DISKANN; never fewer than it fetches.
        nlist: Lists of an inverted file; acts when a space is built anew.
        nprobe: Lists looked into by a search.
        partitions: Parts into which retailers are hashed; acts when a space is built anew.
        replicas: Copies kept in memory, each on query nodes of its own; acts when a space is built anew.
        timeout_s: How long a reading request may take, in seconds; a writing one six times that.
    """

    uri: str
    name: str
    is_lite: bool
    index: str
    token_env: str = ""
    m: int = 32
    ef_construction: int = 256
    ef: int = 256
    nlist: int = 4096
    nprobe: int = 64
    partitions: int = 64
    replicas: int = 1
    timeout_s: int = 10

    @classmethod
    def parse(cls, rest: str) -> "MilvusAddress":
        """Read what follows `milvus://`: `host:port/name` or `/absolute/file.db`, and maybe `?option=value&...`.

        Raises:
            ValueError: It names neither a server nor a file.
            UnsupportedIndexUrl: An option is unknown or out of range; the message says what is possible.

        >>> MilvusAddress.parse("db.example:19530/shop?tls=true&index=HNSW").uri
        'https://db.example:19530'
        >>> MilvusAddress.parse("/srv/selvedge.db").index
        'FLAT'
        """
        place, _, query = rest.partition("?")
        options = _options(query)
        tls = options.pop("tls", False)
        is_lite = place.startswith("/")
        if is_lite:
            if not place.endswith(".db"):
                raise ValueError("the file's name must end in .db")
            uri, name, kinds = place, _LITE_NAME, LITE_KINDS
            options.setdefault("index", "FLAT")
            options.setdefault("partitions", 4)
        else:
            parts = _SERVER.fullmatch(place)
            if parts is None:
                raise ValueError("it must look like host:port/name, the name of letters and digits")
            uri, name, kinds = f"http{'s' * bool(tls)}://{parts['host']}:{parts['port']}", parts["name"], INDEX_KINDS
            options.setdefault("index", "HNSW")
        if options["index"] not in kinds:
            raise UnsupportedIndexUrl(f"index option index must be one of {', '.join(kinds)}, not {options['index']!r}")
        return cls(uri, name, is_lite, **options)  # type: ignore[arg-type]

    @property
    def is_exact(self) -> bool:
        """Whether a search compares with every vector."""
        return self.index == "FLAT"

    @property
    def scores_truly(self) -> bool:
        """Whether the scores of a search are those of the stored floats, rather than of codes."""
        return self.index in ("FLAT", "IVF_FLAT", "HNSW")

    def token(self) -> str:
        """Read the secret from the environment; empty where none is needed.

        Raises:
            UnsupportedIndexUrl: The environment does not hold it.
        """
        if not self.token_env:
            return ""
        token = os.environ.get(self.token_env, "")
        if not token:
            raise UnsupportedIndexUrl(f"token_env names the environment variable {self.token_env}, which is not set")
        return token

    def build_params(self) -> dict[str, int]:
        """How the index is built, in the server's words."""
        if self.index.startswith("HNSW"):
            return {"M": self.m, "efConstruction": self.ef_construction}
        return {"nlist": self.nlist} if self.index.startswith("IVF") else {}

    def search_params(self, limit: int) -> dict[str, int]:
        """How far a search for so many candidates looks, in the server's words."""
        if self.index.startswith("HNSW"):
            return {"ef": max(self.ef, limit)}
        if self.index == "DISKANN":
            return {"search_list": max(self.ef, limit)}
        return {"nprobe": self.nprobe} if self.index.startswith("IVF") else {}


def _options(query: str) -> dict[str, object]:
    known = (*_TEXTS, *_NUMBERS)
    options: dict[str, object] = {}
    for pair in query.split("&") if query else []:
        option, _, text = pair.partition("=")
        if option not in known:
            near = get_close_matches(option, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise UnsupportedIndexUrl(f"unknown index option {option!r}; {hint}")
        options[option] = _number(option, text) if option in _NUMBERS else _text(option, text)
    return options


def _number(option: str, text: str) -> int:
    least, most = _NUMBERS[option]
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise UnsupportedIndexUrl(f"index option {option} must be a whole number in {least}..{most}, not {text!r}")
    return int(text)


def _text(option: str, text: str) -> object:
    if option == "tls":
        if text not in ("true", "false"):
            raise UnsupportedIndexUrl(f"index option tls must be true or false, not {text!r}")
        return text == "true"
    return text
