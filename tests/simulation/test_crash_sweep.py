"""Wherever an operator crashes, the end is that of a run in which none has.

For each workload, at each changing call of the engine and the store and at three moments in it,
the operator ends and another follows: what is, and what was done to get there, must be as if
nothing had happened; soon, and then for good; and no run may break an invariant.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest
from simulation import campaign, crashes, workloads
from simulation.catalogue import named
from simulation.workloads import WORKLOADS, ada
from swarmhub_crds.home import Home, HomePhase
from swarmhub_crds.notebook import Desired

ORDERS = 2 * campaign.factor()  # orders of the threads, each by a seed
FEWEST = 5  # changing calls that a workload has for sure


@pytest.mark.timeout(campaign.within())
def test_a_crash_changes_nothing() -> None:
    """No more and no less is created, removed and restarted than without it."""
    whole = campaign.factor() > 1
    cases = [
        case
        for seed, workload in itertools.product(range(ORDERS), WORKLOADS)
        for case in crashes.cases(workload, seed, whole=whole)
    ]
    for workload in WORKLOADS:
        points = {c.words[1] for c in cases if c.words[0] == workload.name}
        sys.stderr.write(f"{workload.name}: {len(points)} points\n")
        assert len(points) >= FEWEST, f"the sweep sees next to no calls of {workload.name}"
    report = campaign.run(cases, crashes.play)
    sys.stderr.write(f"{report.runs} runs\n")
    report.check()


def test_a_home_is_known_though_no_operator_saw_its_server_run(tmp_path: Path) -> None:
    """It was used and stopped while none was there; else the next start could lie elsewhere."""
    with named("impatient").simulation(tmp_path, 0) as sim:
        ada(sim).write("first")
        workloads.await_(sim, "ada's container runs", lambda: bool(sim.swarm.running()))
        sim.crash()
        sim.store.set_desired("ada", Desired.STOPPED)
        sim.start()
        ada(sim).stop()
        home = sim.store.get_home("home-ada")
        assert isinstance(home, Home)
        assert home.status.phase is HomePhase.BOUND
        assert home.status.node is not None


def test_a_home_is_known_though_only_an_earlier_task_tells_where_it_was_used(
    tmp_path: Path,
) -> None:
    """Its node was drained, and the newest task, of somebody else's update, finds no place."""
    with named("impatient").simulation(tmp_path, 0) as sim:
        swarm = sim.swarm
        swarm.set_availability("manager", "pause")
        ada(sim).write("first")
        workloads.await_(sim, "ada's service is made", lambda: bool(swarm.world.services))
        sim.crash()
        sim.run(10)
        (task,) = swarm.running()
        swarm.set_availability("manager", "active")
        swarm.set_availability(task["NodeID"], "drain")
        (service,) = swarm.world.services.values()
        template = {**service["Spec"]["TaskTemplate"], "ForceUpdate": 1}
        changed = {**service["Spec"], "TaskTemplate": template}
        swarm.services.update(service["ID"], service["Version"]["Index"], changed)
        sim.run(10)
        ada(sim).write("second", image="registry/lab:2")
        sim.start()
        sim.run(10)
        home = sim.store.get_home("home-ada")
        assert isinstance(home, Home)
        assert (home.status.phase, home.status.node_id) == (HomePhase.BOUND, task["NodeID"])
