"""Text for people: what users and containers wrote made safe to print, and times."""

from __future__ import annotations

import json
from datetime import datetime

from swarmhub_crds.readable import NONE, age, span


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


def until(moment: datetime, now: datetime) -> str:
    """Return when `moment` comes, as in "in 12s", or "now"."""
    left = (moment - now).total_seconds()
    return f"in {span(left)}" if left >= 1 else "now"


def when(moment: datetime | None, now: datetime) -> str:
    """Return a past time in UTC and how long ago it was, or "-" without one."""
    if moment is None:
        return NONE
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({age(moment, now)} ago)"
