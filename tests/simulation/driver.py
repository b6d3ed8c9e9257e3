"""Operators as they are, on a simulated Swarm, in virtual time and in an order that a seed decides.

    with Simulation(folder, seed=7) as sim:
        sim.store.apply_notebook(...)
        sim.run(30.0)

`stage` makes their threads take turns. Between two turns, and within each call of the engine or
the store, the others may run, and whatever is planned (`seam`) happens.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from simswarm.swarm import Swarm
from simswarm.world import World
from simulation.invariants import Invariants, Violation
from simulation.seam import Seam
from simulation.stage import Actor, Process, Stage
from simulation.threads import Event
from simulation.wiring import Arrival, Past, StagedEngine, Wiring
from swarmhub_crds.store import Store
from swarmhub_operator import main
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.settings import Settings

NETWORK = "swarmhub_notebooks"
BACK_AFTER = 1.0  # seconds until Swarm starts a crashed operator again


class Operator:
    """One process of the operator, from its start to its end."""

    def __init__(self, process: Process, stop: Event, engine: StagedEngine) -> None:
        self.process = process
        self.stop = stop
        self.engine = engine
        self.main: Actor | None = None

    @property
    def ended(self) -> bool:
        """Whether it has crashed, or has come to its end."""
        return self.process.killed or (self.main is not None and self.main.ended)


class Simulation:
    """A Swarm, a store, and operators that can be started, stopped, paused and crashed.

    Attributes:
        swarm: what may be done to the Swarm.
        store: the operator's store, as the spawner sees it.
        seam: what the operators call, and what shall happen to the calls.
        operators: those that live.
        arrivals: told of each changing call as it reaches the engine.
        beginners: called with each operator that starts.
        watchers: called whenever something may have changed.
        invariants: what must hold in every run; a violation ends it.
        supervised: whether a crashed operator is followed by another one, as a service's task is.
        ended: the errors that ended an operator's process.
    """

    def __init__(
        self,
        folder: Path,
        seed: int = 0,
        policy: Policy | None = None,
        workers: int = 2,
        world: World | None = None,
        nodes: tuple[str, ...] = (),
        errand_image: str = "",
    ) -> None:
        self.swarm = Swarm(world or World(seed=seed), workers=nodes)
        self.clock = self.swarm.clock
        self.swarm.networks.create(NETWORK)
        self.file = folder.resolve() / "state.db"
        self.file.write_bytes(_empty_store())
        self.settings = Settings(
            state_url=f"sqlite:///{self.file}",
            network=NETWORK,
            workers=workers,
            errand_image=errand_image,
            policy=policy or Policy(allowed_volumes=("*",)),
        )
        self.stage = Stage(self.clock, seed)
        self.seam = Seam(self.stage)
        self.past = Past(self.swarm)
        self.arrivals: list[Arrival] = []
        self.beginners: list[Callable[[Operator], None]] = []
        self.watchers: list[Callable[[], None]] = []
        self.operators: list[Operator] = []
        self.supervised = False
        self._starts = 0
        self._seen: tuple[object, ...] = ()
        self._wiring = Wiring(self.stage, self.seam, self.swarm, seed)
        self._wiring.connect(self._engine_of)
        self.store = Store.open(self.settings.state_url)
        self.invariants = Invariants(self)
        self.arrivals.append(self.invariants.arrive)
        self.watchers.append(self.invariants.watch)

    def _engine_of(self, process: Process) -> StagedEngine:
        return next(o.engine for o in self.operators if o.process is process)

    def start(self) -> Operator:
        """Start an operator: it takes the lease if it can, else it stands by."""
        self._starts += 1
        process = Process(f"operator-{self._starts}")
        stop = Event(self.stage)
        engine = StagedEngine(self.swarm, self.stage, self.seam, self.past, self.arrivals)
        operator = Operator(process, stop, engine)
        self.operators.append(operator)
        for told in self.beginners:
            told(operator)
        run = partial(main.run, self.settings, cast("threading.Event", stop))
        operator.main = self.stage.spawn("main", run, process)
        return operator

    def crash(self, operator: Operator | None = None) -> None:
        """End an operator (or all) where it stands; its lease goes on until it runs out."""
        for one in [operator] if operator else list(self.operators):
            one.process.killed = True
        self._bury()

    def _bury(self) -> None:
        crashed = [o for o in self.operators if o.process.killed]
        for gone in [o for o in self.operators if o.ended]:
            gone.process.killed = True  # what a process leaves behind at its end ends with it
            self.operators.remove(gone)
        self.stage.bury()
        if self.supervised:
            for _ in crashed:
                self.clock.after(BACK_AFTER, self._start_again)

    def _start_again(self) -> None:
        self.start()

    def restart(self) -> None:
        """Crash the operator and start another one."""
        self.crash()
        self.start()

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Let operators and Swarm go on for `seconds` of virtual time, or `until` something holds.

        `until` may depend on records, on what the Swarm's lists show, and on which operators live.
        Returns whether it became true; True without it.

        Raises:
            Violation: something happened that must never happen.
        """
        end = self.clock.monotonic() + seconds
        if until is not None and until():
            return True
        while True:
            more = self.stage.step(end)
            if any(o.ended for o in self.operators):
                self._bury()
            moved = self._moved()
            if moved:
                for watcher in self.watchers:
                    watcher()
            if broken := self.invariants.broken + self._wiring.alarms:
                raise Violation("; ".join(broken))
            if moved and until is not None and until():
                return True
            if not more:
                return until is None or until()

    def _moved(self) -> bool:
        """Whether anything that can be asked for has changed since the last time."""
        world = self.swarm.world
        seen = (
            self._wiring.commits,
            world.index,
            len(world.services),
            len(world.tasks),
            len(world.secrets),
            len(self.operators),
        )
        moved, self._seen = seen != self._seen, seen
        return moved

    @property
    def commits(self) -> int:
        """How many writes of operators the store has taken."""
        return self._wiring.commits

    def measured(self, operator: Operator, name: str, **labels: str) -> float:
        """Return what an operator tells who scrapes it; 0 for what it does not know."""
        registry = self._wiring.registries.get(operator.process.name)
        found = registry.get_sample_value(name, labels) if registry else None
        return found or 0.0

    @property
    def looks(self) -> int:
        """How often operators have looked at the Swarm."""
        return self.seam.reads["GET /services"]

    @property
    def turns(self) -> int:
        """How many turns were taken."""
        return self.stage.turns

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.supervised = False
        self.crash()
        self._wiring.disconnect()
        self.store.close()


@cache
def _empty_store() -> bytes:
    """Make a fresh store once, to be written out again: migrations take longer than a run."""
    with tempfile.TemporaryDirectory(prefix="swarmhub-") as folder:
        file = Path(folder) / "state.db"
        Store.open(f"sqlite:///{file}").close()
        return file.read_bytes()


def names(found: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return the names of services or secrets, sorted."""
    return sorted(raw["Spec"]["Name"] for raw in found.values())
