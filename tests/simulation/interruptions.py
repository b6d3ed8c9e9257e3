"""The hub changes its mind at each moment: while one thing is under way, it asks for another.

A case is said by what is under way, what is asked for then, and the number of the changing call
before which that happens: `stop start 3`. The end is to be that of the two one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

from simulation import outcome
from simulation.campaign import Case, scratch
from simulation.catalogue import named
from simulation.driver import Simulation
from simulation.outcome import Outcome
from simulation.seam import Call
from simulation.workloads import ada, both_run
from swarmhub_crds.errors import Conflict, NotFound
from swarmhub_crds.notebook import Desired
from swarmhub_crds.store import Store

SETTLE = 120.0  # seconds of virtual time that the end may take
ADA = "ada"
_CALMER = ("phase", "desired", "generation", "deleted")  # what does not tell how it came about


def _stop(sim: Simulation) -> None:
    _unless_gone(sim, lambda store: store.set_desired(ADA, Desired.STOPPED))


def _delete(sim: Simulation) -> None:
    _unless_gone(sim, lambda store: store.request_deletion(ADA))


def _unless_gone(sim: Simulation, write: Callable[[Store], object]) -> None:
    try:
        write(sim.store)
    except (Conflict, NotFound):  # its deletion is under way, or over
        return


def _change(sim: Simulation) -> None:
    ada(sim).write("second", image="registry/lab:2")


def _kill(sim: Simulation) -> None:
    sim.swarm.kill(sim.swarm.tasks_of(ada(sim).service)[-1]["ID"])


FIRST = {"stop": _stop, "delete": _delete, "change": _change, "kill": _kill}
THEN = ("start", "stop", "delete")


def cases(seed: int) -> Iterator[Case]:
    """Name every interruption."""
    for first, then in product(FIRST, THEN):
        for number in range(_usual(first, then, seed)[0]):
            yield Case("interruptions", (first, then, str(number)), seed)


@cache
def _usual(first: str, then: str, seed: int) -> tuple[int, Outcome]:
    """Do one after the other; return how many changing calls the first took, and the end."""
    with scratch() as folder, named("stop").simulation(folder, seed) as sim:
        both_run(sim)
        before = len(sim.seam.calls)
        FIRST[first](sim)
        outcome.settle(sim, SETTLE)
        calls = sum("lease" not in call.verb for call in sim.seam.calls[before:])
        _ask(sim, then)
        outcome.settle(sim, SETTLE)
        return calls, _essence(outcome.of(sim))


def _ask(sim: Simulation, then: str) -> None:
    if then == "start":
        ada(sim).write("third")
    else:
        FIRST[then](sim)


def play(case: Case) -> str | None:
    """Interrupt once, and compare the end with that of one after the other."""
    first, then, number = case.words[0], case.words[1], int(case.words[2])
    with scratch() as folder, named("stop").simulation(folder, case.seed) as sim:
        both_run(sim)
        interruption = _Interruption(sim, then, len(sim.seam.calls) + number)
        sim.seam.plan = interruption
        FIRST[first](sim)
        assert sim.run(SETTLE, until=lambda: interruption.asked), "There are not so many calls."
        if interruption.refused:  # the hub tries again
            _ask(sim, then)
        outcome.settle(sim, SETTLE)
        found = _usual(first, then, case.seed)[1].difference(_essence(outcome.of(sim)))
    return "\n".join(found) or None


class _Interruption:
    """A plan to ask for something in the midst of a call, as another process would.

    Attributes:
        asked: whether that is done.
        refused: whether the store would not have it yet.
    """

    def __init__(self, sim: Simulation, then: str, number: int) -> None:
        self.asked = False
        self.refused = False
        self._sim = sim
        self._then = then
        self._number = number

    def __call__(self, call: Call) -> None:
        """Ask, if this is the call."""
        if call.number != self._number:
            return
        self.asked = True
        stage = self._sim.stage
        current, stage.current = stage.current, None
        try:
            self.refused = not self._try()
        finally:
            stage.current = current

    def _try(self) -> bool:
        if self._then != "start":
            _ask(self._sim, self._then)
            return True
        try:
            ada(self._sim).apply(self._sim.store, "third")
        except Conflict:
            return False
        return True


def _essence(ended: Outcome) -> Outcome:
    """Leave out how it came about: what was counted, and what was said on the way."""
    records: dict[str, Any] = {}
    for name, record in dict[str, Any](ended.records).items():
        known = isinstance(record, Mapping)
        records[name] = {k: record[k] for k in _CALMER} if known else record
    return replace(ended, records=records, counts={})
