"""Every script that is held to a real engine can be played on the simulated one."""

from __future__ import annotations

import pytest
from simulation.backends import Simulated
from simulation.programs import Images, by_command
from simulation.script import Player
from simulation.scripts import PROGRAMS, SCRIPTS, UNKNOWN_IMAGE
from simulation.swarm import Swarm
from simulation.world import World


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_comes_to_its_end(name: str) -> None:
    """All that it waits for comes."""
    images = Images(missing={UNKNOWN_IMAGE}, registry=False)
    world = World(behaviour=by_command(PROGRAMS), images=images)
    swarm = Swarm(world, workers=("peer",), manager="engine")
    swarm.networks.create("net")
    assert Player(Simulated(swarm)).play(SCRIPTS[name])
