"""JSON of the engine, read one element at a time.

The interpreter runs nothing else while it parses a text. That of a list of ten thousand services
takes it half a second, in which nobody else would be served.
"""

from __future__ import annotations

import json
import re
from typing import Any

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")  # of JSON


def parse(text: str) -> Any:
    """Return what `json.loads` would.

    Raises:
        json.JSONDecodeError: the text is no JSON.
    """
    at = _after_space(text, 0)
    if text[at : at + 1] != "[":
        return _DECODER.decode(text)
    at = _after_space(text, at + 1)
    found: list[Any] = []
    if text[at : at + 1] == "]":
        return _ended(text, at, found)
    while True:
        element, at = _DECODER.raw_decode(text, at)
        found.append(element)
        at = _after_space(text, at)
        if text[at : at + 1] != ",":
            return _ended(text, at, found)
        at = _after_space(text, at + 1)


def _ended(text: str, at: int, found: list[Any]) -> list[Any]:
    if text[at : at + 1] != "]":
        raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
    if (end := _after_space(text, at + 1)) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return found


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
