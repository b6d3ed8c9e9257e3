"""An operator's process as it is, wired to a simulated Swarm, a virtual clock and a stage.

The unmodified `swarmhub_operator.main.run` is what runs. Only what it takes from the outside is
replaced: threads, clocks, the engine's client, the health endpoint, the probe over the network.
"""

from __future__ import annotations

import contextlib
import functools
import random
import re
import traceback
import types
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock
from urllib.parse import urlsplit
from uuid import UUID

from prometheus_client import CollectorRegistry
from simswarm.engine import SimulatedEngine
from simswarm.raw import Raw
from simswarm.swarm import Swarm
from simulation.seam import Seam
from simulation.stage import Actor, Process, Stage
from simulation.threads import Pool, Threading, Time
from swarmhub_crds import watch
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.sqlstore import (
    homeside,
    lease,
    provision,
    specside,
    specwriting,
    statusside,
)
from swarmhub_crds.store import Store
from swarmhub_operator import main
from swarmhub_operator.decide import ending, follow, plan, renewing, settling
from swarmhub_operator.engine import news, observer
from swarmhub_operator.engine.errors import classify
from swarmhub_operator.engine.news import News
from swarmhub_operator.loop import (
    apply,
    controller,
    enginewatch,
    gate,
    health,
    images,
    inventories,
    judged,
    leadership,
    probe,
    workqueue,
)
from swarmhub_operator.loop.assemble import assemble

SELDOM = 0.4  # seconds of virtual time between two questions that the program asks more often
TABLES = ("services", "tasks", "task_labels", "secrets", "nodes")
_THREADED = (
    controller,
    enginewatch,
    gate,
    images,
    inventories,
    leadership,
    judged,
    observer,
    probe,
    workqueue,
    watch,
)
# What the operator asks again and again costs most of a run's time.
_ASKS_OFTEN = (
    *((module, "SOON") for module in (ending, follow, plan, renewing, settling)),
    (probe, "INTERVAL"),
)
_TIMED = (apply, controller, enginewatch, probe, watch)
_DATED = (homeside, lease, provision, specside, specwriting, statusside)
_READS = (
    "get_notebook",
    "list_notebooks",
    "get_home",
    "list_homes",
    "list_nodes",
    "secret_environment",
)
_OF_NOTEBOOKS = ("get_notebook", "list_notebooks")
_FENCED = (
    "put_notebook_status",
    "put_home_status",
    "remove_notebook",
    "remove_home",
    "erase_secrets",
    "put_nodes",
    "put_events",
)
_LEASE = ("acquire_lease", "renew_lease", "release_lease")
_LIST = re.compile(r"/(services|tasks|secrets|nodes)")
_OBJECT = re.compile(r"/(services|secrets|volumes|tasks)/(?!create)([^/]+)")

Arrival = Callable[[Actor, str, str, Any], None]


class Past:
    """What the managers' lists looked like a while ago."""

    def __init__(self, swarm: Swarm, kept: int = 200) -> None:
        self._swarm = swarm
        self._kept: deque[tuple[float, dict[str, dict[str, Raw]]]] = deque(maxlen=kept)

    def note(self) -> None:
        """Keep the tables as they are now; the objects in them never change."""
        tables = {name: dict(getattr(self._swarm.world, name)) for name in TABLES}
        self._kept.append((self._swarm.clock.monotonic(), tables))

    @contextlib.contextmanager
    def back(self, seconds: float) -> Iterator[None]:
        """Show the tables as they were so long ago."""
        then = self._swarm.clock.monotonic() - seconds
        old = next((t for at, t in reversed(self._kept) if at <= then), None)
        if old is None:
            yield
            return
        world = self._swarm.world
        now = {name: getattr(world, name) for name in TABLES}
        for name in TABLES:
            setattr(world, name, old[name])
        try:
            yield
        finally:
            for name in TABLES:
                setattr(world, name, now[name])


class StagedEngine(SimulatedEngine):
    """A simulated engine at whose calls other threads may go on, and whatever is planned happens.

    Attributes:
        stale: seconds by which the lists lag behind; asked at each list.
        echoes: how many times each event is told; asked at each event.
        late: seconds that a changing request is on its way, after the last look at the lease;
            asked at each.
        given_up: seconds after which a changing request arrives though its sender has been told
            that it timed out; 0: no such thing. Asked at each.
    """

    def __init__(
        self, swarm: Swarm, stage: Stage, seam: Seam, past: Past, arrivals: list[Arrival]
    ) -> None:
        super().__init__(swarm)
        self._stage = stage
        self._seam = seam
        self._past = past
        self._arrivals = arrivals
        self.stale: Callable[[], float] = lambda: 0.0
        self.echoes: Callable[[], int] = lambda: 1
        self.late: Callable[[], float] = lambda: 0.0
        self.given_up: Callable[[], float] = lambda: 0.0

    def _call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        work = functools.partial(super()._call, method, path, body, **query)
        verb, target = _verb(method, path), self._target(path, body)
        return self._seam.carry("engine", verb, target, work, changing=method != "GET")

    def _target(self, path: str, body: Any) -> str:
        if isinstance(body, Mapping):
            return str(body["Name"])
        found = _OBJECT.fullmatch(path)
        if found is None:
            return ""
        raw = getattr(self._swarm.world, found[1], {}).get(found[2])
        return str(raw["Spec"].get("Name", found[2])) if raw else found[2]

    def _pass(self, seconds: float) -> None:
        self._stage.pause(seconds)

    def _arrive(
        self, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> tuple[int, Any]:
        if method == "GET":
            behind = self.stale() if _LIST.fullmatch(path) else 0.0
            with self._past.back(behind) if behind else contextlib.nullcontext():
                return super()._arrive(method, path, query, body)
        actor = self._stage.current
        if actor is not None:
            for told in self._arrivals:
                told(actor, method, path, body)
        land = functools.partial(self._land, method, path, query, body)
        if late := self.late():
            self._stage.pause(late)
        if given_up := self.given_up():
            self._seam.given_up[self._target(path, body)] += 1
            self._stage.clock.after(given_up, lambda: _ignore(land()))
            raise classify(None, "Read timed out.")
        return land()

    def _land(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any]:
        self._past.note()
        what = f"{_verb(method, path)} {self._target(path, body)}"
        status, answer = super()._arrive(method, path, query, body)
        if status < 400:
            self._seam.landed[what] += 1
        return status, answer

    def events(self, seconds: float) -> Iterator[News]:
        """Yield once per event, for at most `seconds` of virtual time."""
        told: list[Raw] = []
        stop = self._swarm.journal.listen(told.append)
        end = self._stage.clock.monotonic() + seconds
        try:
            while (left := end - self._stage.clock.monotonic()) > 0:
                while told:
                    heard = news.read(told.pop())
                    for _ in range(self.echoes()):
                        yield heard
                self._stage.pause(left, lambda: bool(told))
        finally:
            stop()


def _verb(method: str, path: str) -> str:
    known = re.sub(r"^/distribution/.*", "/distribution/ID", _OBJECT.sub(r"/\1/ID", path))
    return f"{method} {known}"


class Alarm:
    """A module's log, whose exceptions are noted."""

    def __init__(self, log: Any, told: list[str]) -> None:
        self._log = log
        self._told = told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def exception(self, event: str, **about: object) -> None:
        """Note an exception, and log it."""
        self._told.append(f"{event} {about}\n{traceback.format_exc()}")
        self._log.exception(event, **about)


def _ignore(_answer: object) -> None:
    """Nobody waits for it any more."""


class Wiring:
    """Everything that is replaced while a simulation lasts.

    Attributes:
        commits: how many writes of operators the store has taken.
        alarms: what the operators logged as exceptions: errors that nobody had thought of; and
            writes that the store should have refused.
        registries: what each process tells who scrapes it, by the process's name.
    """

    def __init__(self, stage: Stage, seam: Seam, swarm: Swarm, seed: int) -> None:
        self.stage = stage
        self.seam = seam
        self.swarm = swarm
        self.commits = 0
        self.alarms: list[str] = []
        self.registries: dict[str, CollectorRegistry] = {}
        self._patches = contextlib.ExitStack()
        self._chance = random.Random(seed)

    def connect(self, engine_of: Callable[[Process], StagedEngine]) -> None:
        """Replace; `engine_of` makes the engine that a process calls."""
        stage, clock = self.stage, self.stage.clock
        for module in _THREADED:
            self._patch(module, "threading", Threading(stage))
        for module in _TIMED:
            self._patch(module, "time", Time(stage))
        for module in _DATED:
            self._patch(module, "utc_now", clock.utc)
        for module, name in _ASKS_OFTEN:
            self._patch(module, name, SELDOM)
        self._patch(specwriting, "uuid4", self._uuid)
        self._patch(leadership, "boot_time", clock.monotonic)
        self._patch(probe, "ThreadPoolExecutor", lambda *_, **__: Pool(stage))
        self._patch(workqueue, "random", self._chance)
        seldom = functools.partial(watch.StoreWatch, interval=SELDOM)
        self._patch(controller, "StoreWatch", seldom)
        self._patch(main, "DockerEngine", functools.partial(self._engine, engine_of))
        own = functools.partial(assemble, ask=self._ask, clock=clock.monotonic, now=clock.utc)
        self._patch(main, "assemble", own)
        self._patch(main, "socket", mock.Mock(gethostname=lambda: self._process().name))
        self._patch(health, "serve", self._serve_health)
        for module in (controller, leadership):
            self._patch(module, "log", Alarm(module.log, self.alarms))
        for name in _READS:
            self._carry_store(name, changing=False)
        for name in (*_FENCED, *_LEASE):
            self._carry_store(name, changing=True)

    def _engine(
        self,
        engine_of: Callable[[Process], StagedEngine],
        _host: str,
        guard: Callable[[], None],
        _logins: object,
    ) -> StagedEngine:
        engine = engine_of(self._process())
        engine.guard = guard
        return engine

    def _serve_health(
        self, _pulse: object, registry: CollectorRegistry, *_address: object
    ) -> types.SimpleNamespace:
        self.registries[self._process().name] = registry
        return types.SimpleNamespace(shutdown=lambda: None, server_close=lambda: None)

    def _uuid(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)

    def _process(self) -> Process:
        process = self.stage.process
        if process is None:
            raise RuntimeError("Only a process on the stage connects to an engine.")
        return process

    def _patch(self, module: object, name: str, value: object) -> None:
        self._patches.enter_context(mock.patch.object(module, name, value))

    def _carry_store(self, name: str, *, changing: bool) -> None:
        real = getattr(Store, name)
        seam, stage, wiring = self.seam, self.stage, self

        def method(store: Store, *arguments: Any, **named: Any) -> Any:
            def work() -> Any:
                stage.pause()
                answer = real(store, *arguments, **named)
                wiring.commits += changing
                if name in _FENCED and stage.process:
                    wiring.require_lease(store, name)
                return answer

            target = arguments[0] if arguments and isinstance(arguments[0], str) else ""
            actor, outcome = stage.current, "failed"
            try:
                answer = seam.carry("store", name, target, work, changing=changing)
                outcome = "ok" if answer else "empty"
                if actor is not None and name == "get_notebook" and isinstance(answer, Notebook):
                    actor.generation = answer.metadata.generation
            finally:
                if actor is not None and name in _OF_NOTEBOOKS:
                    actor.read = (name, outcome)
            return answer

        self._patch(Store, name, method)

    def require_lease(self, store: Store, name: str) -> None:
        """Sound the alarm if the store took a write of an operator that does not lead."""
        process, lease = self._process(), store.read_lease()
        if lease is None or lease.holder.split("/")[0] != process.name:
            self.alarms.append(f"{process.name} {name}: does not hold the lease, {lease} does")

    def _ask(self, url: str) -> bool:
        return self.swarm.answers(urlsplit(url).hostname or "")

    def disconnect(self) -> None:
        """Put everything back."""
        self._patches.close()
