"""What was decided about a notebook, in one line each that a person understands. Pure.

Sentences are those of the status and the actions. A status counts as news by its phase and by the
reason for it; how far a start has come within them is none, or each second would make an event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final, assert_never

from swarmhub_crds.base import Condition, ConditionStatus, find_condition
from swarmhub_crds.event import Concerned, Event, EventType
from swarmhub_crds.notebook import ConditionType, NotebookStatus, Phase

from swarmhub_operator.decide import actions
from swarmhub_operator.decide.actions import Action
from swarmhub_operator.decide.away import NODE_DOWN
from swarmhub_operator.decide.ending import ENDING
from swarmhub_operator.engine.errors import EngineError, Kind

LONGEST: Final = 1000  # characters of a sentence; those of an engine may be of any length
_WAITING: Final = "Waiting"  # the reason for all that says why only in its sentence
_ORDER: Final = (  # the first of these that is not so is the reason for a start to wait
    ConditionType.VALID,
    ConditionType.ACCEPTED,
    ConditionType.HOME_READY,
    ConditionType.SCHEDULED,
)
_UNDERWAY: Final = (Phase.PENDING, Phase.STARTING)
_PLAIN: Final = {
    Phase.PENDING: "It waits to be started.",
    Phase.STARTING: "It is starting.",
    Phase.RUNNING: "It answers.",
    Phase.BACK_OFF: "It ended, and is started again shortly.",
    Phase.FAILED: "It was given up.",
    Phase.STOPPING: "It is being stopped.",
    Phase.STOPPED: "It has stopped.",
}
_NUMBER: Final = re.compile(r"\d+(st|nd|rd|th)?")


def made(
    about: tuple[Concerned, str], kind: EventType, reason: str, message: str, now: datetime
) -> Event:
    """Return an event of now about an object, its sentence cut to `LONGEST`."""
    what, name = about
    text = message if len(message) <= LONGEST else f"{message[: LONGEST - 1]}…"
    return Event(
        kind=what, name=name, type=kind, reason=reason, message=text, first_seen=now, last_seen=now
    )


def of_status(
    name: str, old: NotebookStatus, new: NotebookStatus, now: datetime
) -> tuple[Event, ...]:
    """Return what is told of a status that takes another's place; nothing if it is no news."""
    if _gist(new) == _gist(old):
        return ()
    kind = EventType.WARNING if _is_warning(new) else EventType.NORMAL
    message = new.message or _PLAIN[new.phase]
    return (made((Concerned.NOTEBOOK, name), kind, _reason(new), message, now),)


def _gist(status: NotebookStatus) -> tuple[object, ...]:
    """Return what makes a status news; numbers in sentences tell of progress only."""
    reason = _reason(status) if status.phase in _UNDERWAY else None
    told = "" if reason not in (None, _WAITING) else _NUMBER.sub("#", status.message)
    failed = status.failed_task_id if status.phase is Phase.BACK_OFF else None
    return status.phase, reason, told, failed


def _reason(status: NotebookStatus) -> str:
    ready = find_condition(status.conditions, ConditionType.READY)
    if status.phase is Phase.RUNNING and (ready is None or ready.status is ConditionStatus.TRUE):
        return "Trouble" if status.message else "Ready"
    if status.phase is Phase.BACK_OFF:
        return status.phase.value
    deciding = _unmet(status) or ready
    return deciding.reason if deciding else status.phase.value


def _unmet(status: NotebookStatus) -> Condition | None:
    """Return what a start waits for, unless that is only its own server."""
    if status.phase not in _UNDERWAY:
        return None
    found = (find_condition(status.conditions, kind) for kind in _ORDER)
    return next((c for c in found if c is not None and c.status is ConditionStatus.FALSE), None)


def _is_warning(status: NotebookStatus) -> bool:
    if status.phase in (Phase.FAILED, Phase.BACK_OFF):
        return True
    if status.phase is Phase.RUNNING:  # what runs well has nothing to say
        return bool(status.message)
    unmet = _unmet(status)
    return _reason(status) == NODE_DOWN or (unmet is not None and unmet.reason != ENDING)


def carried_out(name: str, action: Action, now: datetime) -> tuple[Event, ...]:
    """Return what is told of an action that was carried out for the notebook `name`."""
    about = (Concerned.NOTEBOOK, name)
    return tuple(made(about, EventType.NORMAL, reason, text, now) for reason, text in _done(action))


def _done(action: Action) -> Iterator[tuple[str, str]]:
    match action:
        case actions.CreateSecret():
            yield "SecretCreated", "The secret with its token was made."
        case actions.CreateService():
            yield "ServiceCreated", "Its service was made."
        case actions.UpdateService():
            yield "ServiceUpdated", f"Its service was updated: {action.why}."
        case actions.RemoveService():
            yield "ServiceRemoved", f"Its service was removed: {action.why}."
        case actions.RemoveSecret():
            yield "SecretRemoved", "The secret with its token was removed."
        case actions.EraseSecretEnvironment():
            yield "SecretErased", "Its secret values were erased from the store."
        case actions.AdoptHome() | actions.ReleaseHomes():
            return  # the homes tell
        case actions.RemoveRecord():
            yield (
                "Deleted",
                "The hub deleted it, and its record is gone with it.",
            )
        case _:
            assert_never(action)


def refused(name: str, action: Action, error: EngineError, now: datetime) -> tuple[Event, ...]:
    """Return what is told of an action that failed; a Swarm that only moved on is no news."""
    if error.kind in (Kind.STALE, Kind.GONE):
        return ()
    reason = f"Failed{type(action).__name__}"
    about = (Concerned.NOTEBOOK, name)
    return (made(about, EventType.WARNING, reason, error.sentence, now),)


def leads(host: str, now: datetime) -> Event:
    """Return what is told when an operator takes the lease."""
    message = f"The operator on {host} took the lease and acts from now on."
    return made((Concerned.OPERATOR, host), EventType.NORMAL, "LeaseAcquired", message, now)


def orphan_removed(host: str, what: str, now: datetime) -> Event:
    """Return what is told when the operator removes what no record wants."""
    message = f"The {what} was removed: no record wants it."
    return made((Concerned.OPERATOR, host), EventType.NORMAL, "OrphanRemoved", message, now)


def held_back(host: str, why: str, now: datetime) -> Event:
    """Return what is told when the operator does not dare to remove anything."""
    return made((Concerned.OPERATOR, host), EventType.WARNING, "SweepHeld", why, now)
