"""The operator as it is, on a simulated Swarm, in virtual time and in an order that a seed decides.

    with Simulation(folder, seed=7) as sim:
        sim.store.apply_notebook(...)
        sim.run(30.0)

The loop's own code runs, threads and all; `stage` makes them take turns. Between two turns, and
within each call of the engine that changes something, the others may run.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest import mock
from urllib.parse import urlsplit

from simulation.engine import SimulatedEngine
from simulation.stage import Killed, Stage, Stuck
from simulation.swarm import Swarm
from simulation.world import World
from swarmhub_crds import watch
from swarmhub_crds.sqlstore import lease, provision, specside, statusside
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.engine import observer
from swarmhub_operator.engine.observer import Observer
from swarmhub_operator.loop import (
    apply,
    controller,
    gate,
    images,
    leadership,
    probe,
    pulse,
    workqueue,
)
from swarmhub_operator.loop.controller import Controller
from swarmhub_operator.loop.gate import StartGate
from swarmhub_operator.loop.images import ImageResolver
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.parts import Parts
from swarmhub_operator.loop.probe import Prober
from swarmhub_operator.loop.pulse import Pulse
from swarmhub_operator.loop.workqueue import WorkQueue

NETWORK = "swarmhub_notebooks"
WATCH_EVERY = 0.1  # seconds of virtual time between two looks at the store
_THREADED = (controller, gate, images, leadership, observer, probe, pulse, workqueue, watch)
_TIMED = (apply, controller, probe, watch)
_DATED = (lease, provision, specside, statusside)


class PausingEngine(SimulatedEngine):
    """A simulated engine at whose changing calls other threads of the operator may go on."""

    def __init__(self, swarm: Swarm, stage: Stage) -> None:
        super().__init__(swarm)
        self._stage = stage

    def _call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        if self._stage.killed:  # the end of a crashed thread calls nobody
            raise Killed
        if method != "GET":
            self._stage.pause()
        answer = super()._call(method, path, body, **query)
        if method != "GET":
            self._stage.pause()
        return answer

    def events(self, seconds: float) -> Iterator[None]:
        """Yield once per event, as they come, for at most `seconds` of virtual time."""
        told: list[object] = []
        stop = self._swarm.journal.listen(told.append)
        end = self._stage.clock.monotonic() + seconds
        try:
            while (left := end - self._stage.clock.monotonic()) > 0:
                while told:
                    told.pop()
                    yield None
                self._stage.pause(left, lambda: bool(told))
        finally:
            stop()


class _Pool:
    """As a `ThreadPoolExecutor`, as far as the prober uses it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def submit(self, job: Callable[..., None], *arguments: object) -> None:
        """Run a job in a thread of its own."""
        self._stage.spawn("probe", lambda: job(*arguments))

    def shutdown(self, **_: object) -> None:
        """Do nothing: the stage ends its threads."""


class Simulation:
    """A Swarm, a store, and an operator that can be started, stopped and crashed.

    Attributes:
        swarm: what may be done to the Swarm.
        store: the operator's store, as the spawner sees it.
        engine: what the operator calls; tests may put one of their own in front of it.
    """

    def __init__(
        self,
        folder: Path,
        seed: int = 0,
        policy: Policy | None = None,
        workers: int = 2,
        world: World | None = None,
        nodes: tuple[str, ...] = (),
    ) -> None:
        self.swarm = Swarm(world or World(seed=seed), workers=nodes)
        self.clock = self.swarm.clock
        self.swarm.networks.create(NETWORK)
        self.policy = policy or Policy(allowed_volumes=("*",))
        self.wrap: Callable[[SimulatedEngine], Any] = lambda engine: engine
        self.turns = 0
        self._seed = seed
        self._starts = 0
        self._workers = workers
        self._stage: Stage | None = None
        self._leadership: Leadership | None = None
        self._patches = contextlib.ExitStack()
        self._date()
        self.store = Store.open(f"sqlite:///{folder.resolve()}/state.db")
        self.pulse = Pulse(self.clock.monotonic)

    def _date(self) -> None:
        """Let the store date its records by the virtual clock."""
        for module in _DATED:
            if hasattr(module, "utc_now"):
                self._patch(module, "utc_now", self.clock.utc)

    def _patch(self, module: object, name: str, value: object) -> None:
        self._patches.enter_context(mock.patch.object(module, name, value))

    def start(self) -> None:
        """Start an operator; it takes the lease at once.

        Raises:
            Stuck: another one has the lease.
        """
        self._starts += 1
        stage = Stage(self.clock, self._seed * 1000 + self._starts)
        self._stage = stage
        for module in _THREADED:
            if hasattr(module, "threading"):
                self._patch(module, "threading", stage.threading())
        for module in _TIMED:
            self._patch(module, "time", stage.time())
        self._patch(leadership, "boot_time", self.clock.monotonic)
        self._patch(probe, "ThreadPoolExecutor", lambda *_, **__: _Pool(stage))
        self._patch(workqueue, "random", random.Random(self._seed))
        self._leadership = Leadership(self.store, f"operator-{self._starts}")
        if not self._leadership.acquire():
            raise Stuck("Another operator has the lease; let its time run out, or stop it.")
        made = Controller(*self._parts(stage, self._leadership), self.pulse)
        made._watch._interval = WATCH_EVERY
        made.start(self._workers)

    def _parts(self, stage: Stage, leads: Leadership) -> tuple[Parts, WorkQueue]:
        queue = WorkQueue(self.clock.monotonic)
        engine = self.wrap(PausingEngine(self.swarm, stage))
        parts = Parts(
            store=self.store,
            engine=engine,
            observer=Observer(engine, self.store.uid, self.clock.monotonic),
            leadership=leads,
            prober=Prober(on_ready=queue.add, ask=self._ask),
            gate=StartGate(),
            images=ImageResolver(engine, self.clock.monotonic),
            policy=self.policy,
            network=NETWORK,
            enqueue=queue.add,
            now=self.clock.utc,
            clock=self.clock.monotonic,
        )
        return parts, queue

    def _ask(self, url: str) -> bool:
        return self.swarm.answers(urlsplit(url).hostname or "")

    def crash(self) -> None:
        """End the operator where it stands; its lease goes on until it runs out."""
        if self._stage is not None:
            self.turns += self._stage.turns
            self._stage.kill()
            self._stage = None

    def restart(self) -> None:
        """Crash the operator, let its lease run out, and start another one."""
        self.crash()
        lease_left = self.store.read_lease()
        if lease_left is not None:
            wait = (lease_left.expires_at - self.clock.utc()).total_seconds()
            self.clock.advance(max(0.0, wait) + 0.001)
        self.start()

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Let operator and Swarm go on for `seconds` of virtual time, or `until` something is true.

        Returns whether it became true; True without `until`.
        """
        end = self.clock.monotonic() + seconds
        stage = self._stage
        while until is None or not until():
            if stage is None:
                self.clock.advance(max(0.0, end - self.clock.monotonic()))
            elif stage.step(end):
                continue
            return until is None or until()
        return True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.crash()
        self._patches.close()
        self.store.close()


def names(found: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return the names of services or secrets, sorted."""
    return sorted(raw["Spec"]["Name"] for raw in found.values())
