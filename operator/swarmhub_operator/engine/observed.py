"""What the engine said, as frozen values: the only form in which the rest sees the Swarm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from swarmhub_operator.engine import labels
from swarmhub_operator.engine.amounts import CORE, Amounts


class TaskState(StrEnum):
    """Swarm's task states in the order in which a task passes through them (swarmkit api/types)."""

    NEW = "new"
    PENDING = "pending"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    PREPARING = "preparing"
    READY = "ready"
    STARTING = "starting"
    RUNNING = "running"
    COMPLETE = "complete"
    SHUTDOWN = "shutdown"
    FAILED = "failed"
    REJECTED = "rejected"
    REMOVE = "remove"
    ORPHANED = "orphaned"
    UNKNOWN = "unknown"  # a state of an engine newer than this code

    @classmethod
    def _missing_(cls, _value: object) -> TaskState:
        return cls.UNKNOWN


ENDED = frozenset(
    {
        TaskState.COMPLETE,
        TaskState.SHUTDOWN,
        TaskState.FAILED,
        TaskState.REJECTED,
        TaskState.REMOVE,
        TaskState.ORPHANED,
    }
)
UNPLACED = (TaskState.NEW, TaskState.PENDING)
# No process has run in these, and no home is bound by them.
UNBEGUN = (TaskState.ASSIGNED, TaskState.ACCEPTED, TaskState.PREPARING, TaskState.READY)


_DIGITS = 10  # of a generation; no spec is written so often


@dataclass(frozen=True, slots=True)
class Service:
    """One Swarm service of ours."""

    id: str
    name: str
    version: int
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime

    @property
    def force_update(self) -> int:
        """The counter that each restart raises by one."""
        return int(self.spec.get("TaskTemplate", {}).get("ForceUpdate", 0))

    @property
    def image(self) -> str:
        """The image that its tasks run."""
        return str(self.spec.get("TaskTemplate", {}).get("ContainerSpec", {}).get("Image", ""))

    @property
    def generation(self) -> int:
        """The generation of the record that it was made of; 0 if its label does not tell."""
        text = self.labels.get(labels.GENERATION, "")
        return int(text) if text.isdecimal() and len(text) < _DIGITS else 0

    @property
    def pin(self) -> str | None:
        """Id of the node to which the service is tied."""
        placement = self.spec.get("TaskTemplate", {}).get("Placement") or {}
        tied = (c.partition("node.id==") for c in placement.get("Constraints") or ())
        return next((ident for _, found, ident in reversed([*tied]) if found), None)

    @property
    def volumes(self) -> frozenset[str]:
        """Names of the volumes that it mounts."""
        return mounted(self.spec.get("TaskTemplate", {}).get("ContainerSpec", {}))

    @property
    def reserved(self) -> Amounts:
        """What each of its tasks holds of its node."""
        resources = self.spec.get("TaskTemplate", {}).get("Resources") or {}
        return Amounts.read(resources.get("Reservations"))

    @property
    def alias(self) -> str:
        """The name that its tasks have in its networks; "" without one."""
        networks = self.spec.get("TaskTemplate", {}).get("Networks") or ()
        return next((alias for n in networks for alias in n.get("Aliases") or ()), "")

    @property
    def mounted_secret(self) -> str | None:
        """Id of the secret that the service mounts."""
        container = self.spec.get("TaskTemplate", {}).get("ContainerSpec", {})
        return next((s.get("SecretID") for s in container.get("Secrets") or ()), None)


def mounted(container: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the volumes that the spec of a container mounts."""
    return frozenset(m.get("Source", "") for m in container.get("Mounts") or ())


@dataclass(frozen=True, slots=True)
class Task:
    """One task: one attempt to run the container of a service."""

    id: str
    service_id: str
    node_id: str | None
    state: TaskState
    desired_state: str
    message: str
    error: str
    created_at: datetime
    changed_at: datetime
    exit_code: int | None
    addresses: Mapping[str, str]  # network name -> IP address
    container: str = ""  # id of its container, once there has been one
    updated_at: datetime | None = None  # by the manager's clock, unlike `changed_at`
    version: int = 0  # of all that the managers wrote, what they wrote about it last
    force_update: int = 0  # what its service's counter was when it was made
    notebook: str = ""  # name of the notebook that its container serves
    volumes: frozenset[str] = frozenset()  # names of those that its container mounts

    @property
    def ended(self) -> bool:
        """Whether this task will never run again."""
        return self.state in ENDED

    @property
    def wanted(self) -> bool:
        """Whether Swarm means it to run; what it no longer wants, it places nowhere any more."""
        return self.desired_state not in ("shutdown", "remove")

    @property
    def stuck(self) -> bool:
        """Whether Swarm has looked for a node and found none."""
        return self.state is TaskState.PENDING and bool(self.error)

    @property
    def begun(self) -> bool:
        """Whether it may have left something on its node: a process of it may have run there."""
        if self.node_id is None or self.state in UNPLACED or self.state in UNBEGUN:
            return False
        return not self.ended or bool(self.container)

    @property
    def rank(self) -> tuple[bool, bool, int, int, datetime]:
        """The greater, the newer among the tasks of one service.

        Times are of little use: while a clock that was set back catches up, every new task would
        be older than the last one before. Nor is the version enough: a node that comes back tells
        late how its tasks have ended, the older ones after the newer.
        """
        alive = self.wanted and not self.ended
        return (alive, self.wanted, self.force_update, self.version, self.created_at)


@dataclass(frozen=True, slots=True)
class Node:
    """One machine of the Swarm."""

    id: str
    hostname: str
    role: str
    availability: str  # active, pause, drain
    state: str  # ready, down, disconnected, unknown
    cpus: float
    memory: int  # bytes
    labels: Mapping[str, str] = field(default_factory=dict)
    updated_at: datetime | None = None  # among else, when its engine last joined
    generic: Mapping[str, int] = field(default_factory=dict)  # generic resources by kind
    os: str = ""
    arch: str = ""
    address: str = ""
    engine_labels: Mapping[str, str] = field(default_factory=dict)
    version: int = 0  # what an update must name
    engine_version: str = ""
    reachability: str = ""  # of a manager, as the leader sees it: reachable, unreachable, unknown

    @property
    def usable(self) -> bool:
        """Whether Swarm would place a new task here."""
        return self.state == "ready" and self.availability == "active"

    @property
    def hindrance(self) -> str:
        """Why it takes no tasks, as the end of a sentence: "is down", "is set to drain"."""
        return f"is {self.state}" if self.state != "ready" else f"is set to {self.availability}"

    @property
    def emptied(self) -> bool:
        """Whether an administrator wants it to be empty; not once it takes tasks again."""
        return labels.DRAIN in self.labels and not self.usable

    @property
    def down_since(self) -> datetime | None:
        """When it went down, as far as is known, or None if it is not down."""
        return self.updated_at if self.state == "down" else None

    @property
    def standing(self) -> tuple[object, ...]:
        """What of it concerns those who run there."""
        return (self.state, self.usable, self.emptied)

    @property
    def has(self) -> Amounts:
        """What it has in all."""
        return Amounts(round(self.cpus * CORE), self.memory, self.generic)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one task, ours or not, holds of its node until it has ended."""

    service_id: str
    node_id: str
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class Secret:
    """One Swarm secret of ours (never its content)."""

    id: str
    name: str
    labels: Mapping[str, str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of the engine's own node."""

    name: str
    labels: Mapping[str, str]
    driver: str
    options: Mapping[str, str]
    created_at: datetime
    size: int | None = None  # bytes; only if it was measured
