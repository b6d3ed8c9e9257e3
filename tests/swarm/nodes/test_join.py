"""`make worker` on a machine that is to join: what it sets up, and what it says when it cannot."""

from collections.abc import Iterator

import pytest
from support import swarm_nodes
from support.cluster import Cluster
from support.node import Node
from support.shell import CommandError
from support.stack import BIN
from support.three_nodes import ThreeNodes

_IMAGE = "127.0.0.1:5000/swarmhub/registry:latest"


@pytest.fixture
def fresh(cluster: Cluster, nodes: ThreeNodes) -> Iterator[Node]:
    """Yield a machine whose engine is in no Swarm; whatever it joins forgets it again."""
    node = cluster.add("worker3")
    yield node
    cluster.remove(node)
    if node.name in swarm_nodes.names(nodes.manager):
        nodes.manager.docker("node", "rm", "--force", node.name)


def _worker(node: Node, **settings: str) -> str:
    given = [f"{name}={value}" for name, value in settings.items()]
    return node.run_inside("env", *given, str(BIN / "worker"), timeout=120)


def _refusal(node: Node, **settings: str) -> str:
    with pytest.raises(CommandError) as caught:
        _worker(node, **settings)
    sentences = [line for line in caught.value.stderr.splitlines() if line.startswith("swarmhub: ")]
    assert len(sentences) == 1, caught.value.stderr
    return sentences[0]


def test_machine_becomes_a_worker(nodes: ThreeNodes, fresh: Node) -> None:
    """It joins and pulls; run once more, the script changes nothing."""
    address = str(nodes.manager.address)
    token = nodes.manager.docker("swarm", "join-token", "--quiet", "worker").strip()
    said = _worker(fresh, MANAGER=address, TOKEN=token)
    assert f"joined the Swarm of {address}" in said
    assert f"It can pull images from {address}." in said
    swarm_nodes.wait_ready(nodes.manager, fresh.name)
    fresh.docker("pull", _IMAGE, timeout=120)
    again = _worker(fresh, MANAGER=address)
    assert f"this machine is in the Swarm of {address} already" in again
    assert "socat keeps it already" in again


def test_nodes_that_cannot_pull_are_named(nodes: ThreeNodes, fresh: Node) -> None:
    """`make up` has every node fetch what may run there; one without a relay is told."""
    fresh.join(nodes.manager)
    swarm_nodes.wait_ready(nodes.manager, fresh.name)
    done = nodes.stack.up()
    assert done.returncode == 0, done.stdout
    for name in ("engine", "worker1", "worker2"):
        assert f"{name} has the images that run there" in done.stdout, done.stdout
    assert "worker3 could not pull it from 127.0.0.1:5000" in done.stdout, done.stdout
    assert "run `make worker` on it" in done.stdout


def test_what_is_missing_is_said(nodes: ThreeNodes, fresh: Node) -> None:
    """Each in one sentence, with the command that helps."""
    address = str(nodes.manager.address)
    assert "MANAGER=address TOKEN=token" in _refusal(fresh)
    assert "192.0.2.1:2377 does not answer from here" in _refusal(fresh, MANAGER="192.0.2.1")
    assert "A token is missing" in _refusal(fresh, MANAGER=address)
    assert "docker swarm join failed" in _refusal(fresh, MANAGER=address, TOKEN="SWMTKN-nonsense")
