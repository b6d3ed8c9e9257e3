"""Text for people: what users and containers wrote made safe to print, and spans of time."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

NONE: Final = "-"

_STEPS: Final = ((120, 1, "s"), (7200, 60, "m"), (172800, 3600, "h"))
_DAY: Final = 86400


def safe(text: str) -> str:
    """Return `text` on one line, with control and other unprintable characters as escapes.

    Text in a record is its user's; it must not steer the terminal of whoever looks at it.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else escaped(c) for c in text)


def escaped(character: str) -> str:
    r"""Return the JSON escape of one character, as in \n or \u202e."""
    plain = json.dumps(character)[1:-1]
    return plain if plain != character else f"\\u{ord(character):04x}"


def span(seconds: float) -> str:
    """Return a length of time as kubectl's ages look (5s, 3m, 2h, 4d); never negative."""
    whole = max(0, int(seconds))
    for limit, unit, letter in _STEPS:
        if whole < limit:
            return f"{whole // unit}{letter}"
    return f"{whole // _DAY}d"


def age(moment: datetime | None, now: datetime) -> str:
    """Return how long ago `moment` was, or "-" without one."""
    return NONE if moment is None else span((now - moment).total_seconds())


def until(moment: datetime, now: datetime) -> str:
    """Return when `moment` comes, as in "in 12s", or "now"."""
    left = (moment - now).total_seconds()
    return f"in {span(left)}" if left >= 1 else "now"


def when(moment: datetime | None, now: datetime) -> str:
    """Return a past time in UTC and how long ago it was, or "-" without one."""
    if moment is None:
        return NONE
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({age(moment, now)} ago)"
