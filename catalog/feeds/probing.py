"""One look through a feed's file, in constant memory: its encoding, its size, and whether it is a text at all."""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

from catalog.errors import FeedError
from catalog.feeds.opening import GZIP_START, UNDECODED, UNDECODED_HANDLER, FeedBytes, FeedFile

CHUNK_BYTES = 1 << 20
START_BYTES = 1 << 16
SAMPLE_BYTES = 1 << 15
SAMPLE_LINE_BYTES = 1000
NOT_ASCII = bytes(range(0x80, 0x100))

FOREIGN_STARTS = {
    b"PK\x03\x04": "is a zip archive or an Excel workbook; export it as CSV or TSV",
    b"\xd0\xcf\x11\xe0": "is an Excel workbook; export it as CSV or TSV",
    b"%PDF": "is a PDF",
    GZIP_START: "is packed twice; unpack it once",
}
BYTE_ORDER_MARKS = {  # the longer ones first: UTF-32's begins like UTF-16's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
XML_DECLARATION = re.compile(rb"""\A\s*<\?xml[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
NO_ENCODINGS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})
"""Python knows them by such a name; no text is written in them."""
WESTERN = "cp1252"
LEGACY = (WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp932", "gb18030", "big5", "euc_kr")
"""What else feeds are written in. Windows-1252 holds all of Latin-1 that is ever printed."""
MARGIN = 0.1
"""How much better another language must look before a text is not taken for Western."""


@dataclass(slots=True)
class _Seen:
    """What the look through the whole file counted."""

    n_bytes: int = 0
    n_line_ends: int = 0
    n_broken: int = 0
    n_letters: int = 0
    """Beyond ASCII and whole, as UTF-8."""
    last: bytes = b""
    foreign: bytes = b""
    """Lines, or pieces of them, that hold bytes beyond ASCII."""


def probe(path: Path) -> FeedFile:
    """Read the file once, in constant memory, to learn its encoding, its size and its number of lines.

    The encoding is told by a byte order mark, an XML declaration or the pattern of UTF-16; else it is UTF-8 (with a
    few broken bytes it stays UTF-8, so that only their rows are lost), else what charset-normalizer finds likely.

    Raises:
        FeedError: The file is missing, unreadable, empty, of another kind, or unpacks to more than any feed does.
    """
    if not path.is_file():
        raise FeedError(f"{path.name}: there is no such file")
    try:
        with path.open("rb") as file:
            is_gzip = file.read(2) == GZIP_START
        with FeedBytes(path, is_gzip) as raw:
            start, seen = _look_through(raw)
            damage = raw.damage
    except OSError as error:
        raise FeedError(f"{path.name}: cannot be read: {error.strerror}") from error
    _refuse_foreign(path, start, damage)
    encoding = _declared_encoding(start)
    if encoding is None:
        encoding = "utf-8" if seen.n_broken <= seen.n_letters else _legacy_encoding(seen.foreign)
    text = codecs.getincrementaldecoder(encoding)(UNDECODED_HANDLER).decode(start).lstrip("\ufeff")
    n_lines = seen.n_line_ends + (0 if seen.last.rstrip(b"\0").endswith(b"\n") else 1)
    return FeedFile(path, is_gzip, encoding, seen.n_bytes, n_lines, text, damage)


def _look_through(raw: FeedBytes) -> tuple[bytes, _Seen]:
    file = io.BufferedReader(raw, CHUNK_BYTES)
    start = file.peek(START_BYTES)[:START_BYTES]
    seen = _Seen()
    decode = codecs.getincrementaldecoder("utf-8")(UNDECODED_HANDLER).decode
    while chunk := file.read(CHUNK_BYTES):
        seen.n_bytes += len(chunk)
        seen.n_line_ends += chunk.count(b"\n")
        seen.last = chunk[-4:]
        text = decode(chunk)
        if not text.isascii():
            _count_letters(seen, text, chunk)
    seen.n_broken += decode(b"", True).count(UNDECODED)
    return start, seen


def _count_letters(seen: _Seen, text: str, chunk: bytes) -> None:
    broken = text.count(UNDECODED)
    seen.n_broken += broken
    seen.n_letters += len(text) - len(chunk.translate(None, NOT_ASCII)) - broken
    if broken and len(seen.foreign) < SAMPLE_BYTES:
        foreign = b"\n".join(line[:SAMPLE_LINE_BYTES] for line in chunk.split(b"\n") if not line.isascii())
        seen.foreign += foreign[: SAMPLE_BYTES - len(seen.foreign)]


def _declared_encoding(start: bytes) -> str | None:
    """What a byte order mark, UTF-16's pattern of zeros or an XML declaration says; None where nothing does."""
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if start.startswith(mark):
            return encoding
    half = len(start) // 2
    for odd, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if half > 1 and start[odd::2].count(0) > 0.7 * half and start[1 - odd :: 2].count(0) == 0:
            return encoding
    declared = XML_DECLARATION.match(start)
    if declared is None or declared[1].lower().startswith((b"utf-16", b"utf-32", b"utf-8", b"us-ascii")):
        return None
    try:
        info = codecs.lookup(declared[1].decode())
    except LookupError:
        return None
    is_one = getattr(info, "_is_text_encoding", True) and info.name.replace("-", "_") not in NO_ENCODINGS
    return info.name if is_one else None


def _legacy_encoding(sample: bytes) -> str:
    found = from_bytes(sample, cp_isolation=list(LEGACY), enable_fallback=False)
    best = found.best()
    if best is None:
        return WESTERN
    western = next((match for match in found if match.encoding == WESTERN), None)
    if western is None:
        return best.encoding
    gain = (best.coherence - best.chaos) - (western.coherence - western.chaos)
    return best.encoding if gain > MARGIN else WESTERN


def _refuse_foreign(path: Path, start: bytes, damage: str) -> None:
    first = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if not first:
        raise FeedError(f"{path.name}: {damage if damage else 'is empty'}")
    for magic, advice in FOREIGN_STARTS.items():
        if first.startswith(magic):
            raise FeedError(f"{path.name}: {advice}")
