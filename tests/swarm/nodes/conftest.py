"""Two workers beside the manager of the folder above, as long as the tests of this folder run.

Each test has users of its own, since homes stay. Those that lie on the workers are given up at the
end, when these leave the Swarm.
"""

from collections.abc import Callable, Iterator

import pytest
from support.cluster import Cluster
from support.hub import HubUser
from support.node import Node
from support.stack import HubStack
from support.three_nodes import ThreeNodes, join_workers, part_from_workers


@pytest.fixture(scope="package")
def nodes(cluster: Cluster, hub_stack: HubStack) -> Iterator[ThreeNodes]:
    """Yield the product on three nodes; afterwards it is on one again, as other tests expect."""
    made = join_workers(cluster, hub_stack)
    yield made
    part_from_workers(cluster, made)


@pytest.fixture
def login(nodes: ThreeNodes) -> Iterator[Callable[[str], HubUser]]:
    """Return what logs users in; once all nodes are well again, their servers are stopped."""
    users: list[HubUser] = []

    def log_in(name: str) -> HubUser:
        users.append(nodes.stack.login(name))
        return users[-1]

    yield log_in
    for user in users:
        if user.wait_settled():
            user.stop()


@pytest.fixture(autouse=True)
def restored(nodes: ThreeNodes, login: Callable[[str], HubUser]) -> Iterator[None]:
    """Have all three nodes well again after each test."""
    yield
    nodes.restore()


@pytest.fixture
def manager(nodes: ThreeNodes) -> Node:
    """Return the manager."""
    return nodes.manager


@pytest.fixture
def worker1(nodes: ThreeNodes) -> Node:
    """Return the first worker."""
    return nodes.worker1


@pytest.fixture
def worker2(nodes: ThreeNodes) -> Node:
    """Return the second worker."""
    return nodes.worker2
