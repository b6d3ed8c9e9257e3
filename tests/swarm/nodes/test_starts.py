"""Thirty starts and stops on three nodes: everybody always finds their own file."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import homes, running, swarm_nodes
from support.hub import HubUser
from support.node import Node
from support.three_nodes import ThreeNodes

_ROUNDS = 10
_SETTLED_WITHIN = 300.0  # seconds for one start, among others


@pytest.mark.timeout(900)
def test_everybody_always_finds_their_own_file(
    nodes: ThreeNodes, manager: Node, login: Callable[[str], HubUser]
) -> None:
    """Three homes on three nodes, used side by side; never are there two of one server."""
    users = {node.name: login(f"own-{node.name}") for node in nodes.all}
    for name, user in users.items():
        with swarm_nodes.only(manager, name):
            user.start()
        user.put_file("note.txt", f"{user.name} 0")
        user.stop()
    with ThreadPoolExecutor(len(users)) as pool:
        for done in [pool.submit(_live, nodes, node, user) for node, user in users.items()]:
            done.result()
    for name, user in users.items():
        assert swarm_nodes.holders(nodes.all, homes.of(user.name)) == [name]


def _live(nodes: ThreeNodes, node: str, user: HubUser) -> None:
    for number in range(_ROUNDS):
        user.start(timeout=_SETTLED_WITHIN)
        assert user.get_file("note.txt") == f"{user.name} {number}"
        user.put_file("note.txt", f"{user.name} {number + 1}")
        assert running.places(nodes.all, user.name) == [node]
        user.stop()
