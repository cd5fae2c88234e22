"""Keeps secrets out of the log: what a line must not show is replaced as the line is written, tracebacks included."""

from __future__ import annotations

import logging
import re

HIDDEN = "[hidden]"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # API keys keep their public prefix; the secret after the dot goes.
    (re.compile(r"\bslv_(sk|pk|op)_([A-Za-z0-9]{0,8})[A-Za-z0-9._-]*"), rf"slv_\1_\2.{HIDDEN}"),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=_-]+"), f"whsec_{HIDDEN}"),
    (
        re.compile(
            r"""(?i)(\b(?:proxy-)?authorization|x-api-key|\bcookie|set-cookie)(["']?\s*[:=]\s*["']?)[^"'\r\n]+"""
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # A feed's or a server's address: user and password, and parameters that are as good as one.
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,15}://)[^/\s@\"'<>]+@"), rf"\1{HIDDEN}@"),
    (
        re.compile(
            r"(?i)([?&;](?:[a-z0-9_.-]*(?:token|secret|signature|password|passwd|credential|auth)[a-z0-9_.-]*|"
            r"sig|key|api[_-]?key|pwd|code)=)[^&\s\"'<>#;]+"
        ),
        rf"\1{HIDDEN}",
    ),
)


class RedactingFormatter(logging.Formatter):
    """Writes a line without the secrets in it."""

    def format(self, record: logging.LogRecord) -> str:
        """The whole line, and its traceback, redacted."""
        return redacted(super().format(record))


def redacted(text: str) -> str:
    """A text without secrets.

    >>> redacted("GET https://feeds:pass@shop.example/f.csv?v=2&token=abc failed")
    'GET https://[hidden]@shop.example/f.csv?v=2&token=[hidden] failed'
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
