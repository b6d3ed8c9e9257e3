"""Starts on their way: who holds a place in the gate, who is asked whether it answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from swarmhub_crds.notebook import Notebook, NotebookStatus, Phase

from swarmhub_operator.decide import terms
from swarmhub_operator.decide.actions import CreateService
from swarmhub_operator.decide.admission import allows_image
from swarmhub_operator.decide.build import Wanted
from swarmhub_operator.decide.follow import is_ready, is_recent
from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.verdict import Verdict
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.engine.observed import Reservation, Task, TaskState
from swarmhub_operator.engine.snapshot import Snapshot
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.gate import places, quarters_of
from swarmhub_operator.loop.parts import Parts
from swarmhub_operator.loop.probe import Target
from swarmhub_operator.loop.sight import is_to_run

LOG_LINES = 20
LOG_WIDTH = 500  # characters of a line that are kept in the status
LOOK_IN_LINE = 30.0  # seconds between two whole looks at one that waits for its turn
HOLD = timedelta(seconds=60)  # a start that takes longer is not busy with the CPU
PREPARED_WITHIN = timedelta(seconds=5)
log = get_logger()


class Starting:
    """Completes what a look tells about a notebook that should run, and keeps the gate."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._width = 0  # of the gate, when it was last asked for
        self._held: tuple[Reservation, ...] = ()  # what was told last
        self._others: tuple[Reservation, ...] = ()  # of this, what no notebook holds
        self._seen: dict[str, float] = {}  # when those in the line were last looked at

    def place(self, record: Notebook) -> int:
        """Return the place of a start that only waits for its turn; 0 if it wants a whole look.

        Many who wait and are looked at again and again would take the cores from those who start.
        """
        name, status = record.metadata.name, record.status
        seen, now = self._seen.get(name), self._parts.clock()
        known = status.observed_generation == record.metadata.generation
        if seen is None or now - seen > LOOK_IN_LINE or not known or not is_to_run(record):
            return 0
        return self._ask(record)

    def _ask(self, record: Notebook) -> int:
        meta, spec = record.metadata, record.spec
        since = meta.spec_written_at or meta.created_at
        quarters = quarters_of(terms.of(spec, self._parts.policy).cpu_limit)
        return self._parts.gate.ask(meta.name, self._width, spec.user, since, quarters)

    def before(self, wanted: Wanted, observed: Observed, snapshot: Snapshot) -> Observed:
        """Ask for a place in the gate and for the image's digest; nothing runs yet.

        Raises:
            EngineError: the engine cannot be asked.
        """
        others = self._of_others(self._parts.observer.reservations(), snapshot)
        per_core = self._parts.policy.starts_per_core
        self._width = places(observed.nodes.values(), per_core, others)
        place = self._ask(wanted.notebook)
        spec, parts = wanted.spec, self._parts
        # A registry that the policy does not name is not asked on behalf of the hub.
        ask = not place and allows_image(spec.image, parts.policy)
        image = parts.images.resolve(spec.image, spec.pull_policy) if ask else ""
        return replace(observed, place=place, image=image)

    def _of_others(
        self, held: tuple[Reservation, ...], snapshot: Snapshot
    ) -> tuple[Reservation, ...]:
        """Return what other services hold; all of a list is gone through once."""
        if held is not self._held:
            self._held = self._others = held
        ours = snapshot.tally.services
        self._others = tuple(one for one in self._others if one.service_id not in ours)
        return self._others

    def after(self, wanted: Wanted, observed: Observed) -> Observed:
        """Ask the newest task: for its last words, or whether it answers."""
        task, status = observed.task, wanted.notebook.status
        if task is None:
            return observed
        if task.ended:
            counted = task.id == status.failed_task_id
            trouble = self._parts.images.trouble(wanted.spec.image)
            observed = replace(observed, registry=trouble)
            return observed if counted else replace(observed, log=self._log_of(task))
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
        scheme = "https" if spec.certificate else "http"
        return Target(wanted.name, task.id, f"{scheme}://{host}:{spec.port}{spec.probe_path}")

    def _log_of(self, task: Task) -> tuple[str, ...]:
        """Read a log as far as it can be had: a reason without log lines is better than none."""
        try:
            lines = self._parts.engine.task_log(task.id, LOG_LINES)
        except EngineError as error:
            log.info("no log", task=task.id, error=str(error))
            return ()
        return tuple(line[:LOG_WIDTH] for line in lines)

    def follow_up(self, name: str, observed: Observed, verdict: Verdict) -> None:
        """Keep gate and prober in step with what was decided."""
        if occupies(observed, verdict, self._parts.now()):
            self._hold(name, observed.task)
        elif not (observed.place and verdict.status.phase is Phase.PENDING):
            self.leave(name)
        if observed.place:
            self._seen[name] = self._parts.clock()
        if verdict.status.phase is not Phase.STARTING:
            self._parts.prober.forget(name)

    def _hold(self, name: str, task: Task | None) -> None:
        """Keep the notebook's place; once it is prepared, call who is next in line."""
        prepared = task is not None and _is_prepared(task, self._parts.now())
        self._call(self._parts.gate.hold(name, prepared=prepared))

    def leave(self, name: str) -> None:
        """Give up the notebook's place, and call who is next in line."""
        self._seen.pop(name, None)
        self._call(self._parts.gate.leave(name))

    def _call(self, following: str | None) -> None:
        if following is not None:
            self._parts.enqueue(following)

    def forget(self, name: str) -> None:
        """Let go of a notebook that is no more."""
        self._parts.prober.forget(name)
        self.leave(name)


def occupies(observed: Observed, verdict: Verdict, now: datetime) -> bool:
    """Return whether a start is at work on some node, and so holds a place in the gate.

    One that waits (for a node, an address, its home) does not keep others from starting.
    """
    if any(isinstance(action, CreateService) for action in verdict.actions):
        return True
    service, task = observed.service, observed.task
    if service is None or not _is_underway(verdict.status):
        return False
    if task is None or task.ended:
        return is_recent(service.updated_at, now, HOLD)
    node = observed.nodes.get(task.node_id or "")
    waiting = task.stuck or (node is not None and node.state == "down")
    return not waiting and is_recent(task.created_at, now, HOLD)


def _is_prepared(task: Task, now: datetime) -> bool:
    """Whether its process runs; what takes long is the pull of an image, which takes no core."""
    return task.state is TaskState.RUNNING or not is_recent(task.created_at, now, PREPARED_WITHIN)


def _is_underway(status: NotebookStatus) -> bool:
    return status.phase in (Phase.PENDING, Phase.STARTING)
