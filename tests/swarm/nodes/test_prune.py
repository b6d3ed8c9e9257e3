"""Homes of deleted users: kept until an administrator says otherwise, removed wherever they lie."""

from support import homes, swarm_nodes
from support.node import Node
from support.three_nodes import ThreeNodes
from support.waiting import wait_for

_PRUNE = ("homes", "prune", "--released", "--older-than", "0s")


def _released(nodes: ThreeNodes, name: str, node: str) -> str:
    """Have a user leave a file on a node and be deleted in the hub; return their home."""
    stack, home = nodes.stack, homes.of(name)
    user = stack.login(name)
    with swarm_nodes.only(nodes.manager, node):
        user.start()
    user.put_file("note.txt", f"of {name}")
    user.stop()
    stack.login("admin").delete_user(name)
    wait_for(
        "the home to be released", lambda: homes.phase(stack, home) == "Released", homes.PATIENCE
    )
    assert swarm_nodes.holders(nodes.all, home) == [node]
    return home


def _wait_removed(nodes: ThreeNodes, home: str) -> None:
    wait_for("its record to go", lambda: not homes.exists(nodes.stack, home), homes.PATIENCE)
    assert swarm_nodes.holders(nodes.all, home) == []
    wait_for("no errand to be left", lambda: not homes.errands(nodes.manager), homes.PATIENCE)


def test_home_on_a_worker_is_pruned(nodes: ThreeNodes) -> None:
    """By an errand there, which leaves nothing; what is not old enough stays; twice is safe."""
    stack, home = nodes.stack, _released(nodes, "pat", "worker1")
    young = stack.swarmhub("homes", "prune", "--released", "--older-than", "1d", "--yes")
    assert home not in young
    shown = stack.swarmhub(*_PRUNE, "--dry-run")
    assert f"home/{home} of pat on worker1" in shown
    assert homes.phase(stack, home) == "Released"
    stack.swarmhub(*_PRUNE, "--yes")
    stack.swarmhub(*_PRUNE, "--yes")
    _wait_removed(nodes, home)
    assert home not in stack.swarmhub(*_PRUNE, "--yes")


def test_node_that_is_down_is_waited_for(nodes: ThreeNodes, worker2: Node) -> None:
    """The home is listed with what it waits for, and goes once the node is back."""
    stack, home = nodes.stack, _released(nodes, "pam", "worker2")
    _prune_while_down(nodes, worker2, home)
    assert homes.phase(stack, home) == "Released"
    worker2.start()
    swarm_nodes.wait_ready(nodes.manager, "worker2")
    _wait_removed(nodes, home)


def test_who_comes_back_in_time_keeps_the_file(nodes: ThreeNodes, worker2: Node) -> None:
    """A user of that name, made anew while the removal waits for the node, finds it all."""
    stack, home = nodes.stack, _released(nodes, "pip", "worker2")
    _prune_while_down(nodes, worker2, home)
    pip = stack.login("pip")
    pip.request_start()
    worker2.start()
    pip.wait_ready()
    assert pip.get_file("note.txt") == "of pip"
    assert homes.states(stack, home) == {"worker2": "Bound"}
    stack.swarmhub(*_PRUNE, "--yes")
    assert pip.get_file("note.txt") == "of pip"
    pip.stop()


def _prune_while_down(nodes: ThreeNodes, node: Node, home: str) -> None:
    node.kill()
    swarm_nodes.wait_down(nodes.manager, node.name)
    nodes.stack.swarmhub(*_PRUNE, "--yes")
    wait_for("it to say what it waits for", lambda: _waits(nodes, home), homes.PATIENCE)


def _waits(nodes: ThreeNodes, home: str) -> bool:
    rows = homes.survey(nodes.stack, "--cached")["items"]
    said = [row["message"] for row in rows if row["name"] == home]
    return any("waits to be removed" in message and "worker2" in message for message in said)
