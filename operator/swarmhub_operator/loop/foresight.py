"""What an operator would do now, told without doing any of it.

It decides as the operator does, by the same functions on the same facts. What only the operator
remembers is left out or told by the engine's clock, and each forecast says what that may change.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from swarmhub_crds import names
from swarmhub_crds.home import Home
from swarmhub_crds.inventory import Inventory
from swarmhub_crds.notebook import Notebook, NotebookStatus, Phase
from swarmhub_crds.store import Broken, Store

from swarmhub_operator.decide import actions
from swarmhub_operator.decide.actions import Action
from swarmhub_operator.decide.behind import MESSAGE, leavings
from swarmhub_operator.decide.binding import bindings
from swarmhub_operator.decide.build import Wanted, secret_name, service_spec
from swarmhub_operator.decide.inputs import Context, Observed
from swarmhub_operator.decide.inventories import Found, find
from swarmhub_operator.decide.plan import REPAIR_EVERY
from swarmhub_operator.decide.specdiff import Change, changes
from swarmhub_operator.decide.verdict import Verdict
from swarmhub_operator.engine.observed import Node, Service, TaskState
from swarmhub_operator.engine.observer import Observer
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.engine.snapshot import Snapshot
from swarmhub_operator.loop.apply import known_secrets
from swarmhub_operator.loop.deciding import Decider
from swarmhub_operator.loop.inventories import of_own_node
from swarmhub_operator.loop.sight import Sight, Sources, is_to_run
from swarmhub_operator.settings import Settings

_NEW_SECRET = "(the new one)"  # noqa: S105  # stands for its id
_LINE = (
    "it may have to wait in line first: which other starts are under way is in the operator's "
    "memory; and the operator asks the registry for the image's digest"
)
_PROBE = "whether it answers: the operator alone asks it"
_LOG = (
    "its last log lines, which are not read here: a server that could not reach the hub costs no "
    "attempt and is restarted after another delay"
)
_REPAIR = f"when the operator last put it right: it does so every {REPAIR_EVERY:g} s at most"


@dataclass(frozen=True, slots=True)
class Step:
    """One action, on what, and what it changes about a service."""

    action: Action
    target: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would be done for one notebook.

    Attributes:
        status: what would be written, None if that is what stands there.
        unknown: what could make it come out differently, and is not known here.
        held: why nothing is done though something is there, or "".
    """

    record: Notebook | Broken
    steps: tuple[Step, ...] = ()
    status: NotebookStatus | None = None
    unknown: tuple[str, ...] = ()
    held: str = ""

    @property
    def does_something(self) -> bool:
        """Whether the operator would change anything."""
        return bool(self.steps) or self.status is not None


class Foresight:
    """One look at store and engine, and what would follow from it. It only reads."""

    def __init__(self, store: Store, engine: Engine, settings: Settings, now: datetime) -> None:
        """Read the store, then the engine.

        Raises:
            EngineError: the engine cannot be asked.
            StoreError: the store cannot be read.
        """
        self._engine = engine
        self._now = now
        self._store = store.uid
        self._records = {_name(record): record for record in store.list_notebooks()}
        self._homes = {_name(home): home for home in store.list_homes()}
        self._inventories = {one.node_id: one for one in store.list_inventories()}
        self._asks = bool(settings.errand_image)
        policy = settings.effective_policy
        sources = Sources(self._homes.get, store.removed_uids, self._known, self._find)
        self._sight = Sight(sources, policy)
        observer = Observer(engine, self._store)
        self._decider = Decider(engine, observer, self._store, time.monotonic)
        self._context = Context(policy, settings.network, now)
        self._snapshot = observer.look(float("-inf"))

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes that were seen."""
        return tuple(self._snapshot.nodes.values())

    def without_record(self) -> tuple[str, ...]:
        """Return the names of the services of this store that no record wants."""
        found = self._snapshot.services.items()
        return tuple(sorted(s.name for n, s in found if n not in self._records))

    def tell(self, only: Collection[str] | None = None) -> Iterator[Forecast]:
        """Tell what would be done for each notebook, or those of some names.

        Raises:
            EngineError: the engine cannot be asked.
            StoreError: the store cannot be read.
        """
        for name, record in self._records.items():
            if only is not None and name not in only:
                continue
            if isinstance(record, Broken):
                yield _of_broken(record, self._snapshot)
            else:
                yield self._of_notebook(record)

    def _of_notebook(self, record: Notebook) -> Forecast:
        wanted = Wanted(record, self._store, self._sight.homes(record))
        wanted = self._with_bindings(wanted)
        observed = self._by_the_engine_clock(self._sight.observe(wanted, self._snapshot))
        if is_to_run(record):
            observed = self._sight.complete(wanted, observed, self._snapshot)
        verdict = self._decider.decide(wanted, observed, self._snapshot, self._context)
        return Forecast(
            record,
            tuple(_steps(wanted, observed, verdict)),
            verdict.status if _is_news(record.status, verdict.status) else None,
            tuple(_unknown(record.status, observed, verdict)),
        )

    def _with_bindings(self, wanted: Wanted) -> Wanted:
        """Take it as written where its homes lie: the operator does so before it decides."""
        known = dict(wanted.homes)
        for name, status in bindings(wanted, self._snapshot, self._now):
            known[name] = known[name].model_copy(update={"status": status})
        return replace(wanted, homes=known)

    def _by_the_engine_clock(self, observed: Observed) -> Observed:
        """Say for how long things are as they are without having watched them."""
        service, since = observed.service, observed.down_since
        return replace(
            observed,
            unchanged=self._since(service.updated_at) if service else 0.0,
            down_for=self._since(since) if since else 0.0,
        )

    def _since(self, moment: datetime) -> float:
        return max(0.0, (self._now - moment).total_seconds())

    def _known(self) -> tuple[Inventory, ...]:
        return tuple(self._inventories.values())

    def _find(self, home: Home, nodes: Mapping[str, Node]) -> Found:
        """Find a home by what the nodes have last told; the engine's own is asked now."""
        known = dict(self._inventories)
        own = nodes.get(self._engine.own_node_id())
        if own is not None:
            known[own.id] = of_own_node(self._engine, own, home, self._now)
        silent = frozenset() if self._asks else frozenset(nodes)
        return find(home, known, nodes.values(), silent)


def _name(record: Notebook | Home | Broken) -> str:
    return record.name if isinstance(record, Broken) else record.metadata.name


def _of_broken(record: Broken, snapshot: Snapshot) -> Forecast:
    """Tell what becomes of a record that cannot be read: only its deletion is carried out."""
    if record.deletion_requested_at is None:
        return Forecast(record, held=f"{record.message} What runs of it is left alone.")
    left = leavings(record, snapshot)
    if left is None:
        return Forecast(record, held=MESSAGE)
    services, secrets = left
    if services:
        steps = [Step(actions.RemoveService(s.id, "deleted"), s.name) for s in services]
        return Forecast(record, tuple(steps))
    gone = [Step(actions.RemoveSecret(s.id, s.name), s.name) for s in secrets]
    return Forecast(record, (*gone, Step(actions.RemoveRecord(), record.name)))


def _steps(wanted: Wanted, observed: Observed, verdict: Verdict) -> Iterator[Step]:
    first = (observed.service,) if observed.service else ()
    services = {service.id: service for service in (*first, *observed.strays)}
    for action in verdict.actions:
        target = _target(wanted, action, services)
        if isinstance(action, actions.CreateService | actions.UpdateService):
            old = observed.service.spec if observed.service else {}
            yield Step(action, target, _changes(wanted, observed, action, old))
        else:
            yield Step(action, target)


def _target(wanted: Wanted, action: Action, services: Mapping[str, Service]) -> str:
    match action:
        case actions.CreateService():
            return names.service_name(wanted.name)
        case actions.UpdateService(service_id) | actions.RemoveService(service_id):
            return services[service_id].name
        case actions.CreateSecret(name) | actions.RemoveSecret(_, name):
            return name
        case actions.AdoptHome(volume):
            return volume
        case actions.ReleaseHomes(volumes):
            return ", ".join(volumes)
        case _:
            return wanted.name


def _changes(
    wanted: Wanted,
    observed: Observed,
    action: actions.CreateService | actions.UpdateService,
    old: Mapping[str, object],
) -> tuple[Change, ...]:
    known = known_secrets(wanted, observed)
    secret = known.get(secret_name(wanted.notebook) or "", _NEW_SECRET)
    return changes(old, service_spec(wanted, action.placement, secret))


def _is_news(old: NotebookStatus, new: NotebookStatus) -> bool:
    """Whether a status says something else; when, and in which words, is no difference."""
    return _gist(old) != _gist(new)


def _gist(status: NotebookStatus) -> tuple[object, ...]:
    said = frozenset((c.type, c.status, c.reason) for c in status.conditions)
    return (
        status.phase,
        status.observed_generation,
        status.failures,
        status.failed_task_id,
        status.service_id,
        status.task_id,
        status.node_id,
        status.address,
        said,
    )


def _unknown(old: NotebookStatus, observed: Observed, verdict: Verdict) -> Iterator[str]:
    """Yield what of the operator's memory could make this come out differently."""
    task = observed.task
    if any(isinstance(a, actions.CreateService) for a in verdict.actions):
        yield _LINE
    if any(isinstance(a, actions.UpdateService) and a.repair for a in verdict.actions):
        yield _REPAIR
    if verdict.status.failed_task_id != old.failed_task_id:
        yield _LOG
    running = task is not None and task.state is TaskState.RUNNING
    if running and verdict.status.phase is Phase.STARTING:
        yield _PROBE
