"""Bad rows of a feed, told to the person who runs the import."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from catalog.feeds.rows import FeedRowError
from catalog.services import ImportSummary

ROWS_SHOWN = 20


def list_row_errors(summary: ImportSummary) -> list[str]:
    """The first bad rows as "line N, column X: reason", then how many more there are."""
    lines = [_sentence(error) for error in summary.errors[:ROWS_SHOWN]]
    more = len(summary.errors) - len(lines) + summary.errors_left_out
    if more:
        lines.append(f"... and {more} more (--errors FILE writes them all)")
    return lines


def _sentence(error: FeedRowError) -> str:
    where = f"line {error.line}, column {error.column}" if error.column else f"line {error.line}"
    return f"{where}: {error.reason}"


def write_row_errors(summary: ImportSummary, file: Path) -> None:
    """Writes every bad row that was kept as one JSON object a line: line, column, reason."""
    with file.open("w", encoding="utf-8") as out:
        for error in summary.errors:
            out.write(json.dumps(asdict(error), ensure_ascii=False) + "\n")
