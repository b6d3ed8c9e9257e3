"""What was decided about a home, in one line each that a person understands. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from swarmhub_crds.event import Concerned, Event, EventType
from swarmhub_crds.home import Home, HomePhase, HomeStatus

from swarmhub_operator.decide.events import made

_News = tuple[EventType, str, str]  # type, reason, sentence
_N: Final = EventType.NORMAL
_W: Final = EventType.WARNING
_PLAIN: Final = {
    HomePhase.PENDING: "It has no volume yet.",
    HomePhase.RELEASED: "Its user or server is gone.",
    HomePhase.MOVING: "It is being moved.",
    HomePhase.DELETING: "Its volume is being removed.",
    HomePhase.LOST: "Its volume is no longer on its node.",
}
_SAME_PHASE: Final = {  # what another sentence tells while the phase stays
    HomePhase.PENDING: (_N, "Waiting"),  # for a move
    HomePhase.BOUND: (_N, "Waiting"),
    HomePhase.RELEASED: (_W, "Kept"),
}


def of_home(home: Home, new: HomeStatus, now: datetime) -> tuple[Event, ...]:
    """Return what is told of a home that gets the status `new`; nothing if it is no news."""
    about = (Concerned.HOME, home.metadata.name)
    found = [news] if (news := _news(home.status, new)) else []
    kept = {place.node_id for place in new.leftovers} | {new.node_id}
    found += [
        (_N, "CopyRemoved", f"An older or unfinished copy on {place.node} is gone.")
        for place in home.status.leftovers
        if place.node_id not in kept
    ]
    return tuple(made(about, *news, now) for news in found)


def removed(home: Home, now: datetime) -> Event:
    """Return what is told of a home that is no more."""
    where = f" on {home.status.node}" if home.status.node else ""
    about = (Concerned.HOME, home.metadata.name)
    return made(about, _N, "Removed", f"Its volume{where} is removed, and so is its record.", now)


def _news(old: HomeStatus, new: HomeStatus) -> _News | None:
    if new.forgotten > old.forgotten:
        return _N, "Forgotten", new.message or "Another copy of it was given up."
    if new.phase is not old.phase:
        return _turned(old, new)
    if not new.message or new.message == old.message:
        return None
    if new.moves > old.moves:
        return _W, "NotMoved", new.message
    known = _SAME_PHASE.get(new.phase)
    return (*known, new.message) if known else None  # how far a move is, is no news


def _turned(old: HomeStatus, new: HomeStatus) -> _News:
    if new.phase is HomePhase.BOUND:
        return _end_of_move(old, new) if old.phase is HomePhase.MOVING else _bound(old, new)
    if (old.phase, new.phase) == (HomePhase.DELETING, HomePhase.RELEASED):
        return _W, "Kept", new.message or "Its volume is not removed now."
    kind = _W if new.phase is HomePhase.LOST else _N
    return kind, new.phase.value, new.message or _PLAIN[new.phase]


def _bound(old: HomeStatus, new: HomeStatus) -> _News:
    where = f"on {new.node}" if new.node else "where every node reaches it"
    if old.phase is HomePhase.LOST:
        return _N, "Found", f"Its volume is {where} again."
    if old.phase in (HomePhase.RELEASED, HomePhase.DELETING):
        return _N, "Bound", f"It is used again, {where}."
    return _N, "Adopted" if new.adopted else "Bound", new.message or f"Its volume is {where}."


def _end_of_move(old: HomeStatus, new: HomeStatus) -> _News:
    if new.node_id != old.node_id:
        return _N, "Moved", new.message or f"It was moved to {new.node}."
    if new.moves > old.moves:
        return _W, "NotMoved", new.message or f"It is on {new.node} as before."
    return _N, "Waiting", new.message or f"It stays on {new.node} for now."
