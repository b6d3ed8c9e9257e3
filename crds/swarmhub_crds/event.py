"""What the operator decided, one line each, as `swarmhub events` lists it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from swarmhub_crds.base import Tolerant, UtcTime


class Concerned(StrEnum):
    """What an event can be about."""

    NOTEBOOK = "Notebook"
    HOME = "Home"
    NODE = "Node"  # by its hostname
    OPERATOR = "Operator"


class EventType(StrEnum):
    """Whether a person may have to look, in Kubernetes' words."""

    NORMAL = "Normal"
    WARNING = "Warning"


class Event(Tolerant):
    """One decision about one object; the same one again raises `count` and `last_seen`.

    `position` says where it stands among all, the newest last; the store gives it, and a new one
    with each repetition.
    """

    kind: Concerned
    name: str
    type: EventType = EventType.NORMAL
    reason: str = Field(pattern=r"^[A-Z][A-Za-z0-9]*$")
    message: str  # one sentence for a person
    count: int = Field(default=1, ge=1)
    first_seen: UtcTime
    last_seen: UtcTime
    position: int = 0
