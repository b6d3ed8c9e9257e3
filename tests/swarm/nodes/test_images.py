"""Images where they are needed: a registry that asks for a login, on three nodes and one more."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import homes, look, swarm_nodes
from support.cluster import Cluster
from support.hub import HubError, HubUser, StartFailedError
from support.node import Node
from support.private_registry import (
    ADDRESS,
    IMAGE,
    PASSWORD,
    PrivateRegistry,
    drop_relay,
    forget,
    has,
    private_registry,
)
from support.three_nodes import ThreeNodes
from support.waiting import wait_for

_POLICY = Path(__file__).parents[1] / "policy.yaml"


@pytest.fixture
def registry(nodes: ThreeNodes, tmp_path: Path) -> Iterator[PrivateRegistry]:
    """Yield a registry that every node reaches; afterwards nobody has its login any more."""
    for node in nodes.all:
        forget(node)
    with private_registry(nodes.stack, tmp_path) as made:
        for worker in nodes.workers:
            made.relay_on(worker)
        yield made
        for worker in nodes.workers:
            drop_relay(worker)
        done = nodes.stack.up(REGISTRY_AUTH="none", OPERATOR_POLICY=str(_POLICY))
        assert done.returncode == 0, done.stdout


@pytest.fixture
def fresh(cluster: Cluster, nodes: ThreeNodes) -> Iterator[Node]:
    """Yield a machine that can pull from the stack's registry, and whose engine is in no Swarm."""
    node = cluster.add("worker3", registry=f"{nodes.manager.address}:5001")
    yield node
    homes.give_up_on(nodes.stack, {node.name})
    cluster.remove(node)
    if node.name in swarm_nodes.names(nodes.manager):
        nodes.manager.docker("node", "rm", "--force", node.name)


def _with_prepull(folder: Path) -> str:
    policy = folder / "policy.yaml"
    policy.write_text(f"{_POLICY.read_text()}\nprepull:\n  images: ['{IMAGE}']\n")
    return str(policy)


def _on(nodes: ThreeNodes) -> dict[str, str]:
    """Return how the nodes stand with the private image, by host name."""
    told = json.loads(nodes.stack.swarmhub("images", "-o", "json"))["items"]
    found = next((image for image in told if image["image"] == IMAGE), None)
    return {entry["node"]: entry["state"] for entry in found["nodes"]} if found else {}


def _refused(user: HubUser) -> str:
    with pytest.raises((StartFailedError, HubError)) as caught:
        user.start()
    return str(caught.value)


@pytest.mark.timeout(600)
def test_a_private_image_is_on_every_node_before_anybody_waits(
    nodes: ThreeNodes,
    registry: PrivateRegistry,
    fresh: Node,
    login: Callable[[str], HubUser],
    tmp_path: Path,
) -> None:
    """Without a login the page says so; with it all nodes have it, and a start pulls nothing."""
    manager, stack = nodes.manager, nodes.stack
    with swarm_nodes.only(manager, "worker1"):
        said = _refused(login("private-ada"))
    assert f"The registry {ADDRESS} wants a login, which is not there" in said
    assert not any(has(worker) for worker in nodes.workers)

    done = stack.up(REGISTRY_AUTH=str(registry.logins), OPERATOR_POLICY=_with_prepull(tmp_path))
    assert done.returncode == 0, done.stdout
    for node in nodes.all:
        assert f"{node.name} has the images that run there" in done.stdout
        assert has(node)
    assert set(_on(nodes).values()) == {"Present"}

    registry.relay_on(fresh)  # before it joins: a pull that has failed is not tried again soon
    fresh.join(manager)
    swarm_nodes.wait_ready(manager, fresh.name)
    wait_for("the new node to have it", lambda: _on(nodes).get("worker3") == "Present", 120)
    assert has(fresh)
    wait_for("pulls to be cleared away", lambda: not _pulls(manager), timeout=60)

    registry.close()  # so that whatever would have to be pulled could not be
    bob = login("private-bob")
    with swarm_nodes.only(manager, "worker3"):
        bob.start()
    assert swarm_nodes.node_of(manager, "private-bob") == "worker3"
    _assert_the_login_is_nowhere(nodes, registry)
    bob.stop()


_ALL_TEXT = "cat /srv/swarmhub/state/state.db* | LC_ALL=C tr -c '[:print:]' ' '"


def _pulls(manager: Node) -> list[str]:
    return manager.docker("service", "ls", "--quiet", "--filter", "name=swarmhub-pull-").split()


def _assert_the_login_is_nowhere(nodes: ThreeNodes, registry: PrivateRegistry) -> None:
    """Neither plain nor packed: in no spec, no log, no environment, no store."""
    manager = nodes.manager
    packed = json.loads(registry.logins.read_text())["auths"][ADDRESS]["auth"]
    operator = look.stack_container(manager, "operator")
    ids = manager.docker("service", "ls", "--quiet").split()
    hub = look.stack_container(manager, "hub")
    told = [
        manager.docker("service", "inspect", *ids),
        manager.docker("service", "ps", "--no-trunc", *ids),
        manager.docker("inspect", operator, hub),
        look.log(manager, operator),
        look.log(manager, hub),
        nodes.stack.swarmhub("images", "-o", "json"),
        nodes.stack.swarmhub("get", "notebooks", "-o", "json"),
        manager.docker("exec", hub, "sh", "-c", _ALL_TEXT),
    ]
    assert all(told)
    for text in told:
        assert PASSWORD not in text
        assert packed not in text
    secrets = manager.docker("exec", hub, "ls", "/run/secrets").split()
    assert "swarmhub-registry-auth" not in secrets
