"""The home record: a user's volume, which outlives the notebook."""

from __future__ import annotations

from collections.abc import Mapping
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
    MOVING = "Moving"  # it is being copied to another node: who mounts it waits
    DELETING = "Deleting"  # its volume is being removed: nobody can mount it
    LOST = "Lost"  # its volume is no longer on its node


# Types of the local driver's mounts that any node can mount; see mount(8).
SHARED_TYPES = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "glusterfs", "ceph", "lustre"})


def is_node_local(driver: str, options: Mapping[str, str]) -> bool:
    """Tell whether a volume exists on one node only: the local driver without a network share."""
    return driver == "local" and options.get("type", "").lower() not in SHARED_TYPES


class HomeOrders(Model):
    """What an administrator wants of a home; a later start by the spawner leaves it as it is."""

    move_to: str | None = None  # id of the node that it is to lie on
    moves: int = Field(default=0, ge=0)  # how often a move was ordered
    forgotten: tuple[str, ...] = ()  # ids of the nodes whose volume was given up, one each time
    held_for: str = ""  # what is being done with its content, as in "restored"
    held_until: UtcTime | None = None  # until then no notebook that mounts it starts


class HomeSpec(Model):
    """Which volume, whose, and what becomes of it.

    Written by the spawner; `orders` are an administrator's.
    """

    user: str = Field(min_length=1)
    server: str = ""
    driver: str = "local"
    driver_options: dict[str, str] = Field(default_factory=dict)
    reclaim: Reclaim = Reclaim.RETAIN
    ownerless: bool = False  # the hub has deleted its user; their next start takes it back
    orders: HomeOrders = HomeOrders()


class Place(Tolerant):
    """A node that holds, or held, the volume."""

    node_id: str
    node: str  # hostname


class HomeStatus(Tolerant):
    """Where the volume is. Written by the operator alone."""

    observed_generation: int = Field(default=0, ge=0)
    phase: HomePhase = HomePhase.PENDING
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    node_id: str | None = None  # the node that holds a volume of the local driver
    node: str | None = None
    last_used_at: UtcTime | None = None
    size: int | None = Field(default=None, ge=0)  # bytes, when it was last measured
    adopted: bool = False  # the volume was there before its record, and is not labelled with it
    leftovers: tuple[Place, ...] = ()  # copies that a move left, still to be removed
    moves: int = Field(default=0, ge=0)  # how many ordered moves have ended, well or not
    forgotten: int = Field(default=0, ge=0)  # how often its volume was given up


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
        return is_node_local(self.spec.driver, self.spec.driver_options)
