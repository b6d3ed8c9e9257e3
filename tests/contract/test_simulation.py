"""The simulated Swarm, held to a real one: the same calls bring the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

import pytest
from simswarm.backends import Real, Simulated
from simswarm.nodes import GIB
from simswarm.normal import differences
from simswarm.programs import Images, by_command
from simswarm.refusal import NO_LEADER, NO_SWARM, WORKER, Refusal
from simswarm.script import Player, Step
from simswarm.scripts import NETWORK, PROGRAMS, SCRIPTS, UNKNOWN_IMAGE
from simswarm.scripts_places import ASKED, GENERIC, PLACES
from simswarm.swarm import Swarm
from simswarm.world import World
from support.cluster import Cluster
from support.node import Node
from support.tiny import load_tiny
from support.waiting import wait_for


@pytest.fixture(scope="module")
def peer(cluster: Cluster, engine: Node, tiny: str) -> Iterator[Node]:
    """Yield a second node, with the same image."""
    node = cluster.add("peer", {"node-generic-resources": list(GENERIC)})
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
    swarm = Swarm(world, manager="engine")
    swarm.add_node("peer", cpus=4.0, memory=8 * GIB, generic=GENERIC)
    swarm.networks.create("net")
    return Simulated(swarm)


def compare(script: tuple[Step, ...], simulated: Simulated, real: Real) -> None:
    """Play a script on both; each answer of each call must be the same."""
    ours, theirs = (Player(backend).play(script) for backend in (simulated, real))
    found = [
        f"{number}. {title}{difference}"
        for number, ((title, a), (_, b)) in enumerate(zip_longest(ours, theirs))
        for difference in differences(a, b)
    ]
    assert not found, "\n".join(["simulated != real", *found])


ALL = {**SCRIPTS, **PLACES}


@pytest.mark.parametrize("name", ALL)
def test_same_calls_bring_the_same_answers(name: str, simulated: Simulated, real: Real) -> None:
    """Each answer of each call is the same, but for ids, times and addresses."""
    compare(ALL[name], simulated, real)


def refusing(refusal: Refusal) -> Simulated:
    """Return a simulated engine that refuses what only a manager can do."""
    swarm = Swarm()
    swarm.refusal = refusal
    return Simulated(swarm)


def only_asked(node: Node) -> Real:
    """Return a real engine to which nothing is done."""
    return Real(node.socket.removeprefix("unix://"), lambda *_: None, lambda _: None)


def test_engines_that_are_no_managers_refuse_alike(cluster: Cluster, peer: Node) -> None:
    """An engine in no Swarm and a worker both refuse with 503, each in its own words."""
    loner = cluster.add("loner")
    compare(ASKED, refusing(NO_SWARM), only_asked(loner))
    compare(ASKED, refusing(WORKER), only_asked(peer))
    cluster.remove(loner)


def test_managers_without_a_quorum_refuse_alike(cluster: Cluster) -> None:
    """One of two managers is left; what it was asked before it knew has timed out by then."""
    first, second = cluster.add("first"), cluster.add("second")
    first.swarm_init()
    second.join(first, "manager")
    second.kill()
    left = only_asked(first)
    lost = "The swarm does not have a leader."
    wait_for(
        "the manager to know that it leads nobody",
        lambda: lost in str(left.request("GET", "/services", {}, None)[1]),
        timeout=90,
    )
    compare(ASKED, refusing(NO_LEADER), left)
    cluster.remove(first)
    cluster.remove(second)
