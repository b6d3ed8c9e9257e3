"""What happened to the services of a store, and what fate dealt them: a restart has its reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from simswarm import states
from simswarm.raw import Raw
from simulation.driver import Simulation
from swarmhub_crds.errors import StoreUnavailable
from swarmhub_crds.home import Home
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observer import NODES_EVERY

NEVER = float("-inf")
_ENDS = ("failed", "rejected", "complete", "orphaned")

Birth = tuple[str, str]  # uid and generation of a record, as labels of its service say them


@dataclass
class Ledger:
    """What happened to the services of a store, and what fate dealt them.

    Attributes:
        needless: what was done though nothing had called for it.
        dead: ids of tasks that ended though they were meant to run, by service id.
        failures: how many of them there were, by birth.
        dealt: other things that a restart answers, by service id.
        removed: how many services fate removed, by birth.
    """

    needless: list[str] = field(default_factory=list)
    dead: dict[str, set[str]] = field(default_factory=dict)
    failures: Counter[Birth] = field(default_factory=Counter)
    dealt: Counter[str] = field(default_factory=Counter)
    removed: Counter[Birth] = field(default_factory=Counter)
    _made: Counter[Birth] = field(default_factory=Counter)
    _first: dict[str, int] = field(default_factory=dict)
    _raised: dict[str, int] = field(default_factory=dict)
    _pins: dict[str, Any] = field(default_factory=dict)
    _down_at: dict[str, float] = field(default_factory=dict)  # by node, when it was down last

    def watch(self, sim: Simulation) -> None:
        """Note what is new."""
        down = {i for i, n in sim.swarm.world.nodes.items() if n["Status"]["State"] == "down"}
        self._down_at |= dict.fromkeys(down, sim.swarm.clock.monotonic())
        for task in sim.swarm.world.tasks.values():
            if states.state(task) in _ENDS or task.get("NodeID") in down:
                self.note_end(sim, task)
        for service in sim.swarm.world.services.values():
            if service["Spec"]["Labels"].get(labels.STORE) == sim.store.uid:
                self._look_at(sim, service)

    def note_end(self, sim: Simulation, task: Raw) -> None:
        """Write down that a task has ended, or is made to."""
        dead = self.dead.setdefault(task["ServiceID"], set())
        if task["ID"] not in dead:
            dead.add(task["ID"])
            self.failures[birth(sim.swarm.world.task_labels[task["ID"]])] += 1

    def _look_at(self, sim: Simulation, service: Raw) -> None:
        ident, name = service["ID"], service["Spec"]["Name"]
        raised = service["Spec"]["TaskTemplate"]["ForceUpdate"]
        if ident not in self._first:
            self._first[ident] = self._raised[ident] = raised
            self._pins[ident] = _pin(service)
            born = birth(service["Spec"]["Labels"])
            self._made[born] += 1
            late = sim.seam.given_up[name]  # each may make once more what has been removed since
            if self._made[born] > 1 + self.removed[born] + late:
                self.needless.append(f"{name} was made {self._made[born]} times")
        if raised > self._raised[ident]:
            self._raised[ident] = raised
            self.dealt[ident] += self._is_astray(sim, ident)
            self.dealt[ident] += self._is_placed_anew(sim, service)
            self.dealt[ident] += self._was_put_on_one_that_is_back(sim, ident)
            due = len(self.dead.get(ident, ())) + self.dealt[ident]
            if raised - self._first[ident] > due:
                restarts = raised - self._first[ident]
                self.needless.append(f"{name} was restarted {restarts} times for {due} reasons")

    def _is_placed_anew(self, sim: Simulation, service: Raw) -> bool:
        """Tell whether a start of which nothing has run yet was given another node."""
        ident, pin = service["ID"], _pin(service)
        before, self._pins[ident] = self._pins[ident], pin
        return pin != before and not _has_begun(sim, ident)

    def _was_put_on_one_that_is_back(self, sim: Simulation, ident: str) -> bool:
        """Tell whether a start of which nothing has run was put on a node that was down just now.

        Nodes are listed every few seconds. To place such a start anew costs nothing but a moment.
        """
        since = sim.swarm.clock.monotonic() - NODES_EVERY
        tasks = sim.swarm.world.tasks.by("service", ident)
        lately = (self._down_at.get(task.get("NodeID", ""), NEVER) >= since for task in tasks)
        return any(lately) and not _has_begun(sim, ident)

    def _is_astray(self, sim: Simulation, ident: str) -> bool:
        """Tell whether a task runs where its home is not, as two servers of one user may."""
        for task in sim.swarm.world.tasks.values():
            mounts = task["Spec"]["ContainerSpec"].get("Mounts") or ()
            for mount in mounts if task["ServiceID"] == ident else ():
                node = node_of_home(sim, mount["Source"])
                if node not in (None, task.get("NodeID")):
                    return True
        return False


def _has_begun(sim: Simulation, ident: str) -> bool:
    """Tell whether anything of a service has run."""
    tasks = sim.swarm.world.tasks.by("service", ident)
    containers = (sim.swarm.stock.containers.get(task["ID"]) for task in tasks)
    return any(c is not None and c.running_since is not None for c in containers)


def _pin(service: Raw) -> Any:
    return (service["Spec"]["TaskTemplate"].get("Placement") or {}).get("Constraints")


def node_of_home(sim: Simulation, volume: str) -> str | None:
    """Return on which node a home lies, as far as its record tells."""
    try:
        home = sim.store.get_home(volume)
    except StoreUnavailable:
        return None
    return home.status.node_id if isinstance(home, Home) else None


def birth(about: Any) -> Birth:
    """Return which start of which record a resource belongs to."""
    return about.get(labels.UID, ""), about.get(labels.GENERATION, "")
