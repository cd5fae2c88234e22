"""The columns of XML items, parsed without entities, many at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from xml.etree.ElementTree import ParseError  # the error alone; defusedxml parses

from defusedxml.ElementTree import DefusedXMLParser

from catalog.feeds.vocabulary import column_name

GOOGLE_NAMESPACE = "http://base.google.com/ns/1.0"
DECLARATION = re.compile(r"""\s(xmlns(?::[\w.-]{1,100})?)\s*=\s*("[^"<]{0,300}"|'[^'<]{0,300}')""")
MOST_DECLARATIONS = 50
"""They are repeated before every item that is parsed by itself."""
ATOM_NAMES = {"summary": "description", "content": "description"}
Columns = dict[str, list[str]]


def wrapper_of(head: str) -> str:
    """A start tag with all the namespaces that a feed declares before its first item.

    >>> wrapper_of('<rss xmlns:g="http://base.google.com/ns/1.0"><channel>')
    '<r xmlns:g="http://base.google.com/ns/1.0">'
    """
    declared = {"xmlns:g": f'"{GOOGLE_NAMESPACE}"'} | {
        found[1]: found[2] for found in islice(DECLARATION.finditer(head), MOST_DECLARATIONS)
    }
    return f"<r {' '.join(f'{name}={value}' for name, value in declared.items())}>"


def parse_items(texts: Sequence[str], wrapper: str) -> Iterator[Columns | str]:
    """Each item's texts by column, or what is wrong with its XML.

    Args:
        texts: The items, tags included.
        wrapper: See `wrapper_of`.
    """
    try:
        found = _parse("".join(texts), wrapper)
    except ParseError as error:
        if len(texts) == 1:
            yield _tell(error)
            return
        found = []
    if len(found) == len(texts):
        yield from found
        return
    for text in texts:
        yield from parse_items([text], wrapper) if len(texts) > 1 else ["is not one item"]


def _parse(text: str, wrapper: str) -> list[Columns]:
    target = _Items()
    parser = DefusedXMLParser(target=target)
    parser.feed(wrapper + text + "</r>")
    parser.close()
    return target.items


class _Items:
    """Hears of elements: 1 the wrapper, 2 an item, 3 a column, deeper ones are the column's parts."""

    def __init__(self) -> None:
        self.items: list[Columns] = []
        self._depth = 0
        self._google: Columns = {}
        self._plain: Columns = {}
        self._data: list[str] = []
        self._parts: list[str] = []
        self._href = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._data.clear()
        if self._depth == 3:
            self._parts.clear()
            self._href = attributes.get("href", "") if attributes.get("rel", "alternate") == "alternate" else ""

    def data(self, text: str) -> None:
        self._data.append(text)

    def end(self, tag: str) -> None:
        if self._depth == 2:
            # Google's own words count where RSS and Atom have the same ones.
            self.items.append(self._plain | self._google)
            self._google, self._plain = {}, {}
        elif self._depth == 3:
            self._add_column(tag)
        elif self._depth > 3:
            text = "".join(self._data).strip()
            if text:
                self._parts.append(f"{_local(tag)[1]}: {text}")
        self._data.clear()
        self._depth -= 1

    def close(self) -> None:
        """Nothing is left to do."""

    def _add_column(self, tag: str) -> None:
        text = "; ".join(self._parts) if self._parts else "".join(self._data).strip()
        text = text if text else self._href
        if not text:
            return
        namespace, name = _local(tag)
        if namespace == GOOGLE_NAMESPACE:
            self._google.setdefault(column_name(name), []).append(text)
        else:
            self._plain.setdefault(ATOM_NAMES.get(name, column_name(name)), []).append(text)


def _local(tag: str) -> tuple[str, str]:
    namespace, found, name = tag[1:].partition("}")
    return (namespace, name) if found else ("", tag)


def _tell(error: ParseError) -> str:
    reason = str(error).split(":")[0]
    return f"is not proper XML ({reason})"
