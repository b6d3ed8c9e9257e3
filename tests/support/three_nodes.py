"""The whole product on a Swarm of three nodes."""

from dataclasses import dataclass

from support import homes, swarm_nodes
from support.cluster import Cluster
from support.node import Node
from support.stack import HubStack

_PULL_PORT = 5001
_WORKERS = ("worker1", "worker2")


@dataclass(frozen=True)
class ThreeNodes:
    """A swarmhub whose Swarm has two workers, beside the manager that holds its state.

    Attributes:
        stack: the product.
        manager: its node.
        worker1: another node, with a relay to the registry.
        worker2: likewise.
    """

    stack: HubStack
    manager: Node
    worker1: Node
    worker2: Node

    @property
    def workers(self) -> tuple[Node, Node]:
        """The two workers."""
        return (self.worker1, self.worker2)

    @property
    def all(self) -> tuple[Node, Node, Node]:
        """The manager and the workers."""
        return (self.manager, *self.workers)

    def named(self, name: str) -> Node:
        """Return the node of that host name.

        Raises:
            LookupError: there is none.
        """
        for node in self.all:
            if node.name == name:
                return node
        raise LookupError(f"None of the three nodes is called {name!r}.")

    def restore(self) -> None:
        """Have all three run, connected and active again, whatever a test did to them.

        Raises:
            TimeoutError: one did not become ready.
        """
        for node in self.all:
            if node.running:
                node.heal()
            else:
                node.start()
        swarm_nodes.wait_leader(self.manager)
        for node in self.all:
            swarm_nodes.wait_ready(self.manager, node.name)
            swarm_nodes.set_availability(self.manager, node.name, "active")


def join_workers(cluster: Cluster, stack: HubStack) -> ThreeNodes:
    """Add two nodes to the Swarm of a product and have them pull through its registry's door.

    Raises:
        RuntimeError: an engine did not start, or `images/bin/up` failed.
    """
    manager = stack.engine
    # A lost node is noticed within some six seconds.
    manager.docker("swarm", "update", "--dispatcher-heartbeat", "2s")
    made = [cluster.add(name, registry=f"{manager.address}:{_PULL_PORT}") for name in _WORKERS]
    for node in made:
        node.join(manager)
    for node in made:
        swarm_nodes.wait_ready(manager, node.name)
    stack.up_again()
    return ThreeNodes(stack, manager, *made)


def part_from_workers(cluster: Cluster, nodes: ThreeNodes) -> None:
    """Make the product's Swarm one of a single node again, and give up the homes on the others.

    Raises:
        RuntimeError: `images/bin/up` failed.
        TimeoutError: a home was not given up.
    """
    homes.give_up_on(nodes.stack, {node.name for node in nodes.workers})
    for node in nodes.workers:
        cluster.remove(node)
        nodes.manager.docker("node", "rm", "--force", node.name)
    nodes.manager.docker("swarm", "update", "--dispatcher-heartbeat", "5s")
    nodes.stack.up_again()
