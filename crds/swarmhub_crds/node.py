"""What the operator last saw of a node: told in the store, so that it can be read at any time."""

from __future__ import annotations

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
