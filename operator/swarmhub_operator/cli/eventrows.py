"""Events as rows: one decision of the operator, one line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from swarmhub_crds.event import Event
from swarmhub_crds.readable import NONE, age, span

from swarmhub_operator.cli.text import safe

TITLES: Final = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")
WIDE: Final = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "COUNT", "FIRST SEEN", "MESSAGE")
OF_ONE: Final = ("LAST SEEN", "TYPE", "REASON", "MESSAGE")


def row(event: Event, now: datetime, *, wide: bool) -> list[str]:
    """Return the cells of an event under `TITLES` or `WIDE`, safe to print."""
    last = age(event.last_seen, now)
    counted = [str(event.count), age(event.first_seen, now)] if wide else []
    cells = [
        last if wide else _seen(event, last),
        event.type,
        event.reason,
        f"{event.kind.lower()}/{event.name}",
        *counted,
        event.message,
    ]
    return [safe(cell) or NONE for cell in cells]


def row_of_one(event: Event, now: datetime) -> Sequence[str]:
    """Return the cells under `OF_ONE`, as they are: of whose page they are part."""
    return _seen(event, age(event.last_seen, now)), event.type, event.reason, event.message


def _seen(event: Event, last: str) -> str:
    """Return when, and how often in which time, as in "5s (x3 over 2m)"."""
    if event.count == 1:
        return last
    over = span((event.last_seen - event.first_seen).total_seconds())
    return f"{last} (x{event.count} over {over})"
