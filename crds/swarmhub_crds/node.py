"""A node as the operator last saw it, and what an administrator orders about one.

Both stand in the store: the one so that it can be read at any time, the other so that the operator
carries out what the hub's process, which reaches no engine, can only write down.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import Field

from swarmhub_crds.base import Tolerant, UtcTime

DRAIN_LABEL: Final = "swarmhub.drain"  # on a node that `swarmhub drain` empties


class SeenNode(Tolerant):
    """One machine of the Swarm, as `swarmhub nodes` lists it. Words are the engine's own."""

    id: str
    hostname: str
    role: str = ""  # manager, worker
    availability: str = ""  # active, pause, drain
    state: str = ""  # ready, down, disconnected, unknown
    since: UtcTime | None = None  # when it got into this state, by the manager's clock
    cpus: float = 0.0
    memory: int = 0  # bytes
    memory_used: int | None = None  # bytes in use by all that runs there; None: not known
    labels: dict[str, str] = Field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether Swarm would place a new task here."""
        return self.state == "ready" and self.availability == "active"

    @property
    def drained(self) -> bool:
        """Whether an administrator wants it empty."""
        return DRAIN_LABEL in self.labels


class NodeVerb(StrEnum):
    """What can be ordered about a node, in the words of the `swarmhub` command."""

    DRAIN = "drain"
    UNCORDON = "uncordon"


class NodeOrder(Tolerant):
    """An order about one node, which the operator carries out once and then removes.

    `version` is the store's revision at its writing: it tells it from one that took its place.
    """

    node_id: str
    node: str = Field(max_length=255)  # hostname, as it was when this was ordered
    verb: NodeVerb
    asked_by: str = Field(max_length=255)  # who asked, by their name in the hub
    asked_at: UtcTime
    version: int = 0
