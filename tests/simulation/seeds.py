"""Campaign: one seed, one run. The seed decides on everything: machines, users, fate, faults.

When the faults are over and fate is mended, all becomes as the records say, and stays so. What is
done needlessly on the way ends the run, as does whatever breaks an invariant. Fresh seeds for ten
minutes:

    cd tests && uv run python -m simulation.seeds 10
"""

from __future__ import annotations

import itertools
import secrets
import sys
from pathlib import Path
from random import Random
from unittest import mock

from simswarm.world import Durations, World
from simulation import campaign
from simulation.campaign import Case, scratch
from simulation.driver import Simulation
from simulation.faults import FAULTS, Faults
from simulation.good_end import await_good_end
from simulation.lives import NO_IMAGE, POLICY, Life, behaviour
from swarmhub_operator.engine import observer

CLOSE = "close"
LASTING = 10.0  # seconds of virtual time in which everything happens
STEPS = (
    *("ask", "ask", "ask", "again", "stop", "stop", "take_note", "delete"),
    *("kill", "kill", "power_off", "power_on", "drain", "empty", "remove_service", "tamper"),
    *("remove_secret", "wait", "wait", "wait"),
)
OPERATORS = ("crash", "pause", "roll")


def case(seed: int) -> Case:
    """Return the case of a seed: in every third, each notebook is looked at by itself."""
    return Case("seeds", (CLOSE,) if seed % 3 == 0 else (), seed)


def play(case: Case) -> str | None:
    """Play one seed, and tell what is not as it should be in the end."""
    random = Random(f"seeds {case.seed}")
    few = -1 if CLOSE in case.words else observer.CLOSE_ABOVE
    with mock.patch.object(observer, "CLOSE_ABOVE", few), scratch() as folder:
        return _play(random, folder, case.seed)


def _play(random: Random, folder: Path, seed: int) -> str | None:
    with _simulation(random, folder, seed) as sim:
        life, faults = Life(sim, random), Faults(sim, seed, LASTING, random.uniform(0.05, 0.4))
        for name in _chosen(random):
            faults.add(name)
        steps = (*STEPS, *OPERATORS) if random.random() < 0.5 else STEPS
        life.ask()
        while faults.last:
            getattr(life, random.choice(steps))()
            sim.run(random.choice((0.0, 0.01, 0.2, 1.0)))
        life.mend()
        return await_good_end(life)


def _simulation(random: Random, folder: Path, seed: int) -> Simulation:
    durations = Durations(
        decide=random.choice((0.002, 0.002, 0.5, 3.0)),
        prepare=random.choice((0.1, 0.4, 3.0)),
        withdraw=random.choice((0.2, 2.9)),
        notice=random.choice((0.5, 6.0)),
        spread=random.choice((0.3, 2.0)),
    )
    world = World(seed, durations=durations, behaviour=behaviour)
    world.images.missing.add(NO_IMAGE)
    nodes = ("one", "two")[: random.randrange(3)]
    return Simulation(folder, seed, POLICY, random.choice((1, 2, 4)), world, nodes)


def _chosen(random: Random) -> list[str]:
    """Choose some classes of faults; a new operator does not begin on a file that is no store."""
    return random.sample(sorted(FAULTS), random.choice((0, 1, 1, 2, 3)))


def main(arguments: list[str]) -> int:
    """Go on with fresh seeds for so many minutes; 1 if any goes wrong."""
    first = secrets.randbelow(10**6) * 10**6
    cases = map(case, itertools.count(first))
    report = campaign.run(cases, play, seconds=60 * float(arguments[0]))
    sys.stdout.write(f"{report.runs} seeds from {first}\n")
    report.check()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
