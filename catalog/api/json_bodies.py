"""Reads JSON bodies of bounded size and depth: what cannot be read is the client's mistake, whatever it is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import JSONParser

from catalog.access.audit import storable
from catalog.api.problems import ProblemError

MAX_JSON_BYTES = 1024 * 1024
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class BoundedJSONParser(JSONParser):
    """JSON in UTF-8. NaN and infinities are none; thousands of brackets in each other are no message.

    A name that stands twice in an object is refused, and so is half of a surrogate pair, which no database takes.
    """

    max_bytes = MAX_JSON_BYTES

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The parsed body.

        Raises:
            ProblemError: 413, it is too large.
            ParseError: It is no JSON.
        """
        body = stream.read(self.max_bytes + 1)
        if len(body) > self.max_bytes:
            raise ProblemError(413, "body_too_large", f"The body has more than {self.max_bytes:,} bytes; send less.")
        try:
            return _parse(body.decode("utf-8"))
        except ValueError as error:
            raise ParseError(f"The body is no JSON: {error}") from error
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error


def _parse(text: str) -> Any:
    parsed = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_repetition)
    if _SURROGATE.search(text):
        json.dumps(parsed, ensure_ascii=False).encode("utf-8")
    return parsed


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = storable(counts.most_common(1)[0][0])[:60]
        raise ValidationError({twice: ["Given more than once."]})
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
