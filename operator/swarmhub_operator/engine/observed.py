"""What the engine said, as frozen values: the only form in which the rest sees the Swarm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from swarmhub_operator.engine import labels


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
    def mounted_secret(self) -> str | None:
        """Id of the secret that the service mounts."""
        container = self.spec.get("TaskTemplate", {}).get("ContainerSpec", {})
        return next((s.get("SecretID") for s in container.get("Secrets") or ()), None)


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

    @property
    def ended(self) -> bool:
        """Whether this task will never run again."""
        return self.state in ENDED


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

    @property
    def usable(self) -> bool:
        """Whether Swarm would place a new task here."""
        return self.state == "ready" and self.availability == "active"


@dataclass(frozen=True, slots=True)
class Secret:
    """One Swarm secret of ours (never its content)."""

    id: str
    name: str
    labels: Mapping[str, str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at everything that carries our store's uid."""

    started: float  # monotonic seconds at which the look began
    services: Mapping[str, Service]  # by notebook name
    strays: tuple[Service, ...]  # further services with the same notebook label
    tasks: Mapping[str, tuple[Task, ...]]  # by service id, newest first
    secrets: Mapping[str, tuple[Secret, ...]]  # by notebook name
    nodes: Mapping[str, Node]  # by id

    def all_services(self) -> tuple[Service, ...]:
        """Return every service of ours."""
        return (*self.services.values(), *self.strays)

    def current_task(self, service: Service) -> Task | None:
        """Return the newest task of `service`."""
        tasks = self.tasks.get(service.id, ())
        return tasks[0] if tasks else None

    def fingerprint(self, notebook: str) -> tuple[object, ...]:
        """Return what must change before the notebook is worth another look."""
        service = self.services.get(notebook)
        secrets = tuple(s.id for s in self.secrets.get(notebook, ()))
        if service is None:
            return (secrets,)
        task = self.current_task(service)
        if task is None:
            return (secrets, service.id, service.version)
        node = self.nodes.get(task.node_id or "")
        node_state = node.state if node else None
        return (secrets, service.id, service.version, task.id, task.state, task.error, node_state)


def index(
    started: float,
    services: tuple[Service, ...],
    tasks: tuple[Task, ...],
    secrets: tuple[Secret, ...],
    nodes: tuple[Node, ...],
) -> Snapshot:
    """Index one look by the keys that planning asks for."""
    by_name: dict[str, Service] = {}
    strays: list[Service] = []
    for service in sorted(services, key=lambda s: (s.created_at, s.id)):
        name = service.labels.get(labels.NOTEBOOK, "")
        if name in by_name:
            strays.append(service)
        else:
            by_name[name] = service
    task_lists: dict[str, list[Task]] = {}
    for task in sorted(tasks, key=lambda t: (t.created_at, t.id), reverse=True):
        task_lists.setdefault(task.service_id, []).append(task)
    secret_lists: dict[str, list[Secret]] = {}
    for secret in secrets:
        secret_lists.setdefault(secret.labels.get(labels.NOTEBOOK, ""), []).append(secret)
    return Snapshot(
        started=started,
        services=by_name,
        strays=tuple(strays),
        tasks={k: tuple(v) for k, v in task_lists.items()},
        secrets={k: tuple(v) for k, v in secret_lists.items()},
        nodes={n.id: n for n in nodes},
    )
