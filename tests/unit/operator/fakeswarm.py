"""A Swarm in memory, and an operator on it, for tests of the loop."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from support.waiting import wait_for
from swarmhub_crds.home import HomeSpec, Reclaim
from swarmhub_crds.notebook import Desired, Mount, Notebook, NotebookSpec, NotebookStatus
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.errors import EngineError, Kind, classify
from swarmhub_operator.engine.news import News
from swarmhub_operator.engine.observed import (
    Node,
    Reservation,
    Secret,
    Service,
    Task,
    TaskState,
    Volume,
)
from swarmhub_operator.hostmemory import HostMemory
from swarmhub_operator.loop.alive import SignOfLife
from swarmhub_operator.loop.assemble import assemble
from swarmhub_operator.loop.controller import Controller
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.metrics import Metrics
from swarmhub_operator.loop.ownmemory import of_nothing
from swarmhub_operator.loop.pulse import Pulse
from swarmhub_operator.settings import Settings

NETWORK = "notebooks"
NODE = Node("n1", "host-n1", "manager", "active", "ready", 64.0, 2**36)


def _errand_of(service: Service) -> tuple[str, list[str]]:
    """Return node and command of an errand."""
    command = service.spec["TaskTemplate"]["ContainerSpec"]["Command"]
    return service.pin or "", command[3:]


class FakeSwarm:
    """Implements the `Engine` port: what is created runs at once. Thread-safe.

    `before` is called with the name of each method before it does its work, and may raise. An
    errand does what `errand` returns for its node and command: exit code and output, or None
    while it is still at work.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.before: Callable[[str], None] = lambda _: None
        self.nodes_seen: tuple[Node, ...] = (NODE,)
        self.volumes: dict[str, Mapping[str, str]] = {}
        self.digests: dict[str, str] = {}  # by image
        self.errand: Callable[[str, list[str]], tuple[int, str] | None] = lambda *_: None
        self.sent: list[tuple[str, list[str]]] = []  # node and command of each errand
        self._lock = threading.RLock()
        self._ids = count(1)
        self.held: tuple[Reservation, ...] = ()
        self._services: dict[str, Service] = {}
        self._tasks: dict[str, Task] = {}  # by service
        self._secrets: dict[str, Secret] = {}

    def _call(self, name: str) -> None:
        with self._lock:
            self.calls[name] += 1
        self.before(name)

    def services(self, store: str, notebook: str = "") -> tuple[Service, ...]:
        """List the services of a store."""
        self._call("services")
        with self._lock:
            found = self._services.values()
            ours = tuple(s for s in found if store in ("", s.labels.get(labels.STORE)))
        return tuple(s for s in ours if notebook in ("", s.labels.get(labels.NOTEBOOK)))

    def tasks(self, store: str, notebook: str = "") -> tuple[Task, ...]:
        """List all tasks; there is but one store."""
        self._call("tasks")
        with self._lock:
            of = {i: s.labels.get(labels.NOTEBOOK) for i, s in self._services.items()}
            found = tuple(self._tasks.values()) if store else ()
        return tuple(t for t in found if notebook in ("", of[t.service_id]))

    def ending_tasks(self, store: str) -> tuple[Task, ...]:
        """List the tasks that have ended."""
        self._call("ending_tasks")
        with self._lock:
            of = {i: s.labels.get(labels.NOTEBOOK, "") for i, s in self._services.items()}
            ended = [t for t in self._tasks.values() if t.ended]
            return tuple(replace(t, notebook=of[t.service_id]) for t in ended) if store else ()

    def errands(self, store: str) -> tuple[Service, ...]:
        """List the one-off services of a store."""
        self._call("errands")
        with self._lock:
            found = self._services.values()
            return tuple(s for s in found if s.labels.get(labels.ERRAND_STORE) == store)

    def errand_tasks(self, store: str) -> tuple[Task, ...]:
        """List the tasks of a store's one-off services."""
        self._call("errand_tasks")
        with self._lock:
            return tuple(map(self._at_errand, self.errands(store)))

    def _at_errand(self, service: Service) -> Task:
        at, found = self._tasks[service.id], self.errand(*_errand_of(service))
        node = _errand_of(service)[0]
        if found is None:
            return replace(at, node_id=node)
        state = TaskState.FAILED if found[0] else TaskState.COMPLETE
        return replace(at, node_id=node, state=state, exit_code=found[0])

    def secrets(self, store: str, notebook: str = "") -> tuple[Secret, ...]:
        """List the secrets of a store."""
        self._call("secrets")
        with self._lock:
            found = self._secrets.values()
            ours = tuple(s for s in found if s.labels.get(labels.STORE) == store)
        return tuple(s for s in ours if notebook in ("", s.labels.get(labels.NOTEBOOK)))

    def nodes(self) -> tuple[Node, ...]:
        """List the nodes."""
        self._call("nodes")
        return self.nodes_seen

    def reservations(self) -> tuple[Reservation, ...]:
        """List what others hold."""
        self._call("reservations")
        return self.held

    def update_node(
        self, node_id: str, version: int, availability: str, labels: Mapping[str, str]
    ) -> None:
        """Set a node's availability and labels."""
        self._call("update_node")
        if next(n.version for n in self.nodes_seen if n.id == node_id) != version:
            raise classify(500, "update out of sequence")
        self.nodes_seen = tuple(
            replace(n, availability=availability, labels=dict(labels), version=version + 1)
            if n.id == node_id
            else n
            for n in self.nodes_seen
        )

    def find_service(self, name: str) -> Service | None:
        """Find a service by its name."""
        self._call("find_service")
        return next((s for s in self._services.values() if s.name == name), None)

    def create_service(self, spec: Mapping[str, Any]) -> str:
        """Create a service with a task that runs."""
        self._call("create_service")
        now, ident = datetime.now(UTC), f"s{next(self._ids)}"
        with self._lock:
            made = Service(ident, spec["Name"], 1, spec["Labels"], spec, now, now)
            self._services[ident] = made
            if labels.ERRAND in made.labels:
                self.sent.append(_errand_of(made))
            self._run_task(ident, now)
        return ident

    def update_service(self, service_id: str, version: int, spec: Mapping[str, Any]) -> None:
        """Replace a service's spec, and its task by a new one."""
        self._call("update_service")
        now = datetime.now(UTC)
        with self._lock:
            old = self._services[service_id]
            assert old.version == version
            self._services[service_id] = replace(
                old, version=version + 1, labels=spec["Labels"], spec=spec, updated_at=now
            )
            self._run_task(service_id, now)

    def _run_task(self, service: str, now: datetime) -> None:
        ident = f"t{next(self._ids)}"
        node = self._services[service].pin or "n1"
        self._tasks[service] = Task(
            ident, service, node, TaskState.RUNNING, "running", "", "", now, now, None,
            {NETWORK: "10.0.0.9"},
        )  # fmt: skip

    def end_task(self, service_name: str) -> None:
        """Let the task of a service fail."""
        now = datetime.now(UTC)
        with self._lock:
            found = next(s.id for s in self._services.values() if s.name == service_name)
            self._tasks[found] = replace(
                self._tasks[found], state=TaskState.FAILED, exit_code=1, changed_at=now
            )

    def remove_service(self, service_id: str) -> None:
        """Remove a service and its task."""
        self._call("remove_service")
        with self._lock:
            self._services.pop(service_id)
            self._tasks.pop(service_id)

    def create_secret(self, name: str, data: bytes, labels: Mapping[str, str]) -> str:
        """Create a secret; its content is nobody's business."""
        self._call("create_secret")
        assert data
        ident = f"x{next(self._ids)}"
        with self._lock:
            self._secrets[ident] = Secret(ident, name, labels, datetime.now(UTC))
        return ident

    def find_secret(self, name: str) -> Secret | None:
        """Find a secret by its name."""
        self._call("find_secret")
        return next((s for s in self._secrets.values() if s.name == name), None)

    def remove_secret(self, secret_id: str) -> None:
        """Remove a secret."""
        self._call("remove_secret")
        with self._lock:
            self._secrets.pop(secret_id)

    def task_log(self, task_id: str, lines: int) -> tuple[str, ...]:
        """Return a line, which is long."""
        self._call("task_log")
        return (f"the end of {task_id} " + "x" * 20_000,)[:lines]

    def task_output(self, task_id: str) -> str:
        """Return what an errand's task wrote."""
        self._call("task_output")
        at = next(t.service_id for t in self._tasks.values() if t.id == task_id)
        found = self.errand(*_errand_of(self._services[at]))
        return found[1] if found else ""

    def resolve_image(self, image: str) -> str:
        """Know the images of `digests`."""
        self._call("resolve_image")
        if image not in self.digests:
            raise EngineError(Kind.GONE, f"The registry does not know the image {image}.")
        return f"{image}@{self.digests[image]}"

    def own_image(self, image: str) -> str | None:
        """Have the images of `digests`."""
        self._call("own_image")
        return self.digests.get(image)

    def own_node_id(self) -> str:
        """Return the only node."""
        self._call("own_node_id")
        return "n1"

    def find_volume(self, name: str) -> Volume | None:
        """Return a volume."""
        self._call("find_volume")
        found = self.volumes.get(name)
        return None if found is None else Volume(name, found, "local", {}, datetime.now(UTC))

    def own_volumes(self) -> tuple[Volume, ...]:
        """List the volumes."""
        self._call("own_volumes")
        now = datetime.now(UTC)
        return tuple(Volume(n, found, "local", {}, now) for n, found in self.volumes.items())

    def measured_volumes(self) -> tuple[Volume, ...]:
        """List the volumes, each of three bytes."""
        return tuple(replace(volume, size=3) for volume in self.own_volumes())

    def remove_volume(self, name: str) -> None:
        """Remove a volume."""
        self._call("remove_volume")
        del self.volumes[name]

    def events(self, seconds: float) -> Iterator[News]:
        """Tell of nothing, for some time."""
        self._call("events")
        time.sleep(min(seconds, 0.2))
        yield from ()


class Operator:
    """An operator in this process, on a Swarm in memory and a real store."""

    def __init__(
        self,
        store: Store,
        swarm: FakeSwarm,
        policy: Policy | None = None,
        memory: Callable[[], HostMemory | None] = of_nothing,
    ) -> None:
        self.store = store
        self.swarm = swarm
        self.pulse = Pulse()
        settings = Settings(network=NETWORK, policy=policy or Policy(), lease_ttl=15)
        self.leadership = Leadership(store, "test", SignOfLife(store.path), settings.lease_ttl)
        assert self.leadership.acquire()
        self.metrics = Metrics()
        self.metrics.state.store, self.metrics.state.leadership = store, self.leadership
        self.controller: Controller = assemble(
            store,
            swarm,
            self.leadership,
            settings,
            self.pulse,
            ask=lambda _: True,
            metrics=self.metrics,
            memory=memory,
        )
        self.controller.start(workers=4)

    def stop(self) -> None:
        """Stop reconciling and give the lease back."""
        self.controller.stop(5.0)
        self.leadership.release()

    def apply(self, user: str, **values: Any) -> Notebook:
        """Write down that a notebook should run, as the spawner does."""
        return self.store.apply_notebook(
            spec(user, **values), homes={f"jupyterhub-{user}": HomeSpec(user=user)}
        )

    def status(self, name: str) -> NotebookStatus:
        """Return what is."""
        record = self.store.get_notebook(name)
        assert isinstance(record, Notebook)
        return record.status

    def wait(self, name: str, what: str, check: Callable[[NotebookStatus], bool]) -> None:
        """Wait until the notebook's status passes a check."""
        wait_for(f"{name}: {what}", lambda: check(self.status(name)), timeout=20)


def spec(user: str, **values: Any) -> NotebookSpec:
    """Return the spec of a notebook that should run with a home."""
    given = {
        "user": user,
        "image": "lab",
        "command": ("start",),
        "networks": (NETWORK,),
        "desired": Desired.RUNNING,
        "mounts": (Mount(volume=f"jupyterhub-{user}", target="/home/jovyan", home=True),),
        **values,
    }
    return NotebookSpec(**given)


__all__ = ["NETWORK", "NODE", "EngineError", "FakeSwarm", "Operator", "Reclaim", "spec"]
