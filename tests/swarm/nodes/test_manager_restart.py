"""The manager's engine restarts, hub and operator with it: servers on workers do not notice."""

from collections.abc import Callable
from functools import partial

from support import look, running, swarm_nodes, told
from support.hub import HubUser
from support.node import Node
from support.three_nodes import ThreeNodes
from support.waiting import wait_for

_PATIENCE = 180.0  # seconds


def test_servers_on_workers_outlive_the_manager(
    nodes: ThreeNodes, manager: Node, login: Callable[[str], HubUser]
) -> None:
    """Their containers stay the same; afterwards everybody is served as before."""
    ray, roy = login("ray"), login("roy")
    for user, worker in ((ray, "worker1"), (roy, "worker2")):
        with swarm_nodes.only(manager, worker):
            user.start()
        user.put_file("note.txt", user.name)
    before = _containers(nodes)
    manager.stop()
    assert _containers(nodes) == before
    manager.start()
    swarm_nodes.wait_leader(manager)
    for node in nodes.workers:
        swarm_nodes.wait_ready(manager, node.name)
    for user in (ray, roy):
        wait_for(f"{user.name} to be served", partial(told.serves, user), _PATIENCE)
        assert user.get_file("note.txt") == user.name
    assert _containers(nodes) == before
    ray.stop()
    ray.start()
    assert ray.get_file("note.txt") == "ray"
    assert running.places(nodes.all, "ray") == ["worker1"]


def _containers(nodes: ThreeNodes) -> list[list[str]]:
    return [look.containers(node, "swarmhub.notebook") for node in nodes.workers]
