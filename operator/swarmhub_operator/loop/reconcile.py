"""One reconciliation of one notebook: observe, plan, record, apply."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from swarmhub_crds.errors import Conflict
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import ConditionType, Desired, Notebook, NotebookStatus, Phase
from swarmhub_crds.store import Broken, Store

from swarmhub_operator.decide import homes
from swarmhub_operator.decide.actions import RemoveRecord
from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.decide.follow import is_ready
from swarmhub_operator.decide.inputs import Context, Observed
from swarmhub_operator.decide.plan import plan
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.verdict import Verdict, failed
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Snapshot, Task, TaskState
from swarmhub_operator.engine.observer import Observer
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.apply import Applier
from swarmhub_operator.loop.gate import StartGate, places
from swarmhub_operator.loop.images import ImageResolver
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.probe import Prober, Target

MAX_AGE = 0.05  # seconds that a shared look may be old
LOG_LINES = 20
log = get_logger()


def utc_now() -> datetime:
    """Return the wall clock in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a reconciler works with."""

    store: Store
    engine: Engine
    observer: Observer
    leadership: Leadership
    prober: Prober
    gate: StartGate
    images: ImageResolver
    policy: Policy
    network: str
    enqueue: Callable[[str], None]
    now: Callable[[], datetime] = utc_now
    clock: Callable[[], float] = time.monotonic


class Reconciler:
    """Brings one notebook at a time closer to its record. Thread-safe for different names."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._applier = Applier(parts.engine, parts.store, parts.leadership, parts.now)
        self._written: dict[str, float] = {}  # when we last changed the Swarm for a notebook

    def reconcile(self, name: str) -> float | None:
        """Look at one notebook, and return the seconds until it wants another look, or None.

        Raises:
            EngineError: transient; to be retried with back-off.
            StoreError: the store cannot be read or written.
            LeaseLost: another operator acts now.
        """
        record = self._parts.store.get_notebook(name)
        if record is None:
            self._forget(name)
            return None
        if isinstance(record, Broken):
            self._report_broken(record)
            return None
        wanted = Wanted(record, self._parts.store.uid, self._homes(record))
        try:
            return self._step(wanted)
        except EngineError as error:
            return self._engine_failed(wanted.notebook, error)

    def _homes(self, record: Notebook) -> dict[str, Home]:
        found = (self._parts.store.get_home(m.volume) for m in record.spec.mounts if m.home)
        return {h.metadata.name: h for h in found if isinstance(h, Home)}

    def _step(self, wanted: Wanted) -> float | None:
        parts = self._parts
        oldest = max(self._written.get(wanted.name, 0.0), parts.clock() - MAX_AGE)
        snapshot = parts.observer.look(oldest)
        observed = self._observe(wanted, snapshot)
        verdict = plan(wanted, observed, Context(parts.policy, parts.network, parts.now()))
        try:
            self._carry_out(wanted, observed, verdict)
        finally:
            if verdict.actions:
                self._written[wanted.name] = parts.clock()
        self._bind_homes(wanted, observed)
        self._follow_up(wanted, observed, verdict.status)
        return verdict.look_again

    def _observe(self, wanted: Wanted, snapshot: Snapshot) -> Observed:
        service = snapshot.services.get(wanted.name)
        strays = (s for s in snapshot.strays if s.labels.get(labels.NOTEBOOK) == wanted.name)
        observed = Observed(
            service=service,
            strays=tuple(strays),
            task=snapshot.current_task(service) if service else None,
            secrets=snapshot.secrets.get(wanted.name, ()),
            nodes=snapshot.nodes,
        )
        if wanted.spec.desired is not Desired.RUNNING or _is_settled(wanted.notebook):
            return observed
        if service is None:
            return self._before_start(wanted, observed)
        return self._after_start(wanted, observed)

    def _before_start(self, wanted: Wanted, observed: Observed) -> Observed:
        width = places(observed.nodes.values(), self._parts.policy.starts_per_core)
        place = self._parts.gate.ask(wanted.name, width)
        image = "" if place else self._parts.images.resolve(wanted.spec.image)
        return replace(observed, place=place, image=image)

    def _after_start(self, wanted: Wanted, observed: Observed) -> Observed:
        task, status = observed.task, wanted.notebook.status
        if task is None:
            return observed
        if task.ended and task.id != status.failed_task_id:
            return replace(observed, log=self._log_of(task))
        if task.state is not TaskState.RUNNING or is_ready(status, task):
            return observed
        if not self._parts.prober.is_ready(wanted.name, task.id):
            self._parts.prober.watch(self._target(wanted, task))
            return observed
        return replace(observed, answering=True)

    def _target(self, wanted: Wanted, task: Task) -> Target:
        spec = wanted.spec
        own = next((task.addresses[n] for n in spec.networks if n in task.addresses), None)
        host = own or next(iter(task.addresses.values()), "localhost")
        return Target(wanted.name, task.id, f"http://{host}:{spec.port}{spec.probe_path}")

    def _log_of(self, task: Task) -> tuple[str, ...]:
        """Read a log as far as it can be had: a reason without log lines is better than none."""
        try:
            return self._parts.engine.task_log(task.id, LOG_LINES)
        except EngineError as error:
            log.info("no log", task=task.id, error=str(error))
            return ()

    def _carry_out(self, wanted: Wanted, observed: Observed, verdict: Verdict) -> None:
        if verdict.act_first:
            self._applier.apply(wanted, observed, verdict.actions)
            if not any(isinstance(a, RemoveRecord) for a in verdict.actions):
                self._put(wanted.notebook, verdict.status)
            return
        self._put(wanted.notebook, verdict.status)
        self._applier.apply(wanted, observed, verdict.actions)

    def _put(self, record: Notebook, status: NotebookStatus) -> None:
        if status == record.status:
            return
        meta = record.metadata
        fence = self._parts.leadership.fence
        self._parts.store.put_notebook_status(
            meta.name, meta.uid, meta.resource_version, status, fence=fence
        )
        if status.phase is not record.status.phase:
            log.info("phase", notebook=meta.name, phase=status.phase, message=status.message)

    def _bind_homes(self, wanted: Wanted, observed: Observed) -> None:
        task = observed.task
        if task is None or wanted.spec.desired is not Desired.RUNNING:
            return
        node = observed.nodes.get(task.node_id or "")
        for home in wanted.homes.values():
            status = homes.bound(home, task, node, self._parts.now())
            if status is None:
                continue
            meta, fence = home.metadata, self._parts.leadership.fence
            try:
                self._parts.store.put_home_status(
                    meta.name, meta.uid, meta.resource_version, status, fence=fence
                )
            except Conflict:  # another notebook of this user was quicker: look again
                self._parts.enqueue(wanted.name)

    def _follow_up(self, wanted: Wanted, observed: Observed, status: NotebookStatus) -> None:
        """Keep the gate and the prober in step with what was decided."""
        underway = status.phase in (Phase.PENDING, Phase.STARTING) and not observed.place
        stuck = bool(observed.task and observed.task.state is TaskState.PENDING)
        if underway and not stuck and wanted.spec.desired is Desired.RUNNING:
            self._parts.gate.hold(wanted.name)
        elif not observed.place:
            self._leave_gate(wanted.name)
        if status.phase is not Phase.STARTING:
            self._parts.prober.forget(wanted.name)

    def _leave_gate(self, name: str) -> None:
        following = self._parts.gate.leave(name)
        if following is not None:
            self._parts.enqueue(following)

    def _forget(self, name: str) -> None:
        self._parts.prober.forget(name)
        self._leave_gate(name)
        self._written.pop(name, None)

    def _report_broken(self, record: Broken) -> None:
        """Say on the record itself that it cannot be read; what runs is left alone."""
        old = record.status if isinstance(record.status, NotebookStatus) else NotebookStatus()
        status = failed(
            old, ConditionType.VALID, "InvalidRecord", record.message, self._parts.now()
        ).status
        if status.conditions == old.conditions and status.message == old.message:
            return
        if record.uid is None or record.resource_version is None:
            log.error("record unreadable", notebook=record.name, error=record.message)
            return
        fence = self._parts.leadership.fence
        self._parts.store.put_notebook_status(
            record.name, record.uid, record.resource_version, status, fence=fence
        )

    def _engine_failed(self, record: Notebook, error: EngineError) -> float:
        """Write down what a person should know; a transient failure is then retried."""
        if error.kind in (Kind.STALE, Kind.GONE):  # the Swarm moved on: look again, a little later
            raise error
        fresh = self._parts.store.get_notebook(record.metadata.name)
        if isinstance(fresh, Notebook) and fresh.metadata.uid == record.metadata.uid:
            if error.kind is Kind.REFUSED:
                self._put(fresh, self._refused(fresh, error))
                self._leave_gate(record.metadata.name)
                return 0.0
            self._put(fresh, fresh.status.model_copy(update={"message": error.sentence}))
        raise error

    def _refused(self, record: Notebook, error: EngineError) -> NotebookStatus:
        status = record.status.model_copy(
            update={"observed_generation": record.metadata.generation}
        )
        return failed(
            status, ConditionType.READY, "EngineRefused", error.sentence, self._parts.now()
        ).status


def _is_settled(record: Notebook) -> bool:
    """Whether this generation has been given up or has ended by itself."""
    status = record.status
    return status.observed_generation == record.metadata.generation and status.phase in (
        Phase.FAILED,
        Phase.STOPPED,
    )
