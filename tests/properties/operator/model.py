"""A very small Swarm of pure values, driven by the plans of one store's notebooks.

It knows services, their newest tasks and secrets, and what becomes of them when planned actions are
applied. It is no simulator: no history, no clock skew, no failing calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from support.records import IMAGE, NETWORK, NOW, STORE, node, task
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Notebook
from swarmhub_operator.decide import actions
from swarmhub_operator.decide.actions import Action
from swarmhub_operator.decide.build import Placement, Wanted, ownership, secret_name, service_spec
from swarmhub_operator.decide.inputs import Context, Observed
from swarmhub_operator.decide.plan import plan
from swarmhub_operator.decide.policy import Policy, RestartPolicy
from swarmhub_operator.decide.verdict import Verdict
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Secret, Service, Task, TaskState
from swarmhub_operator.engine.snapshot import Snapshot, index

POLICY = Policy(restart=RestartPolicy(budget=2))
NODES = {"n1": node("n1"), "n2": node("n2")}
TICK = 2.0  # seconds between two looks


@dataclass
class Swarm:
    """Services, tasks and secrets by id, and the records that want them by name."""

    records: dict[str, Notebook] = field(default_factory=dict)
    homes: dict[str, Home] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)  # by service id: the newest
    secrets: dict[str, Secret] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)  # uids without secret environment
    released: list[str] = field(default_factory=list)
    log: list[tuple[str, Action]] = field(default_factory=list)
    seconds: float = 0.0
    crashing: bool = False
    number: int = 0

    def fresh_id(self, kind: str) -> str:
        """Return an id that was never used."""
        self.number += 1
        return f"{kind}-{self.number}"

    @property
    def context(self) -> Context:
        """What decisions depend on now."""
        return Context(POLICY, NETWORK, NOW + timedelta(seconds=self.seconds))

    def wanted(self, name: str) -> Wanted:
        """Return a record as planning sees it."""
        record = self.records[name]
        mounted = {m.volume for m in record.spec.mounts}
        return Wanted(record, STORE, {v: h for v, h in self.homes.items() if v in mounted})

    def look(self) -> Snapshot:
        """Take one look."""
        tasks = tuple(self.tasks.values())
        services, secrets = tuple(self.services.values()), tuple(self.secrets.values())
        return index(self.seconds, services, tasks, secrets, tuple(NODES.values()))

    def observe(self, name: str) -> Observed:
        """Return what one look tells about one notebook."""
        seen = self.look()
        service = seen.services.get(name)
        current = seen.current_task(service) if service else None
        mine = (s for s in seen.strays if s.labels.get(labels.NOTEBOOK) == name)
        return Observed(
            service=service,
            strays=tuple(mine),
            task=current,
            secrets=seen.secrets.get(name, ()),
            nodes=seen.nodes,
            unchanged=((self.context.now - service.updated_at).total_seconds() if service else 0.0),
            answering=bool(current and current.state is TaskState.RUNNING),
            image=IMAGE,
        )

    def decide(self, name: str) -> Verdict:
        """Plan one notebook."""
        return plan(self.wanted(name), self.observe(name), self.context)

    def step(self, name: str) -> Verdict:
        """Decide, record and apply, as one reconciliation does."""
        verdict = self.decide(name)
        if not verdict.act_first:
            self.write(name, verdict)
        done = self.carry_out(name, verdict)
        if verdict.act_first and done and name in self.records:
            self.write(name, verdict)
        return verdict

    def write(self, name: str, verdict: Verdict) -> None:
        """Store the status."""
        record = self.records[name]
        self.records[name] = record.model_copy(update={"status": verdict.status})

    def carry_out(self, name: str, verdict: Verdict) -> bool:
        """Apply the actions up to the first that fails; return whether none did."""
        wanted = self.wanted(name)
        for action in verdict.actions:
            self.log.append((wanted.notebook.metadata.uid, action))
            try:
                self.apply(wanted, action)
            except EngineError:
                return False
        return True

    def apply(self, wanted: Wanted, action: Action) -> None:
        """Do what one action asks, as an engine and a store would."""
        match action:
            case actions.CreateSecret(name):
                made = Secret(self.fresh_id("secret"), name, ownership(wanted), self.context.now)
                self.secrets[made.id] = made
            case actions.CreateService(placement):
                self._create(service_spec(wanted, placement, self._secret_of(wanted)))
            case actions.UpdateService(ident, version, placement):
                self._update(wanted, ident, version, placement)
            case actions.RemoveService(ident):
                self.services.pop(ident, None)
                self.tasks.pop(ident, None)
            case actions.RemoveSecret(ident):
                self._remove_secret(ident)
            case actions.EraseSecretEnvironment():
                self.erased.add(wanted.notebook.metadata.uid)
            case actions.ReleaseHomes(volumes):
                self.released.extend(volumes)
            case actions.RemoveRecord():
                del self.records[wanted.name]

    def _secret_of(self, wanted: Wanted) -> str | None:
        name = secret_name(wanted.notebook)
        return next((s.id for s in self.secrets.values() if s.name == name), None)

    def _create(self, spec: Mapping[str, Any]) -> None:
        if any(s.name == spec["Name"] for s in self.services.values()):
            raise EngineError(Kind.TAKEN, "The name is taken.")
        self.place(spec)

    def place(self, spec: Mapping[str, Any]) -> Service:
        """Put a service of this spec there, with a task on its way."""
        ident, now = self.fresh_id("service"), self.context.now
        made = Service(ident, spec["Name"], 1, spec["Labels"], spec, now, now)
        self.services[ident] = made
        self.new_task(made)
        return made

    def _update(self, wanted: Wanted, ident: str, version: int, placement: Placement) -> None:
        old = self.services.get(ident)
        if old is None or old.version != version:
            raise EngineError(Kind.STALE, "It was changed meanwhile.")
        spec = service_spec(wanted, placement, self._secret_of(wanted))
        new = replace(
            old,
            spec=spec,
            labels=spec["Labels"],
            version=version + 1,
            updated_at=self.context.now,
        )
        self.services[ident] = new
        changed = (spec["TaskTemplate"], spec["Mode"]) != (
            old.spec.get("TaskTemplate"),
            old.spec.get("Mode"),
        )
        if changed:
            self.new_task(new)

    def _remove_secret(self, ident: str) -> None:
        if any(ident in str(s.spec.get("TaskTemplate")) for s in self.services.values()):
            raise EngineError(Kind.IN_USE, "It is in use.")
        self.secrets.pop(ident, None)

    def new_task(self, service: Service, state: TaskState = TaskState.NEW) -> None:
        """Put a new newest task there."""
        now = self.context.now
        made = task(state, id=self.fresh_id("task"), service_id=service.id)
        for constraint in service.spec["TaskTemplate"]["Placement"]["Constraints"]:
            made = replace(made, node_id=constraint.removeprefix("node.id=="))
        self.tasks[service.id] = replace(made, created_at=now, changed_at=now)

    def advance(self) -> None:
        """Let time pass: tasks on their way run, or crash if that is how things are."""
        self.seconds += TICK
        for ident, found in self.tasks.items():
            if found.ended or (found.state is TaskState.RUNNING and not self.crashing):
                continue
            ends = self.crashing and found.state is TaskState.RUNNING
            state = TaskState.FAILED if ends else TaskState.RUNNING
            code = 1 if ends else None
            self.tasks[ident] = replace(
                found, state=state, exit_code=code, changed_at=self.context.now
            )

    def settle(self, rounds: int = 60) -> None:
        """Look at every notebook, again and again, while time passes."""
        for _ in range(rounds):
            for name in sorted(self.records):
                self.step(name)
            self.advance()
