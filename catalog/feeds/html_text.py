"""The text of HTML descriptions."""

from __future__ import annotations

from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser

from catalog import limits

BLOCKS = "p,div,br,li,ul,ol,tr,td,th,h1,h2,h3,h4,h5,h6,section,article,blockquote,dt,dd,hr"
MOST_HTML_CHARS = 50_000
"""Read of one description; the time that elements in each other take grows with the square of their depth."""
UNREAD = ["script", "style", "template", "noscript", "iframe", "svg"]


@lru_cache(maxsize=256)
def text_of_html(html: str) -> str:
    r"""What a reader of the page would read, a line for each block; cut at a word where it is too long.

    >>> text_of_html("<p>Soft <b>cot</b>ton &amp; linen</p><ul><li>Washable</li></ul><script>x</script>")
    'Soft cotton & linen\nWashable'
    """
    if "<" not in html and "&" not in html:
        return _cut(html.strip())
    tree = LexborHTMLParser(html[:MOST_HTML_CHARS])
    tree.strip_tags(UNREAD, recursive=True)
    if tree.body is None:
        return ""
    for block in tree.css(BLOCKS):
        block.insert_before("\n")
        block.insert_after("\n")
    lines = (" ".join(line.split()) for line in tree.body.text(deep=True).splitlines())
    return _cut("\n".join(line for line in lines if line))


def _cut(text: str) -> str:
    if len(text) <= limits.DESCRIPTION_CHARS:
        return text
    start = text[: limits.DESCRIPTION_CHARS - 1]
    at_word, _, _ = start.rpartition(" ")
    return f"{at_word if at_word else start}…"
