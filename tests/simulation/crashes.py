"""The crash sweep: an operator crashes at one changing call of a workload, and another follows.

A case is said by a workload, the number of the call, and a moment: `start 17 lost`. All of a
workload, in one order of the threads:

    cd tests && uv run python -m simulation.crashes WORKLOAD…
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from unittest import mock

from simulation import campaign, catalogue, outcome
from simulation.campaign import Case, scratch
from simulation.driver import Simulation
from simulation.outcome import Outcome
from simulation.seam import Call, Crash, Moment
from simulation.workloads import Workload
from swarmhub_operator.loop.alive import SignOfLife

MOMENTS = {"before": Moment.BEFORE, "lost": Moment.LOST, "after": Moment.AFTER}
LOOKS = 20  # that a crash may add until the end is reached; for so many more it must stay
SETTLE = 120.0  # seconds of virtual time that the end may take


@dataclass(frozen=True)
class Faultless:
    """What a workload comes to without a crash.

    Attributes:
        calls: the changing calls, in their order: the points at which to crash.
        first: number of the first that other workloads do not have as well.
        looks: how many looks had been begun at each call.
        settled: how many had been when nothing moved any more.
        outcome: the end.
    """

    calls: tuple[Call, ...]
    first: int
    looks: tuple[int, ...]
    settled: int
    outcome: Outcome


@cache
def faultless(workload: Workload, seed: int) -> Faultless:
    """Run a workload as it should go."""
    with scratch() as folder, workload.simulation(folder, seed) as sim:
        first, looks = 0, list[int]()
        sim.seam.plan = lambda call: looks.append(sim.looks) if call.changing else None
        for _ in workload.script(sim):
            first = len(sim.seam.calls)
        settled = sim.looks + outcome.settle(sim, SETTLE)
        calls = tuple(sim.seam.calls)
        tried = Counter(f"{c.verb} {c.target}" for c in calls if c.side == "engine")
        refused = outcome.without_volumes(tried - sim.seam.landed)
        assert not refused, f"Without any fault the Swarm has refused {dict(refused)}."
        updates = sum(n for what, n in sim.seam.landed.items() if "/update " in what)
        assert updates == workload.updates, f"There were {updates} updates of services."
        return Faultless(calls, first, tuple(looks), settled, outcome.of(sim))


def cases(workload: Workload, seed: int, *, whole: bool = False) -> Iterator[Case]:
    """Name the crashes of a workload, by default without its preparation.

    In the first order of the threads these are all but those where events are written, of which
    nothing depends. In any other one, unless `whole`, each call has its turn with one moment.
    """
    expected = faultless(workload, seed)
    for number in range(0 if whole else expected.first, len(expected.calls)):
        if not whole and expected.calls[number].verb == "put_events":
            continue
        for turn, moment in enumerate(MOMENTS):
            if whole or seed == 0 or (number + seed) % len(MOMENTS) == turn:
                yield Case("crashes", (workload.name, str(number), moment), seed)


def play(case: Case) -> str | None:
    """Crash once, and compare the end with that of the faultless run."""
    name, number, moment = case.words[0], int(case.words[1]), case.words[2]
    workload = catalogue.named(name)
    expected = faultless(workload, case.seed)
    with scratch() as folder, _news(case.seed), workload.simulation(folder, case.seed) as sim:
        crash = _CrashAt(sim, number, MOMENTS[moment])
        sim.supervised = True
        sim.seam.plan = crash
        workload.act(sim)
        looks = sim.looks + outcome.settle(sim, SETTLE) - crash.looks
        problems = expected.outcome.difference(outcome.of(sim))
        allowed = expected.settled - expected.looks[number] + LOOKS + workload.patience
        if looks > allowed:
            problems.append(f"it took {looks} looks, and {allowed} are allowed")
        problems += _stays(sim)
        call = sim.seam.calls[number]
    if call != expected.calls[number]:
        problems.append(f"it went another way before: not {expected.calls[number]}")
    if not problems:
        return None
    return "\n  ".join((f"{case}: crashed at {call}, {MOMENTS[moment]}", *problems))


def _news(seed: int) -> AbstractContextManager[object]:
    """Let the kernel tell of a crash in every other order; else the lease has to run out."""
    if seed % 2 == 0:
        return nullcontext()
    return mock.patch.object(SignOfLife, "is_gone", return_value=False)


class _CrashAt:
    """A plan to crash once.

    Attributes:
        looks: how many had been begun then.
    """

    def __init__(self, sim: Simulation, number: int, moment: Moment) -> None:
        self.looks = 0
        self._sim = sim
        self._number = number
        self._moment = moment

    def __call__(self, call: Call) -> Crash | None:
        """Crash at this call?"""
        if call.number != self._number:
            return None
        self.looks = self._sim.looks
        return Crash(self._moment)


def _stays(sim: Simulation) -> list[str]:
    """Look as many times again: nothing may be done to the Swarm any more."""
    before, last = outcome.of(sim), sim.looks + LOOKS
    assert sim.run(SETTLE, until=lambda: sim.looks >= last), "The operator looks no more."
    return [f"and did not stay: {each}" for each in before.difference(outcome.of(sim))]


def main(names: list[str]) -> int:
    """Sweep through the workloads of these names, as far as the first crash that matters."""
    found = (case for name in names for case in cases(catalogue.named(name), 0))
    campaign.run(found, play, enough=1).check()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
