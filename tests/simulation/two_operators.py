"""Campaign: one of two operators stands still, crashes or is told to end at one of its calls.

The other one takes over, the first wakes up, and what was to be done is done once: the end and
the counts are those of a run in which nothing happened, and what users wait for takes no longer
than a lease more. The invariants see to it that no call arrives of an operator whose lease another
one has taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from simulation import outcome
from simulation.campaign import Case, scratch
from simulation.catalogue import named
from simulation.driver import Simulation
from simulation.outcome import Outcome
from simulation.seam import Call, Crash, Event, Moment, Pause
from swarmhub_operator.loop.errands import PATIENCE
from swarmhub_operator.loop.leadership import TTL

AWAY = 40.0  # seconds: longer than the lease and the other operator's patience together
WITHIN = 300.0  # seconds for everything to come to rest
HANDED_OVER = 5.0  # seconds from an operator's end, however it ended, until the other one acts
TAKEN_OVER = TTL + 3.0  # seconds from an operator's silence until the other one acts
AGAIN = 5.0  # seconds that the errand takes which removes it then
NEVER = -1


def play(case: Case) -> str | None:
    """Play one case: workload, what happens, at which call of the two, at which moment."""
    workload, how, number, moment = case.words
    usual = lived(workload, case.seed)
    other = lived(workload, case.seed, how, int(number), Moment[moment])
    problems = usual.outcome.difference(other.outcome)
    longer = other.seconds - usual.seconds
    allowed = TAKEN_OVER if how == "stands-still" else HANDED_OVER
    if workload.startswith(("delete", "move")):
        # It came while the server, or what gave a copy, was ending; nobody waits for a removal.
        allowed += PATIENCE + AGAIN
    if longer > allowed:
        problems.append(f"users waited {longer:.1f} s longer")
    return "; ".join(problems) or None


@dataclass(frozen=True)
class Life:
    """What a workload came to, the calls that were made for it, and the seconds that it took."""

    outcome: Outcome
    calls: int
    seconds: float


@cache
def lived(
    workload: str,
    seed: int,
    how: str = "",
    number: int = NEVER,
    moment: Moment = Moment.BEFORE,
) -> Life:
    """Let users live through a workload with two operators."""
    doing = named(workload)
    with scratch() as folder, doing.simulation(folder, seed) as sim:
        sim.run(1.0)
        sim.start()
        sim.supervised = True
        began, at = len(sim.seam.calls), sim.clock.monotonic()

        def plan(call: Call) -> Event | None:
            if call.number - began != number:
                return None
            if how == "crashes":
                return Crash(moment)
            if how == "stands-still":
                return Pause(AWAY, moment)
            _end(sim, call.process)
            return None

        sim.seam.plan = plan
        doing.act(sim)
        calls, seconds = len(sim.seam.calls) - began, sim.clock.monotonic() - at
        sim.run(AWAY if number != NEVER else 0.0)
        outcome.settle(sim, WITHIN)
        return Life(outcome.of(sim), calls, seconds)


def _end(sim: Simulation, process: str) -> None:
    """Tell an operator to end, as Swarm does in a rolling update, and start the next one."""
    for operator in [o for o in sim.operators if o.process.name == process]:
        operator.stop.set()
        sim.start()
