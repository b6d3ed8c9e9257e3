"""What the one-off services of an operator do on their nodes: list, remove and copy volumes.

Stands in for `swarmhub_operator.errand`, whose words and exit codes it uses. What is in a volume is
one word here, which a copy has in common with what it was made of.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from simswarm.containers import Container, Stock
from simswarm.raw import Raw
from simswarm.refusal import Refusal
from simswarm.world import World
from swarmhub_operator.decide import copying, inventories, probes, removals
from swarmhub_operator.decide.errands import PROGRAM, Errand
from swarmhub_operator.engine import decode, labels

WORKS = 0.2  # seconds until the program does what it is for
ENDS = 0.1  # seconds from there to its end
COPIES = 2.0  # seconds that a copy takes
UNKNOWN = 64  # exit code
PART = "part of "  # before the word of a copy that is not whole

Exit = Callable[[str, int], None]


class Errands:
    """Lets the containers of errands do their work, as long as they run."""

    def __init__(self, world: World, stock: Stock, leave: Exit) -> None:
        self._world = world
        self._stock = stock
        self._exit = leave

    def begin(self, task: Raw, container: Container) -> None:
        """Let the container of a task that has just started do what it is for."""
        words = tuple(task["Spec"]["ContainerSpec"].get("Command") or ())
        if words[: len(PROGRAM)] != PROGRAM:
            self._stock.use(container)
            return
        kind, *given = words[len(PROGRAM) :]
        work: Callable[[], int | None]
        match kind, given:
            case Errand.INVENTORY, []:
                work = partial(self._inventory, container)
            case Errand.PROBE, _:
                work = partial(self._probe, container, given)
            case Errand.REMOVE, [name, uid]:
                work = partial(self._remove, container, name, uid)
            case Errand.RECEIVE, [*_, source]:
                work = partial(self._receive, container, source)
            case Errand.SEND, _:
                return  # it ends when somebody has fetched all
            case _:
                work = partial(int, UNKNOWN)
        self._later(container, WORKS, work)

    def _later(self, container: Container, usual: float, work: Callable[[], int | None]) -> None:
        """Do something in a while, and end with what it returns, in another while."""

        def do() -> None:
            code = work()
            if code is not None:
                self._leave(container, code)

        self._after(container, usual, do)

    def _leave(self, container: Container, code: int) -> None:
        self._after(container, ENDS, lambda: self._exit(container.task_id, code))

    def _after(self, container: Container, usual: float, do: Callable[[], None]) -> None:
        container.timers.append(self._world.clock.after(self._world.took(usual), do))

    def _inventory(self, container: Container) -> int:
        here = self._stock.volumes.get(container.node_id, {})
        found = [inventories.found_volume(decode.volume(here[name].raw())) for name in sorted(here)]
        container.log += [(1, line) for line in inventories.lines(found)]
        return 0

    def _probe(self, container: Container, given: list[str]) -> int:
        """Tell of a node on which all is well, but for what the world knows better."""
        asked = [(w, w.partition("=")[2]) for w in given]
        sight: Raw = {
            "at": self._world.clock.utc().isoformat(),
            "disk": {"total": 100 * 2**30, "free": 60 * 2**30},
            "names": {name: "" for word, name in asked if word.startswith(probes.RESOLVE)},
            "connections": {p: "" for word, p in asked if word.startswith(probes.CONNECT)},
        }
        container.log.append((1, json.dumps(sight | self._world.sights.get(container.node_id, {}))))
        return 0

    def _remove(self, container: Container, name: str, uid: str) -> int:
        outcome = self._removed(container.node_id, name, uid)
        container.log.append((1, json.dumps({"outcome": outcome.name.lower()})))
        return outcome.value

    def _removed(self, node: str, name: str, uid: str) -> removals.Outcome:
        volume = self._stock.volumes.get(node, {}).get(name)
        if volume is None:
            return removals.Outcome.ABSENT
        if (volume.labels or {}).get(labels.UID) != uid:
            return removals.Outcome.FOREIGN
        try:
            self._stock.remove_volume(name, node)
        except Refusal:
            return removals.Outcome.IN_USE
        return removals.Outcome.REMOVED

    def _receive(self, container: Container, source: str) -> int | None:
        giver = self._giver(source)
        if giver is None:
            return self._failed(container, "nothing can be fetched there")
        (name,) = container.volumes
        content = self._stock.content(giver.node_id, name)
        self._stock.fill(container.node_id, name, PART + content)
        container.log.append((1, json.dumps({"progress": 2**20})))
        self._later(container, COPIES, partial(self._received, container, giver, name, content))
        return None

    def _received(self, container: Container, giver: Container, name: str, content: str) -> int:
        if giver.ended:
            return self._failed(container, "the connection was lost")
        self._stock.fill(container.node_id, name, content)
        self._leave(giver, 0)
        return self._say(container, copying.Outcome(entries=1, size=2**21, digest=content))

    def _giver(self, source: str) -> Container | None:
        """Return the container that gives content away at this URL, if it runs."""
        address = urlsplit(source).hostname
        alive = (c for c in self._stock.containers.values() if c.running_since and not c.ended)
        return next((c for c in alive if c.address == address), None)

    def _failed(self, container: Container, why: str) -> int:
        return self._say(container, copying.Outcome(error=f"It failed: {why}."))

    def _say(self, container: Container, outcome: copying.Outcome) -> int:
        container.log.append((1, json.dumps(outcome.document())))
        return 1 if outcome.error else 0
