"""An event of the engine: a hint that something has changed, and of what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarmhub_operator.engine import labels


@dataclass(frozen=True, slots=True)
class News:
    """One event; it may be lost, late or doubled.

    Attributes:
        kind: of object, such as "node" or "service".
        action: what happened to it, such as "die" or "update".
        id: of the object.
        notebook: whose it is, if the event tells: that of a container does, by its labels.
    """

    kind: str
    action: str = ""
    id: str = ""
    notebook: str = ""


def read(event: Mapping[str, Any]) -> News:
    """Read an event as the engine tells it."""
    actor = event.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    notebook = str(attributes.get(labels.NOTEBOOK, ""))
    action = str(event.get("Action", ""))
    return News(str(event.get("Type", "")), action, str(actor.get("ID", "")), notebook)
