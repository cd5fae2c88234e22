"""A comparison of two spaces as a table."""

from __future__ import annotations

from search.promotion.comparison import Comparison
from search.promotion.live import LiveComparison
from search.promotion.recall import RecallComparison

_Row = tuple[str, str, str, str]


def comparison_lines(comparison: Comparison) -> list[str]:
    """One line a figure: the serving space, the candidate, and how they differ."""
    one, other = comparison.coverage
    rows: list[_Row] = [
        ("photos described", f"{one.n_described}", f"{other.n_described}", ""),
        ("photos due", f"{one.n_due}", f"{other.n_due}", ""),
        ("photos lost", "", f"{other.n_lost}", "described by the serving space, failed here"),
        ("garments", f"{one.n_garments}", f"{other.n_garments}", ""),
        *(_recall_row(recall) for recall in comparison.recalls),
        *([] if comparison.live is None else _live_rows(comparison.live)),
    ]
    return [
        f"serving    {comparison.serving.name}",
        f"candidate  {comparison.candidate.name}",
        _line(("", "serving", "candidate", "")),
        *map(_line, rows),
    ]


def _recall_row(recall: RecallComparison) -> _Row:
    difference = recall.difference
    low, high = difference.interval
    told = f"{difference.difference:+.3f} (95 %: {low:+.3f} to {high:+.3f}, {difference.n_queries} queries)"
    return (
        recall.name,
        f"{difference.before:.3f}",
        f"{difference.after:.3f}",
        told + (", worse beyond chance" if difference.is_worse else ""),
    )


def _live_rows(live: LiveComparison) -> list[_Row]:
    left_out = f", {live.n_refused} could not be used" if live.n_refused else ""
    rows = [
        ("photos asked", f"{live.n_photos}", f"{live.n_photos}", f"overlap@10 {live.overlap_at_10:.2f}{left_out}"),
        ("no good match", *_shares(live.none_share), "share of photos"),
        ("median search", *(f"{each:.0f} ms" for each in live.median_ms), ""),
    ]
    if live.own_first_share is not None:
        rows.insert(1, ("own product first", *_shares(live.own_first_share), "share of catalog photos"))
    return [(name, one, other, note) for name, one, other, note in rows]


def _shares(shares: tuple[float, float]) -> tuple[str, str]:
    return f"{shares[0]:.2f}", f"{shares[1]:.2f}"


def _line(row: _Row) -> str:
    return f"{row[0]:<20}{row[1]:>12}{row[2]:>12}  {row[3]}".rstrip()
