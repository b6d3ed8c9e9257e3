"""One look at the Swarm, indexed by what planning asks of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from immutables import Map

from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Node, Secret, Service, Task
from swarmhub_operator.engine.tally import Tally, tally

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spell:
    """The time that a node has spent in one state, as this operator saw it."""

    state: str
    seen: float  # monotonic seconds at which the first look saw it so
    since: datetime | None  # by the manager's clock


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at everything that carries our store's uid."""

    started: float  # monotonic seconds at which the look began
    services: Mapping[str, Service]  # by notebook name
    strays: tuple[Service, ...]  # further services with the same notebook label
    tasks: Mapping[str, tuple[Task, ...]]  # by service id, newest first
    secrets: Mapping[str, tuple[Secret, ...]]  # by notebook name
    nodes: Mapping[str, Node]  # by id
    # Tasks of services that are gone, by notebook name; Swarm forgets them once they have ended.
    ending: Mapping[str, tuple[Task, ...]] = field(default_factory=dict)
    since: Mapping[str, float] = field(default_factory=dict)  # service id -> first seen as it is
    spells: Mapping[str, Spell] = field(default_factory=dict)  # by node id
    tally: Tally = field(default_factory=Tally)  # of all services

    def unchanged(self, service: Service) -> float:
        """Return for how many seconds this operator has seen `service` as it is."""
        return self.started - self.since.get(service.id, self.started)

    def down(self, task: Task | None) -> Spell | None:
        """Return since when the task's node is down, or None if it is not."""
        spell = self.spells.get(task.node_id or "") if task else None
        return spell if spell is not None and spell.state == "down" else None

    def all_services(self) -> tuple[Service, ...]:
        """Return every service of ours."""
        return (*self.services.values(), *self.strays)

    def strays_of(self, notebook: str) -> tuple[Service, ...]:
        """Return the further services with the label of a notebook."""
        return tuple(s for s in self.strays if s.labels.get(labels.NOTEBOOK) == notebook)

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
        state = node.standing if node else None
        return (secrets, service.id, service.version, task.id, task.state, task.error, state)


def newest(tasks: tuple[Task, ...]) -> dict[str, Task]:
    """Return the newest task of each service, by the service's id."""
    found: dict[str, Task] = {}
    for task in sorted(tasks, key=lambda t: (t.rank, t.id)):
        found[task.service_id] = task
    return found


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
    there = {service.id for service in services}
    ending: dict[str, list[Task]] = {}
    task_lists: dict[str, list[Task]] = {}
    for task in sorted(tasks, key=lambda t: (t.rank, t.id), reverse=True):
        task_lists.setdefault(task.service_id, []).append(task)
        if task.service_id not in there:
            ending.setdefault(task.notebook, []).append(task)
    secret_lists: dict[str, list[Secret]] = {}
    for secret in secrets:
        secret_lists.setdefault(secret.labels.get(labels.NOTEBOOK, ""), []).append(secret)
    newest_first = _tuples(task_lists)
    return Snapshot(
        started=started,
        services=Map(by_name),
        strays=tuple(strays),
        tasks=newest_first,
        secrets=_tuples(secret_lists),
        nodes={n.id: n for n in nodes},
        ending=_tuples(ending),
        tally=tally(services, newest_first),
    )


def _tuples(lists: Mapping[str, list[T]]) -> Map[str, tuple[T, ...]]:
    return Map({key: tuple(of_it) for key, of_it in lists.items()})
