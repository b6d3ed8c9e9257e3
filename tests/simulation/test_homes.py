"""Homes on other nodes: wherever an operator crashes and whatever fails, no content is lost."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from pathlib import Path

import pytest
from simulation import campaign, crashes, faulted, homes, outcome, two_operators
from simulation.campaign import Case
from simulation.catalogue import named
from simulation.homes import HOMES
from simulation.invariants import Violation
from simulation.test_two_operators import PLANS
from simulation.workloads import Workload, ada

FEWEST = 4  # crashes that a workload has for sure
TWO = ("delete-there", "move")
# What its faults put off may find its node dead, or its user back: the end is then another one.
FAULTED = ("delete-there", "prune-there", "move", "adopt")


@pytest.mark.timeout(campaign.within())
def test_a_crash_changes_nothing() -> None:
    """At every fourth changing call, of a soak at each, at one of the moments."""
    orders, every = range(1, 1 + campaign.factor()), 4 if campaign.factor() == 1 else 1
    cases = [
        case
        for seed, work in itertools.product(orders, HOMES)
        for case in list(crashes.cases(work, seed))[::every]
    ]
    points = Counter(case.words[0] for case in cases)
    assert min(points[w.name] for w in HOMES) >= FEWEST, f"The sweep sees few calls: {points}"
    sys.stderr.write(f"homes: {points.total()} runs of crashes\n")
    campaign.run(cases, crashes.play).check()


@pytest.mark.timeout(campaign.within())
def test_faults_change_nothing() -> None:
    """Some of the workloads among the faults of each class."""
    cases = faulted.cases(FAULTED, campaign.factor())
    sys.stderr.write(f"homes: {len(cases)} runs of faults\n")
    campaign.run(cases, faulted.play).check()


@pytest.mark.timeout(campaign.within())
def test_whoever_lost_the_lease_is_heard_no_more() -> None:
    """At every call one of two operators stands still, crashes or is told to end."""
    cases = [
        Case("two_operators", (work, how, str(number), moment.name), seed)
        for seed, work in itertools.product(range(campaign.factor()), TWO)
        for number in range(two_operators.lived(work, seed).calls)
        for turn, (how, moment) in enumerate(PLANS)
        if campaign.factor() > 1 or number % len(PLANS) == turn
    ]
    sys.stderr.write(f"homes: {len(cases)} runs of two operators\n")
    campaign.run(cases, two_operators.play).check()


@pytest.mark.parametrize("workload", HOMES, ids=lambda w: w.name)
def test_without_faults_no_call_is_in_vain(tmp_path: Path, workload: Workload) -> None:
    """No errand is sent twice, none is removed that is gone."""
    with workload.simulation(tmp_path, 0) as sim:
        workload.act(sim)
        outcome.settle(sim, within=300)
        calls = (c for c in sim.seam.calls if c.side == "engine")
        made = Counter(f"{c.verb} {c.target}" for c in calls)
        assert not outcome.without_volumes(made - sim.seam.landed)


def test_a_volume_that_goes_by_itself_is_told(tmp_path: Path) -> None:
    """The invariants see the loss of a content, and an empty home in place of a full one."""
    with named("move").simulation(tmp_path, 0) as sim:
        homes.begin_on(sim, "one", ada(sim))
        ada(sim).stop()
        sim.run(10)
        one = homes.node_id(sim, "one")
        sim.swarm.stock.remove_volume(homes.HOME, one)
        words = "removes the home home-ada, which is Bound and Retain"
        assert words in sim.invariants.broken
        sim.invariants.broken.clear()
        with pytest.raises(Violation, match="found 'home-ada 2' in the home home-ada, which held"):
            ada(sim).start("second")


def test_the_last_copy_is_no_spare_one(tmp_path: Path) -> None:
    """Where the content of a home is bound elsewhere, but is not the same, it may not go."""
    with named("move").simulation(tmp_path, 0) as sim:
        homes.begin_on(sim, "one", ada(sim))
        one, two = homes.node_id(sim, "one"), homes.node_id(sim, "two")
        sim.swarm.stock.add_volume(two, homes.HOME, "another")
        assert any(
            "not made for" in text for text in sim.invariants.contents.removal(two, homes.HOME)
        )
        assert list(sim.invariants.contents.removal(one, homes.HOME))
