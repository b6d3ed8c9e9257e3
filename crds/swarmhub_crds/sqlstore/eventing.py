"""Events: counted when repeated, and bounded, so that nothing that goes on for ever fills the file.

The primary key is the order of the last writes: whoever follows asks for what is above the highest
that it has seen, whatever wall clocks do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError
from sqlalchemy import Connection, RowMapping, bindparam, delete, func, insert, select, update

from swarmhub_crds.event import Concerned, Event
from swarmhub_crds.sqlstore.clock import from_text, to_text
from swarmhub_crds.sqlstore.codec import NAME, SINCE
from swarmhub_crds.sqlstore.tables import events

KEPT: Final = 5000  # events in all
KEPT_OF_ONE: Final = 100  # events about one object

_KIND: Final = "about"  # parameters, as no column is called
_LIMIT: Final = "most"
_HIGHEST: Final = select(func.max(events.c.position))
_ABOUT: Final = (events.c.kind == bindparam(_KIND), events.c.name == bindparam(NAME))
_LATER: Final = select(events).where(events.c.position > bindparam(SINCE)).order_by("position")
_LATER_ABOUT: Final = _LATER.where(*_ABOUT)
_AGAIN: Final = (
    update(events)
    .where(
        *_ABOUT,
        events.c.reason == bindparam("because"),
        events.c.message == bindparam("sentence"),
    )
    .values(
        position=bindparam("place"),
        type=bindparam("weight"),
        count=events.c.count + bindparam("times"),
        last_seen=bindparam("last"),
    )
)
_ADD: Final = insert(events)
_NEWEST_FIRST: Final = select(events.c.position).order_by(events.c.position.desc())
_BOUND: Final = delete(events).where(
    events.c.position.in_(_NEWEST_FIRST.offset(bindparam(_LIMIT)).scalar_subquery())
)
_BOUND_OF_ONE: Final = delete(events).where(
    events.c.position.in_(_NEWEST_FIRST.where(*_ABOUT).offset(bindparam(_LIMIT)).scalar_subquery())
)


def listed(connection: Connection, kind: Concerned | None, name: str, after: int) -> list[Event]:
    """Return events above the position `after`, without what cannot be read; the newest last."""
    if kind is None:
        rows = connection.execute(_LATER, {SINCE: after})
    else:
        rows = connection.execute(_LATER_ABOUT, {SINCE: after, _KIND: kind.value, NAME: name})
    found = map(_decoded, rows.mappings())
    return [one for one in found if one is not None]


def _decoded(row: RowMapping) -> Event | None:
    try:
        times = {column: from_text(row[column]) for column in ("first_seen", "last_seen")}
        return Event.model_validate({**row, **times})
    except (ValidationError, ValueError, OverflowError, TypeError):
        return None


def add(
    connection: Connection,
    new: Sequence[Event],
    *,
    kept: int = KEPT,
    kept_of_one: int = KEPT_OF_ONE,
) -> None:
    """Add events in their order; the same again is counted, and the oldest beyond a bound go."""
    highest = connection.execute(_HIGHEST).scalar() or 0
    grown = set()
    for position, event in enumerate(new, highest + 1):
        if not _repeat(connection, event, position):
            _insert(connection, event, position)
            grown.add((event.kind, event.name))
    for kind, name in sorted(grown):
        bound = {_KIND: kind.value, NAME: name, _LIMIT: kept_of_one}
        connection.execute(_BOUND_OF_ONE, bound)
    if grown:
        connection.execute(_BOUND, {_LIMIT: kept})


def _repeat(connection: Connection, event: Event, position: int) -> bool:
    """Count an event that is there already, and return whether it is."""
    values = {
        _KIND: event.kind.value,
        NAME: event.name,
        "because": event.reason,
        "sentence": event.message,
        "place": position,
        "weight": event.type.value,
        "times": event.count,
        "last": to_text(event.last_seen),
    }
    return connection.execute(_AGAIN, values).rowcount > 0


def _insert(connection: Connection, event: Event, position: int) -> None:
    values = {
        "position": position,
        "kind": event.kind.value,
        "name": event.name,
        "type": event.type.value,
        "reason": event.reason,
        "message": event.message,
        "count": event.count,
        "first_seen": to_text(event.first_seen),
        "last_seen": to_text(event.last_seen),
    }
    connection.execute(_ADD, values)
