"""JSON of the engine, read one element at a time.

The interpreter runs nothing else while it parses a text, nor while it lets go of what was parsed.
That of ten thousand services takes it half a second, in which nobody else would be served.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")  # of JSON


def parse(text: str) -> Any:
    """Return what `json.loads` would, but of a list an iterator, to be gone through once.

    Raises:
        json.JSONDecodeError: the text is no JSON; of a list, when its elements are taken.
    """
    at = _after_space(text, 0)
    return _elements(text, at + 1) if text[at : at + 1] == "[" else _DECODER.decode(text)


def _elements(text: str, at: int) -> Iterator[Any]:
    at = _after_space(text, at)
    if text[at : at + 1] == "]":
        _end(text, at)
        return
    while True:
        element, at = _DECODER.raw_decode(text, at)
        yield element
        at = _after_space(text, at)
        if text[at : at + 1] != ",":
            _end(text, at)
            return
        at = _after_space(text, at + 1)


def _end(text: str, at: int) -> None:
    if text[at : at + 1] != "]":
        raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
    if (end := _after_space(text, at + 1)) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
