"""The simulated Swarm, held to a real one: the same calls bring the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

import pytest
from simulation.backends import Real, Simulated
from simulation.normal import differences
from simulation.programs import Images, by_command
from simulation.script import Player
from simulation.scripts import NETWORK, PROGRAMS, SCRIPTS, UNKNOWN_IMAGE
from simulation.swarm import Swarm
from simulation.world import World
from support.cluster import Cluster
from support.node import Node
from support.tiny import load_tiny
from support.waiting import wait_for


@pytest.fixture(scope="module")
def peer(cluster: Cluster, engine: Node, tiny: str) -> Iterator[Node]:
    """Yield a second node, with the same image."""
    node = cluster.add("peer")
    node.join(engine)
    load_tiny(node)
    yield node
    cluster.remove(node)
    engine.docker("node", "rm", "--force", "peer")


@pytest.fixture(scope="module")
def real(engine: Node, peer: Node) -> Iterator[Real]:
    """Yield the real engine with a network."""

    def power(_: str, on: bool) -> None:
        peer.start() if on else peer.kill()

    def kill(container: str) -> None:
        engine.docker("kill", container)

    made = Real(engine.socket.removeprefix("unix://"), power, kill)
    assert made.request("POST", "/networks/create", {}, NETWORK)[0] == 201
    yield made
    left = engine.docker("service", "ls", "--quiet").split()
    if left:
        engine.docker("service", "rm", *left)
    wait_for("containers to end", lambda: not engine.docker("ps", "--quiet"), timeout=30)
    engine.docker("network", "rm", "net")


@pytest.fixture
def simulated() -> Simulated:
    """Return a simulated Swarm of the same machines."""
    images = Images(missing={UNKNOWN_IMAGE}, registry=False)
    world = World(behaviour=by_command(PROGRAMS), images=images)
    swarm = Swarm(world, workers=("peer",), manager="engine")
    swarm.networks.create("net")
    return Simulated(swarm)


@pytest.mark.parametrize("name", SCRIPTS)
def test_same_calls_bring_the_same_answers(name: str, simulated: Simulated, real: Real) -> None:
    """Each answer of each call is the same, but for ids, times and addresses."""
    script = SCRIPTS[name]
    ours, theirs = (Player(backend).play(script) for backend in (simulated, real))
    found = [
        f"{number}. {title}{difference}"
        for number, ((title, a), (_, b)) in enumerate(zip_longest(ours, theirs))
        for difference in differences(a, b)
    ]
    assert not found, "\n".join(["simulated != real", *found])
