"""Every script that is held to a real engine can be played on the simulated one."""

from __future__ import annotations

import pytest
from simswarm.backends import Simulated
from simswarm.nodes import GIB
from simswarm.programs import Images, by_command
from simswarm.script import Player
from simswarm.scripts import PROGRAMS, SCRIPTS, UNKNOWN_IMAGE
from simswarm.scripts_places import GENERIC, PLACES
from simswarm.swarm import Swarm
from simswarm.world import World

ALL = {**SCRIPTS, **PLACES}


@pytest.mark.parametrize("name", ALL)
def test_script_comes_to_its_end(name: str) -> None:
    """All that it waits for comes."""
    images = Images(missing={UNKNOWN_IMAGE}, registry=False)
    world = World(behaviour=by_command(PROGRAMS), images=images)
    swarm = Swarm(world, manager="engine")
    swarm.add_node("peer", cpus=4.0, memory=8 * GIB, generic=GENERIC)
    swarm.networks.create("net")
    assert Player(Simulated(swarm)).play(ALL[name])
