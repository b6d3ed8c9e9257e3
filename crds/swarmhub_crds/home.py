"""The home record: a user's volume, which outlives the notebook."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from swarmhub_crds.base import API_VERSION, Condition, Metadata, Model, Tolerant, UtcTime


class Reclaim(StrEnum):
    """What happens to the volume once the hub has deleted its user or server."""

    RETAIN = "Retain"
    DELETE = "Delete"


class HomePhase(StrEnum):
    """The state of a home."""

    PENDING = "Pending"  # no volume has been made yet
    BOUND = "Bound"
    RELEASED = "Released"  # its user is gone, the volume is kept
    DELETING = "Deleting"
    LOST = "Lost"


class HomeSpec(Model):
    """Which volume, whose, and what becomes of it. Written by the spawner alone."""

    user: str = Field(min_length=1)
    server: str = ""
    driver: str = "local"
    driver_options: dict[str, str] = Field(default_factory=dict)
    reclaim: Reclaim = Reclaim.RETAIN


class HomeStatus(Tolerant):
    """Where the volume is. Written by the operator alone."""

    observed_generation: int = Field(default=0, ge=0)
    phase: HomePhase = HomePhase.PENDING
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    node_id: str | None = None  # the node that holds a volume of the local driver
    node: str | None = None
    last_used_at: UtcTime | None = None


class Home(Tolerant):
    """A home record. Its name is the volume's name."""

    api_version: Literal["swarmhub/v1"] = API_VERSION
    kind: Literal["Home"] = "Home"
    metadata: Metadata
    spec: HomeSpec
    status: HomeStatus = HomeStatus()

    @property
    def node_local(self) -> bool:
        """Whether the volume exists on one node only (the local driver without a network share)."""
        return self.spec.driver == "local" and self.spec.driver_options.get("type") != "nfs"
