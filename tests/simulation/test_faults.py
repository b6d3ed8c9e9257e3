"""Whatever fails, and however: the end is the same, and nothing is done twice."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from simulation import campaign, faulted, faults, outcome
from simulation.driver import Simulation
from simulation.seam import Call, nothing
from simulation.test_driver import begin, status
from simulation.workloads import WORKLOADS, Workload
from swarmhub_crds.notebook import Desired, Phase

SEEDS = 1 * campaign.factor()  # of each pair of a workload and a class of faults


@pytest.mark.timeout(campaign.within())
def test_faults_change_nothing() -> None:
    """Each workload among the faults of each class ends as it does without any."""
    cases = faulted.cases((w.name for w in WORKLOADS), SEEDS)
    report = campaign.run(cases, faulted.play)
    sys.stderr.write(f"{report.runs} workloads among faults\n")
    report.check()


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.name)
def test_without_faults_no_call_is_in_vain(tmp_path: Path, workload: Workload) -> None:
    """What the operator remembers of its own changes keeps it from asking for them twice."""
    with workload.simulation(tmp_path, 0) as sim:
        workload.act(sim)
        outcome.settle(sim, within=300)
        calls = (c for c in sim.seam.calls if c.side == "engine")
        made = Counter(f"{c.verb} {c.target}" for c in calls)
        assert not outcome.without_volumes(made - sim.seam.landed)


def test_a_store_made_while_the_file_was_away_gives_way_to_it(tmp_path: Path) -> None:
    """An operator that starts without the file makes one, and leaves it when the old one is back.

    The start of the next operator, which a person would have to think of, is not waited for.
    """
    with Simulation(tmp_path) as sim:
        begin(sim)
        faults.keep(sim)
        sim.crash()
        sim.file.unlink()
        sim.start()
        assert sim.run(60, until=sim.file.exists)
        sim.run(30)
        faults.put_back(sim)
        sim.store.set_desired("ada", Desired.STOPPED)
        assert sim.run(60, until=lambda: status(sim).phase is Phase.STOPPED)


def test_a_clock_that_is_set_back_restarts_nothing(tmp_path: Path) -> None:
    """For an hour each new task is older than the last before; it is the one that counts."""
    with Simulation(tmp_path) as sim:
        begin(sim)
        sim.clock.jump(-faults.HOUR)
        sim.swarm.kill(sim.swarm.tasks_of("jupyter-ada")[-1]["ID"])
        assert sim.run(30, until=lambda: status(sim).restarts == 1)
        assert sim.run(30, until=lambda: status(sim).phase is Phase.RUNNING)
        sim.run(120)
        assert (status(sim).phase, status(sim).restarts) == (Phase.RUNNING, 1)


def test_a_secret_that_goes_right_before_its_service_is_made_is_made_again(tmp_path: Path) -> None:
    """The engine's refusal is no fault of the spec, and ends no start."""
    with Simulation(tmp_path) as sim:

        def plan(call: Call) -> None:
            if call.verb == "POST /services/create":
                sim.seam.plan = nothing
                for ident in list(sim.swarm.world.secrets):
                    sim.swarm.secrets.remove(ident)

        sim.seam.plan = plan
        begin(sim)
