"""Events: counted when repeated, and bounded, so that nothing that goes on for ever fills the file.

The primary key is the order of the last writes: whoever follows asks for what is above the highest
that it has seen, whatever wall clocks do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError
from sqlalchemy import Connection, RowMapping, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

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
_NEW: Final = insert(events)
_ADD: Final = _NEW.on_conflict_do_update(
    index_elements=(events.c.kind, events.c.name, events.c.reason, events.c.message),
    set_={
        "position": _NEW.excluded.position,
        "type": _NEW.excluded.type,
        "count": events.c.count + _NEW.excluded.count,
        "last_seen": _NEW.excluded.last_seen,
    },
)
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
    """Add events in their order; the same again is counted, and the oldest beyond a bound go.

    A few statements however many there are: all who write into the store wait meanwhile.
    """
    if not new:
        return
    highest = connection.execute(_HIGHEST).scalar() or 0
    rows = [_row(event, position) for position, event in enumerate(new, highest + 1)]
    connection.execute(_ADD, rows)
    about = sorted({(event.kind.value, event.name) for event in new})
    bounds = [{_KIND: kind, NAME: name, _LIMIT: kept_of_one} for kind, name in about]
    connection.execute(_BOUND_OF_ONE, bounds)
    connection.execute(_BOUND, {_LIMIT: kept})


def _row(event: Event, position: int) -> dict[str, object]:
    return {
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
