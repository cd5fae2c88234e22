"""Pieces of Markdown that the reports are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, n_words: int = 1) -> str:
    """A table, its first `n_words` columns flush left and the others right.

    >>> print(table(("name", "n"), [("shoe", "3")]))
    | name | n |
    |:---|---:|
    | shoe | 3 |
    """
    rule = "|" + ":---|" * n_words + "---:|" * (len(header) - n_words)
    return "\n".join([_line(header), rule, *(_line(row) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def figure(value: float | None, digits: int = 3) -> str:
    """A figure from 0 to 1, a dash where there is none.

    >>> figure(0.25), figure(None)
    ('0.250', '–')
    """
    return "–" if value is None else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 3) -> str:
    """A difference of figures with its sign.

    >>> signed(0.25), signed(-0.0001), signed(None)
    ('+0.250', '0.000', '–')
    """
    if value is None:
        return "–"
    text = f"{value:+.{digits}f}"
    return text if text.strip("+-0.") else text[1:]


def percent(value: float | None) -> str:
    """A share in whole percent.

    >>> percent(0.671)
    '67 %'
    """
    return "–" if value is None else f"{100 * value:.0f} %"
