"""What must hold after every step of every run, and at every call that changes the Swarm.

The checks know the records and the Swarm as they are, not as the operator sees them, and share
with the operator only the names of labels and the hash of a spec.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from simswarm import lookup, states
from simswarm.raw import Raw
from simswarm.refusal import Refusal
from simulation.contents import Contents
from simulation.stage import Actor, Process
from swarmhub_crds.errors import StoreError
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_crds.store import Broken
from swarmhub_operator.decide.build import secret_name, spec_hash
from swarmhub_operator.engine import labels

if TYPE_CHECKING:
    from simulation.driver import Simulation

_TABLES = {"services": "service", "secrets": "secret"}


class Violation(AssertionError):  # noqa: N818 - says what it is
    """Something happened that must never happen."""


class Invariants:
    """Watches a simulation.

    Attributes:
        broken: what was violated; whoever drives raises it.
        checked: how many times anything was checked.
        contents: what is in the homes.
    """

    def __init__(self, sim: Simulation) -> None:
        self.broken: list[str] = []
        self.contents = Contents(sim)
        sim.swarm.stock.losses.append(self._lose)
        self.checked = 0
        self._sim = sim
        self._acted: dict[str, int] = {}  # uid -> observed generation
        self._known: dict[str, str] = {}  # uid -> name, of every record that was ever seen
        self._written: dict[str, Raw] = {}  # service id -> the spec that an operator gave it
        self._commits = -1
        self._checks: dict[tuple[str, str], Callable[[Actor, Raw], str | None]] = {
            ("DELETE", "services"): self._remove_service,
            ("DELETE", "secrets"): self._remove_secret,
            ("POST", "services"): self._restart,
        }

    def watch(self) -> None:
        """Check what is, after a step."""
        self.checked += 1
        self._note_specs()
        self._one_service()
        self._one_server()
        self.broken += self.contents.watch()
        if self._sim.commits != self._commits:
            self._commits = self._sim.commits
            self._generations()

    def arrive(self, actor: Actor, method: str, path: str, body: Any) -> None:
        """Check a call that reaches the Swarm from an operator."""
        self.checked += 1
        with self._aside():
            problems = list(self._problems(actor, method, path, body))
        self.broken += [f"{actor.process.name} {method} {path}: {p}" for p in problems]

    def _lose(self, node: str, name: str) -> None:
        """Check the removal of a volume, whoever is at work there."""
        with self._aside():
            self.broken += self.contents.removal(node, name, errand=True)

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Read the store as nobody's process."""
        stage = self._sim.stage
        current, stage.current = stage.current, None
        try:
            yield
        finally:
            stage.current = current

    def _problems(self, actor: Actor, method: str, path: str, body: Any) -> Iterator[str]:
        yield from self._fenced(actor.process)
        _, table, ident, *_ = path.split("/")
        if ident == "create":
            if self._store_of(body["Labels"]) != self._sim.store.uid:
                yield "makes something without the label of its store"
            return
        if table == "volumes":
            yield from self._after_good_read(actor, table)
            yield from self.contents.removal(self._sim.swarm.own_node, ident)
            return
        try:
            target = lookup.find(_TABLES[table], getattr(self._sim.swarm.world, table), ident)
        except Refusal:
            if labels.ERRAND not in self._written.get(ident, {}).get("Labels", {}):
                yield from self._after_good_read(actor, table)
            return
        if self._store_of(target["Spec"]["Labels"]) != self._sim.store.uid:
            yield f"touches {target['Spec']['Name']}, which is not its store's"
            return
        if target["ID"] != ident:
            yield "does not name it by its full id"
        if labels.ERRAND not in target["Spec"]["Labels"]:  # what errands do, `contents` checks
            yield from self._of_notebook(actor, method, table, target, body)

    def _of_notebook(
        self, actor: Actor, method: str, table: str, target: Raw, body: Any
    ) -> Iterator[str]:
        """Check a change of what belongs to a notebook."""
        yield from self._after_good_read(actor, table)
        about = {**target, "New": body} if body is not None else target
        problem = self._checks[method, table](actor, about)
        if problem:
            yield problem
        if body is not None:
            self._written.pop(target["ID"], None)

    def _store_of(self, about: Mapping[str, str]) -> str | None:
        return about.get(labels.STORE) or about.get(labels.ERRAND_STORE)

    def tampered(self, service: Raw) -> bool:
        """Return whether somebody else changed the service since an operator wrote it."""
        return bool(self._written.get(service["ID"], service["Spec"]) != service["Spec"])

    def _note_specs(self) -> None:
        for ident, raw in self._sim.swarm.world.services.items():
            self._written.setdefault(ident, raw["Spec"])

    def _fenced(self, process: Process) -> Iterator[str]:
        """A call of an operator whose lease another one has taken must not arrive."""
        try:
            lease = self._sim.store.read_lease()
        except StoreError:
            return
        if lease is None or lease.holder.split("/")[0] != process.name:
            yield f"does not hold the lease, {lease.holder if lease else 'nobody'} does"

    def _after_good_read(self, actor: Actor, table: str) -> Iterator[str]:
        """Nothing is removed or changed on the strength of a read that failed or found nothing."""
        verb, outcome = actor.read
        if outcome == "failed" or (outcome == "empty" and table != "volumes"):
            yield f"follows {verb}, which was {outcome}"

    def _record(self, raw: Raw) -> Notebook | Broken | None:
        return self._sim.store.get_notebook(raw["Spec"]["Labels"].get(labels.NOTEBOOK, ""))

    def _remove_service(self, _actor: Actor, service: Raw) -> str | None:
        about = service["Spec"]["Labels"]
        try:
            record = self._record(service)
        except StoreError:
            return None
        if record is None:
            return None if about.get(labels.UID) in self._known else "nobody deleted its record"
        if isinstance(record, Broken):
            asked = record.deletion_requested_at is not None
            return None if asked else "removes the server of a record that cannot be read"
        wants = record.spec.desired is Desired.RUNNING
        same = about.get(labels.UID) == record.metadata.uid
        if wants and same and about.get(labels.SPEC_HASH) == spec_hash(record):
            return None if self._is_stray(service) else "removes the server that its record wants"
        return None

    def _is_stray(self, service: Raw) -> bool:
        mine = self._services().get(service["Spec"]["Labels"][labels.NOTEBOOK], [])
        return len(mine) > 1

    def _remove_secret(self, actor: Actor, secret: Raw) -> str | None:
        """What a start that was asked for since the look misses, the next look makes again."""
        try:
            record = self._record(secret)
        except StoreError:
            return None
        if isinstance(record, Notebook) and record.spec.desired is Desired.RUNNING:
            same = secret["Spec"]["Labels"].get(labels.UID) == record.metadata.uid
            looked = actor.generation == record.metadata.generation
            if same and looked and secret["Spec"]["Name"] == secret_name(record):
                return "removes the secret that its record wants"
        return None

    def _is_asked_for(self, service: Raw, task: str) -> bool:
        try:
            record = self._record(service)
        except StoreError:
            return False
        return isinstance(record, Notebook) and record.metadata.restart_of == task

    def _restart(self, _actor: Actor, service: Raw) -> str | None:
        """A server that runs, as an operator made it, is not restarted unless somebody asks."""
        before, after = (s["TaskTemplate"].get("ForceUpdate", 0) for s in _specs(service))
        ident = service["ID"]
        if after == before or self.tampered(service):
            return None
        tasks = [t for t in self._sim.swarm.world.tasks.values() if t["ServiceID"] == ident]
        alive = [t["ID"] for t in tasks if self._lives(t) and not self._may_leave(t)]
        if alive and self._is_asked_for(service, alive[0]):
            return None
        return f"restarts the task {alive[0]}, which runs" if alive else None

    def _lives(self, task: Raw) -> bool:
        container = self._sim.swarm.stock.containers.get(task["ID"])
        if container is None or container.running_since is None:
            return False
        return not container.ended and states.wanted(task)

    def _may_leave(self, task: Raw) -> bool:
        """Whether its home lies elsewhere, or it has none and an administrator empties its node."""
        node = self._sim.swarm.world.nodes[task["NodeID"]]["Spec"]
        emptied = labels.DRAIN in node["Labels"] and node["Availability"] != "active"
        floats = not task["Spec"]["ContainerSpec"].get("Mounts")
        return self._is_astray(task) or (emptied and floats)

    def _is_astray(self, task: Raw) -> bool:
        """Whether a home that the task mounts is known to lie on another node."""
        mounts = task["Spec"]["ContainerSpec"].get("Mounts") or ()
        homes = (self._sim.store.get_home(m["Source"]) for m in mounts)
        nodes = {h.status.node_id for h in homes if isinstance(h, Home)} - {None}
        return bool(nodes) and task.get("NodeID") not in nodes

    def _services(self) -> dict[str, list[Raw]]:
        found: dict[str, list[Raw]] = {}
        for raw in self._sim.swarm.world.services.values():
            about = raw["Spec"]["Labels"]
            if about.get(labels.STORE) == self._sim.store.uid:
                found.setdefault(about.get(labels.NOTEBOOK, ""), []).append(raw)
        return found

    def _one_service(self) -> None:
        for name, mine in self._services().items():
            if len(mine) > 1:
                self.broken.append(f"{name} has {len(mine)} services")

    def _one_server(self) -> None:
        """At most one container of a notebook runs and is meant to run."""
        world, running = self._sim.swarm.world, dict[str, int]()
        for task in world.tasks.values():
            about = world.task_labels.get(task["ID"], {})
            if about.get(labels.STORE) != self._sim.store.uid or not self._lives(task):
                continue
            name = about.get(labels.NOTEBOOK, "")
            running[name] = running.get(name, 0) + 1
            if running[name] > 1:
                self.broken.append(f"{name} has {running[name]} servers that run")

    def _generations(self) -> None:
        try:
            records = self._sim.store.list_notebooks()
        except StoreError:
            return
        for record in records:
            if not isinstance(record, Notebook):
                continue
            meta, acted = record.metadata, record.status.observed_generation or 0
            self._known[meta.uid] = meta.name
            if acted < self._acted.get(meta.uid, 0):
                self.broken.append(f"the observed generation of {meta.name} went back to {acted}")
            if acted > meta.generation:
                self.broken.append(f"{meta.name} was acted upon at {acted}, before it was written")
            self._acted[meta.uid] = acted


def _specs(service: Raw) -> tuple[Raw, Raw]:
    return service["Spec"], service["New"]
