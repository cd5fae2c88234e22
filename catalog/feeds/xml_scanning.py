"""Cuts an XML feed into its items without understanding them, so that one broken item costs no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

CHUNK_CHARS = 1 << 18
MOST_ITEM_CHARS = 1 << 21
"""No product is described in more."""
MOST_HEAD_CHARS = 1 << 20

TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)|<(/?)((?:[A-Za-z_][\w.-]*:)?(?:item|entry))(?=[\s>/])[^<>]*>",
    re.DOTALL,
)
"""What may hide a tag (comments, character data, instructions), and the tags that count.

Each of these expressions looks at no character twice: one that begins to look for an end again at every start would
hold up its whole process for hours over a feed of nothing but starts.
"""
HIDING_ENDS = ("-->", "]]>", "?>")
ROOT = re.compile(r"<([A-Za-z_][\w:.-]*)")
NOT_TAGS = re.compile(r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<![^>\[]*(?:\[.*?(?:\]\s*>|\Z)|>|\Z)", re.DOTALL)
LONGEST_TAG_START = 200


@dataclass(frozen=True, slots=True)
class Piece:
    """The text of one item, tags included."""

    line: int
    text: str
    is_broken: bool = False
    """Whether it has no end."""
    is_cut: bool = False
    """Whether it has none because the whole text breaks off in it."""


class XmlScanner:
    """An XML text's items, one after the other. Memory: a chunk and the item that does not fit into it."""

    def __init__(self, file: TextIO) -> None:
        self.head = ""
        """All before the first item."""
        self.is_whole = False
        """Whether the root's end was seen; asked after the last piece."""
        self._file = file
        self._buffer = ""
        self._line = 1
        self._root_end: re.Pattern[str] | None = None
        self._is_in_head = True

    def pieces(self) -> Iterator[Piece]:
        """Every item, in order; the last one may be cut short by the text's end."""
        at_end = False
        while not at_end:
            chunk = self._file.read(CHUNK_CHARS)
            at_end = not chunk
            self._buffer += chunk
            yield from self._cut(at_end)

    def _cut(self, at_end: bool) -> Iterator[Piece]:
        """The items that lie whole in the buffer; at the text's end also one that does not."""
        done = 0
        begin: re.Match[str] | None = None
        for token in TOKEN.finditer(self._buffer):
            if token[2] is None:
                if not at_end and not token[0].endswith(HIDING_ENDS):
                    break  # its end has not been read yet
                continue
            if begin is not None and token[2] == begin[2] and token[1]:
                yield self._piece(done, begin.start(), token.end())
                done, begin = token.end(), None
            elif not token[1]:
                if begin is not None:  # the one before has no end
                    yield self._piece(done, begin.start(), token.start(), is_broken=True)
                    done = token.start()
                begin = token
                if token[0].endswith("/>"):
                    yield self._piece(done, token.start(), token.end())
                    done, begin = token.end(), None
        if begin is not None and (at_end or len(self._buffer) - begin.start() > MOST_ITEM_CHARS):
            yield self._piece(done, begin.start(), len(self._buffer), is_broken=True, is_cut=at_end)
            done, begin = len(self._buffer), None
        if begin is None:
            kept_from = len(self._buffer) if at_end else self._safe_end(done)
            self._pass(done, kept_from)
            done = kept_from
        self._buffer = self._buffer[done:]

    def _safe_end(self, done: int) -> int:
        """How much of the buffer's rest, which holds no whole tag of an item, can be let go."""
        if len(self._buffer) - done > MOST_ITEM_CHARS:
            return len(self._buffer) - LONGEST_TAG_START
        return done

    def _piece(self, done: int, start: int, end: int, *, is_broken: bool = False, is_cut: bool = False) -> Piece:
        self._pass(done, start)
        # The root stands before the first item or nowhere.
        self._is_in_head = False
        piece = Piece(self._line, self._buffer[start:end], is_broken, is_cut)
        self._line += piece.text.count("\n")
        return piece

    def _pass(self, start: int, end: int) -> None:
        """Take note of what stands outside of items."""
        text = self._buffer[start:end]
        self._line += text.count("\n")
        if self._is_in_head and self._root_end is None and len(self.head) < MOST_HEAD_CHARS:
            self.head += text
            root = ROOT.search(NOT_TAGS.sub("", self.head))
            if root is not None:
                self._root_end = re.compile(f"</{re.escape(root[1])}\\s*>")
        if self._root_end is not None and self._root_end.search(text):
            self.is_whole = True
